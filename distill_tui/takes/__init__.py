"""Takes: generated and edited sounds, a folder of them, and what was asked for. Plain Python, without torch."""
