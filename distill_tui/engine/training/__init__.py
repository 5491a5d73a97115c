"""The trainer and its parts. They know no codec and no images: a task brings what is particular."""
