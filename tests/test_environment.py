"""Importing a package changes nothing for the process that imports it."""

import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, os, pkgutil, sys
import distill_tui

def is_told(change):
    def told(self, key, *value):
        frame = sys._getframe(1)
        while frame.f_globals["__name__"] == "os":
            frame = frame.f_back
        # libraries may set their own
        if frame.f_globals["__name__"].startswith("distill_tui"):
            print(frame.f_globals["__name__"], key)
        change(self, key, *value)
    return told

kind = type(os.environ)
kind.__setitem__, kind.__delitem__ = is_told(kind.__setitem__), is_told(kind.__delitem__)
names = [module.name for module in pkgutil.walk_packages(distill_tui.__path__, "distill_tui.")]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names) > 100)
"""


@pytest.mark.slow
def test_importing_changes_no_environment_variable() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_the_app_sets_the_frame_rate_before_textual_is_imported() -> None:
    code = (
        "import os, sys, distill_tui.ui.start as start\n"
        "assert 'textual' not in sys.modules and 'TEXTUAL_FPS' not in os.environ\n"
        "sys.modules['distill_tui.ui.app'] = None\n"
        "try: start.run_app(None, None)\n"
        "except ImportError: print(os.environ['TEXTUAL_FPS'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})
    assert done.stdout == "200\n"
