"""Runs: folders on disk, their event logs, requests to them, and the worker processes that train."""
