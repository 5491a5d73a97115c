"""Texts about runs and models, in one place for screens, commands and exports."""
