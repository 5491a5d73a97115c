"""Synthetic digits for the Explorer where there is no MNIST: strokes with random distortion."""

import numpy as np
from numpy.typing import NDArray

from distill_tui.data.images.dataset import SIDE

Points = list[tuple[float, float]]


def _arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Points:
    """Part of an ellipse, from one angle to another in turns; 0 is to the right, 0.25 below."""
    angles = 2 * np.pi * np.linspace(start, end, 9)
    return [(float(x + width * np.cos(a)), float(y + height * np.sin(a))) for a in angles]


STROKES: tuple[list[Points], ...] = (
    [_arc(0.5, 0.5, 0.26, 0.4, 0, 1)],
    [[(0.35, 0.25), (0.55, 0.1), (0.55, 0.9)]],
    [[*_arc(0.5, 0.32, 0.24, 0.22, 0.5, 1.08), (0.25, 0.9), (0.78, 0.9)]],
    [_arc(0.45, 0.3, 0.25, 0.2, 0.55, 1.25), _arc(0.45, 0.7, 0.28, 0.2, 0.75, 1.45)],
    [[(0.6, 0.9), (0.6, 0.1), (0.2, 0.65), (0.8, 0.65)]],
    [[(0.75, 0.1), (0.32, 0.1), (0.3, 0.45), *_arc(0.48, 0.67, 0.27, 0.23, 0.75, 1.42)]],
    [[(0.65, 0.1), (0.35, 0.4), *_arc(0.5, 0.68, 0.24, 0.22, 0.5, 1.5)]],
    [[(0.22, 0.1), (0.78, 0.1), (0.42, 0.9)]],
    [_arc(0.5, 0.3, 0.21, 0.2, 0.25, 1.25), _arc(0.5, 0.7, 0.25, 0.2, 0.75, 1.75)],
    [[*_arc(0.5, 0.32, 0.24, 0.22, 0, 1), (0.72, 0.4), (0.6, 0.9)]],
)
"""What each digit is drawn with: lines through points in a square, x to the right and y down."""


def draw(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """`count` figures [count, 28, 28] and which digits they are [count]; the same for the same seed."""
    random = np.random.default_rng([seed, count])
    labels = random.integers(0, 10, count).astype(np.uint8)
    pictures = np.stack([_draw(STROKES[label], random) for label in labels]) if count else np.zeros((0, SIDE, SIDE))
    return np.round(255 * pictures).astype(np.uint8), labels


def _draw(strokes: list[Points], random: np.random.Generator) -> NDArray[np.float64]:
    angle, shear = random.normal(0, 0.12), random.normal(0, 0.15)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    askew = turn @ np.array([[random.uniform(0.75, 1.1), shear], [0, random.uniform(0.8, 1.0)]])
    centre = SIDE / 2 + random.normal(0, 0.8, 2)
    thickness = random.uniform(1.0, 1.7)
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    nearest = np.full((SIDE, SIDE), np.inf)
    for stroke in strokes:
        shaken = np.array(stroke) - 0.5 + random.normal(0, 0.012, (len(stroke), 2))
        points = shaken @ askew.T * 0.72 * SIDE + centre
        for (x, y), (dx, dy) in zip(points[:-1], np.diff(points, axis=0), strict=True):
            along = ((columns - x) * dx + (rows - y) * dy) / max(dx * dx + dy * dy, 1e-9)
            along = np.clip(along, 0, 1)
            nearest = np.minimum(nearest, np.hypot(columns - x - along * dx, rows - y - along * dy))
    return np.asarray(np.clip(thickness + 0.5 - nearest, 0, 1))
