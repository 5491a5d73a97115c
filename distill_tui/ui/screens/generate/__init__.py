"""The Generate screen: new sounds, and what to do with each of them."""
