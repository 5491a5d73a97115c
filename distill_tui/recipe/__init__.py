"""The recipe of a run: its declaration, presets, files, and the automatic choices."""
