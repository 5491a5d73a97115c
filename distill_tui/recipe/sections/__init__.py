"""The sections of a recipe, a module each."""
