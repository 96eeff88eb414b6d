#!/bin/sh
# Install the CPU build of torch, pinned in requirements.lock, with the Python given.
# PyTorch's own index has CPU wheels; the default one has CUDA builds of several GB on Linux,
# so where only that can be reached, the build is taken only if it brings no CUDA.
set -e
python=$1
torch=$(grep '^torch==' "$(dirname "$0")/../requirements.lock")
index=${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}

has_torch() { "$python" -c "import importlib.metadata as m; raise SystemExit(m.version('torch').split('+')[0] != '${torch#*==}')" 2>/dev/null; }

has_torch && exit 0
if [ "$(uname)" = Linux ]; then
    echo "Installing $torch (CPU) from $index"
    "$python" -c "import sys, urllib.request; urllib.request.urlopen(sys.argv[1] + '/torch/', timeout=8)" "$index" 2>/dev/null &&
        "$python" -m pip install --quiet --retries 1 --timeout 20 --index-url "$index" "$torch" && exit 0
    echo "$index can't be reached; trying the default package index"
    if "$python" -m pip install --dry-run "$torch" | grep -qi 'nvidia\|cuda'; then
        echo "There $torch is a CUDA build of several GB, which was not asked for." >&2
        echo "Connect to $index, or install a torch of your own into the environment first." >&2
        exit 1
    fi
fi
"$python" -m pip install --quiet "$torch"
