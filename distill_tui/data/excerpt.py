"""Write an excerpt of a sound as a WAV file. The app runs this as a program, so that it needs no decoder itself.

    python -m distill_tui.data.excerpt SOURCE START SECONDS TARGET

writes TARGET and prints how many seconds it has. Of the WAV files in TARGET's folder the newest MOST_KEPT stay.
"""

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from distill_tui.data.audio_io import write_sound
from distill_tui.data.silence_stderr import quiet_decoders
from distill_tui.data.sound_file import READABLE_ERRORS
from distill_tui.errors import DistillError
from distill_tui.files import ABANDONED, sweep_parts
from distill_tui.foreign import open_regular
from distill_tui.text import printable

MOST_KEPT = 40


def read_excerpt(source: Path, start: float, seconds: float) -> tuple[NDArray[np.float32], int]:
    """So many seconds of a sound from `start` on (in seconds): samples [frames, channels] in -1..1, and their rate.

    Raises:
        DistillError: the sound is gone, cannot be read, or has ended before.
    """
    try:
        # by descriptor: soundfile cannot encode every name
        with open_regular(source) as handle, soundfile.SoundFile(handle.fileno(), closefd=False) as file:
            rate: int = file.samplerate
            file.seek(min(file.frames, max(0, round(start * rate))))
            samples = file.read(max(1, round(seconds * rate)), dtype="float32", always_2d=True)
    except READABLE_ERRORS as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise DistillError(f"{printable(str(source))}: cannot be read: {reason.lower()}") from error
    if not len(samples):
        raise DistillError(f"{printable(str(source))}: it ends before {start:.1f} s; it has changed since")
    return np.nan_to_num(samples), rate


def cut(source: Path, start: float, seconds: float, target: Path) -> float:
    """Write so many seconds of a sound from `start` on (in seconds), at its own rate, with all channels.

    Returns:
        How many seconds were there.

    Raises:
        DistillError: as `read_excerpt`; or `target` cannot be written.
    """
    samples, rate = read_excerpt(source, start, seconds)
    write_sound(target, [samples], rate, samples.shape[1])
    return len(samples) / rate


def _sweep(folder: Path) -> None:
    """Delete what was cut out longest ago, and what killed processes left half-written."""
    sweep_parts(folder, ABANDONED)
    with contextlib.suppress(OSError):
        found = sorted(folder.glob("*.wav"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in found[MOST_KEPT:]:
            old.unlink()


def main(arguments: Sequence[str]) -> int:
    source, start, seconds, target = arguments
    try:
        with quiet_decoders():
            found = cut(Path(source), float(start), float(seconds), Path(target))
    except DistillError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{found:.3f}")
    _sweep(Path(target).parent)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
