"""Spectrograms as pictures: PNG files in 256 colours, with axes in seconds and hertz."""

import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

from distill_tui.data.spectrogram import LEAST_HERTZ, RANGE_DB, SpectrogramImage, spectrogram_images
from distill_tui.reporting.axis import round_numbers
from distill_tui.reporting.page.chart import Tick, surround
from distill_tui.reporting.page.colors import palette
from distill_tui.reporting.page.html import Html, data_uri, element

WIDTH, HEIGHT = 480, 128
"""Pixels of a picture: columns of time, rows of frequency (mel)."""
ALL_HERTZ = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 40_000)
"""Frequencies that may be labels."""
NEAREST_LABELS = 0.11
"""Labels are at least so far apart, as a share of the height."""


def pictures(paths: Sequence[Path], width: int = WIDTH, height: int = HEIGHT) -> list[SpectrogramImage]:
    """The spectrograms of sound files on one scale of loudness; each has an `error` where it cannot be read."""
    return spectrogram_images(paths, width, height)


def png(image: SpectrogramImage) -> bytes:
    """A spectrogram as a PNG file of 256 colours: its levels are the indices of the palette."""
    rows, columns = image.levels.shape
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0))
    # each row begins with its filter: none, which suits indices
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in image.levels), 9)
    parts = head, _chunk(b"PLTE", palette()), _chunk(b"IDAT", body), _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def figure(image: SpectrogramImage, name: str, source: str = "") -> Html:
    """A spectrogram with its axes, or why there is none.

    Args:
        name: of the sound, for those who cannot see the picture.
        source: the address of its PNG file; by default the picture is within the page.
    """
    if image.error:
        return element("p", f"No spectrogram: {image.error}", class_="dim")
    words = f"Spectrogram of {name}: {image.seconds:.2f} s, {LEAST_HERTZ:.0f} Hz to {image.rate / 2000:g} kHz"
    picture = element(
        "img",
        src=source or data_uri(png(image), "image/png"),
        alt=words,
        # what is within the page need not be fetched, and must be there when it is printed
        loading="lazy" if source else None,
        class_="spectrogram",
    )
    return surround(picture, seconds_ticks(image.seconds), hertz_ticks(image.rate), class_="sound")


def seconds_ticks(seconds: float) -> list[Tick]:
    """Labels of the time axis."""
    if seconds <= 0:
        return []
    return [Tick(place / seconds, f"{place:.4g} s") for place in round_numbers(0, seconds, 4)]


def hertz_ticks(rate: int) -> list[Tick]:
    """Labels of the frequency axis, which is even on the mel scale from LEAST_HERTZ to half the rate."""
    lowest, highest = _mel(LEAST_HERTZ), _mel(rate / 2)
    found: list[Tick] = []
    for hertz in ALL_HERTZ:
        at = (_mel(hertz) - lowest) / (highest - lowest) if highest > lowest else 0.0
        if (not found or at - found[-1].at >= NEAREST_LABELS) and at <= 1:
            found.append(Tick(at, f"{hertz / 1000:g} kHz" if hertz >= 1000 else f"{hertz} Hz"))
    return found


def scale_note() -> str:
    """What the colours mean."""
    return f"Colours: loudness over {RANGE_DB:.0f} dB, the loudest of a set of sounds at the top of the scale."


def _mel(hertz: float) -> float:
    """O'Shaughnessy's mel scale, as in `data.spectrogram`."""
    return 2595 * math.log10(1 + hertz / 700)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
