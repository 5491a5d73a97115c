"""New sounds: from a prior, and from the codes of the training sounds themselves."""
