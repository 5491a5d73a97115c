#!/usr/bin/env bash
# By hand: build the wheel, install it with a torch for the CPU alone, and run the demo; prints sizes and times.
#
#   bash tests/cpu_install.sh                  # as the README says: uv chooses the build
#   bash tests/cpu_install.sh torch==2.13.0    # pip, where it is given a CPU build of that version (--find-links)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
uv build --quiet --wheel --out-dir "$folder"
wheel=$(echo "$folder"/*.whl)
cd "$folder" # not in the clone, whose package would be imported in place of the installed one
python=venv/bin/python
start=$SECONDS
if [ $# -gt 0 ]; then
    python3 -m venv venv
    $python -m pip install --quiet "$wheel" "$@"
else
    uv venv --quiet --python 3.11 venv
    uv pip install --quiet --python $python --torch-backend cpu "$wheel"
fi
echo "installed in $((SECONDS - start)) s: $(du -sm venv | cut -f1) MB"
$python -c 'import torch; assert torch.version.cuda is None, f"a torch for CUDA {torch.version.cuda}"'
export DISTILL_TUI_HOME=$folder/home
start=$SECONDS
venv/bin/distill-tui demo --plain
echo "the demo took $((SECONDS - start)) s"
venv/bin/distill-tui doctor | grep -E "^(ok|warning|missing) +(torch|cpu)|training can"
