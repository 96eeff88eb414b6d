"""The entry: the same as ``gradient-diagnostics serve``."""

import sys

from diagnostics.cli.commands import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
