"""What there is to say of a run or a model, once: screens and commands draw from here."""
