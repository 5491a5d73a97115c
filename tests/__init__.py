"""All tests. Where Python was told to keep no bytecode, it is kept in the environment for as long as they run: each
of the processes that they start would else compile torch anew (until the worker has its modules: 8.3 s, not 3.2)."""

import os
import sys
from pathlib import Path

if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(sys.prefix) / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

# as in every process of ours that computes: threads that wait for work leave the cores to the other tests
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
