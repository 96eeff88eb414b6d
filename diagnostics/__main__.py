"""``python -m diagnostics``."""

from diagnostics.cli.commands import main

if __name__ == "__main__":
    main()
