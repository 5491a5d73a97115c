"""Sounds and pictures as addresses within a page, up to a limit.

Sounds are FLAC of 16 bits as long as they are few: what is heard is what the model made, to the bit, and every browser
has played it since 2017. Beyond LOSSLESS_BYTES they become MP3, which libsndfile writes and every browser plays, old
Safaris too, which know no Opus in Ogg; its own artefacts are well below those of a codec of 1 kbps, but they are there,
so the page says so. Beyond MOST_BYTES sounds are left out, and counted.
"""

import io
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from distill_tui.data.audio_io import pcm16, resampled
from distill_tui.data.excerpt import read_excerpt
from distill_tui.errors import DistillError
from distill_tui.reporting.formatting import megabytes, plural
from distill_tui.reporting.page.html import data_uri

LOSSLESS_BYTES, MOST_BYTES = 8_000_000, 24_000_000
"""Of all sounds together, as files: in the page they take a third more. Mail takes 25 to 35 MB, as a rule."""
MOST_SECONDS = 30.0
"""Of one sound: more of it is not needed to judge it."""
MP3_RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MP3_LEVEL = 0.2
"""Of 0 (largest) to 1 of soundfile's compression: variable bit rate, 190 kbps for full-band stereo."""

Samples = NDArray[np.float32]


class Media:
    """The sounds of one page: how many bytes they take, and what was compressed or left out."""

    def __init__(self, lossless: int = LOSSLESS_BYTES, most: int = MOST_BYTES) -> None:
        self._lossless, self._most = lossless, most
        self.bytes = self.sounds = self.compressed = self.left_out = 0

    def sound(self, path: Path, start: float = 0.0, seconds: float = MOST_SECONDS) -> tuple[str, str]:
        """A part of a sound file as (address, ""), or ("", why it is not there).

        Args:
            start, seconds: in seconds; MOST_SECONDS are taken at most.
        """
        try:
            samples, rate = read_excerpt(path, start, min(seconds, MOST_SECONDS))
        except DistillError as error:
            # without the path, which may tell more than is to be shown
            return "", error.message.rpartition(": ")[2]
        content, kind = flac(samples, rate), "audio/flac"
        if self.bytes + len(content) > self._lossless:
            content, kind = mp3(samples, rate), "audio/mpeg"
            if self.bytes + len(content) > self._most:
                self.left_out += 1
                return "", "left out, as this file would become too large"
            self.compressed += 1
        self.sounds += 1
        self.bytes += len(content)
        return data_uri(content, kind), ""

    def note(self) -> str:
        """How the sounds are kept, and what was left out; '' where there are none."""
        if not self.sounds and not self.left_out:
            return ""
        parts = [f"{plural(self.sounds, 'sound')} in this file, {megabytes(self.bytes)}"]
        if self.compressed:
            parts.append(
                f"{self.compressed} of them as MP3, which adds faint artefacts of its own, to keep the file small"
            )
        else:
            parts.append("lossless (FLAC, 16 bits)")
        if self.left_out:
            parts.append(f"{self.left_out} left out, as the file would become too large")
        return "; ".join(parts) + "."


def flac(samples: Samples, rate: int) -> bytes:
    """Samples [frames, channels] in -1..1 as a FLAC file of 16 bits."""
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, samples.shape[1], "PCM_16", format="FLAC") as file:
        file.write(pcm16(samples))
    return buffer.getvalue()


def mp3(samples: Samples, rate: int) -> bytes:
    """Samples [frames, channels] in -1..1 as an MP3 file, mono where there are more channels than two."""
    if samples.shape[1] > 2:
        samples = samples.mean(axis=1, keepdims=True)
    if rate not in MP3_RATES:
        wanted = next((one for one in MP3_RATES if one >= rate), MP3_RATES[-1])
        samples, rate = np.concatenate(list(resampled(iter([samples]), rate, wanted))), wanted
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", rate, samples.shape[1], "MPEG_LAYER_III", format="MP3", compression_level=MP3_LEVEL
    ) as file:
        file.write(samples)
    return buffer.getvalue()
