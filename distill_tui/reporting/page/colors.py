"""The colour map of spectrograms: from black over violet and red to pale yellow, its lightness even."""

ANCHORS = ("#000004", "#180f3d", "#440f76", "#721f81", "#9e2f7f", "#cd4071", "#f1605d", "#fd9668", "#feca8d", "#fcfdbf")
"""Points of magma, by Nathaniel Smith and Stefan van der Walt (CC0), at equal distances."""


def palette(size: int = 256) -> bytes:
    """Red, green and blue of `size` colours, from silence to the loudest."""
    points = [tuple(bytes.fromhex(color[1:])) for color in ANCHORS]
    found = bytearray()
    for index in range(size):
        place = index / max(1, size - 1) * (len(points) - 1)
        start = min(int(place), len(points) - 2)
        share = place - start
        found += bytes(round(a + (b - a) * share) for a, b in zip(points[start], points[start + 1], strict=True))
    return bytes(found)
