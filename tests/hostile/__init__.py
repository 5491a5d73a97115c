"""Damaged and hostile input of every kind that the program reads, from seeds, through the real commands and the app.

    python -m tests.hostile --cases 1000 --seed 1

What is promised: no traceback and no "mistake in this program", no waiting for ever, no code run, nothing else lost.
"""
