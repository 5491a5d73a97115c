"""Sounds: found, checked, split, decoded into the cache, and synthesised for the demo. No torch here."""
