"""Pictures of an Explorer run: found, decoded, or drawn."""
