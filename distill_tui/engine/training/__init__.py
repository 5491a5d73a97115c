"""The trainer, and what a training step is made of. It knows no codec and no picture."""
