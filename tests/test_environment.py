"""Importing a package changes nothing for the process that imports it."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, os, pkgutil
import distill_tui

before = dict(os.environ)
for module in pkgutil.walk_packages(distill_tui.__path__, "distill_tui."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        if dict(os.environ) != before:
            print(module.name, dict(os.environ).items() ^ before.items())
            before = dict(os.environ)
"""


def test_importing_changes_no_environment_variable() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True)
    assert done.stdout == ""
