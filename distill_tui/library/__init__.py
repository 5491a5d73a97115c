"""The library: models as `.distill` files, written, read, listed and checked for every other part of the program."""
