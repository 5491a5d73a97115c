"""The Config screen."""
