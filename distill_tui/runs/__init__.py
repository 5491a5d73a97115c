"""Runs: folders on disk, their event logs, what is wanted of them, and the processes that train."""
