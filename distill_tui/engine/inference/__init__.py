"""A trained model at work: on tensors, on files, and measured on held-out sounds."""
