"""Adapters to the terminal, and all uses of Textual's private names; each has a test that notices a change there."""
