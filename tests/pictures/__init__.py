"""The README's pictures, made from real trainings: `python -m tests.pictures --help`. No test runs this."""
