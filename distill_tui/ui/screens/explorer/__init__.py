"""The Explorer screen."""
