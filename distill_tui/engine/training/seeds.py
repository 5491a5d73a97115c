"""Seeds derived from a run's seed and a step's number, so that there is no random state to save.

A resumed run draws what a run that never stopped would have drawn.
"""

import torch


def derive_seed(seed: int, *numbers: int) -> int:
    """A 63-bit seed from several numbers (SplitMix64's finaliser, Steele et al. 2014)."""
    state = seed
    for number in numbers:
        state = (state ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        state = (state ^ state >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 31
    return state >> 1


def device_generator(device: torch.device) -> torch.Generator:
    """A generator of random numbers on a device."""
    return torch.Generator(device)


def generator(seed: int, *numbers: int) -> torch.Generator:
    """A generator seeded with `derive_seed(seed, *numbers)`."""
    return torch.Generator().manual_seed(derive_seed(seed, *numbers))
