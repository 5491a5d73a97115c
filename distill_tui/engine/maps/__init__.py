"""Maps of codebooks: of a run as it trains, and of any model."""
