"""What only a real card can settle: `tests/gpu/run`, and the tests marked `gpu` beside it."""
