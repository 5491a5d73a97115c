"""Command lines that start this Python: the one place that makes them.

`python -m` and `python -c` look for modules in the current folder first. A person may stand in a folder of sounds that
a stranger packed, and a `torch.py` in it would be run: so every command line has -P, Python's safe path.
"""

import os
import sys
from pathlib import Path


def python(*arguments: str) -> list[str]:
    """The command that runs this Python with `arguments`: `-m`, a module and its arguments, or `-c` and code."""
    return [sys.executable, "-P", *arguments]


def unsafe_python_path() -> bool:
    """Check whether PYTHONPATH has an empty or relative entry, which means the current folder."""
    listed = os.environ.get("PYTHONPATH", "")
    return bool(listed) and not all(Path(entry).is_absolute() for entry in listed.split(os.pathsep))
