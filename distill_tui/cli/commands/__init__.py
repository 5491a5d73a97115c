"""Commands, a module a group."""
