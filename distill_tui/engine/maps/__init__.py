"""Maps of codebooks: while a run trains, and of any model."""
