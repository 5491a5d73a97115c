"""A stand-in for the process that generates, without torch: the protocol of `takes.protocol`, and sines for takes.

The label of a request says what it does besides: `wait` makes one take and waits to be cancelled, `die` makes one and
is killed, `refuse` is an error.
"""

import io
import math
import os
import signal
import sys
import wave
from pathlib import Path

import msgspec

from distill_tui.takes import protocol as p
from distill_tui.takes.folder import TakesFolder
from distill_tui.takes.take import Nearest, Take

RATE = 8000
LABELS = ["kick", "snare", "wait", "die", "refuse"]


def say(event: p.Event) -> None:
    sys.stdout.buffer.write(p.encode(event))
    sys.stdout.buffer.flush()


def sine(seconds: float, seed: int) -> bytes:
    samples = (
        round(9000 * math.sin(i * 0.1 * (1 + seed % 7)) * math.exp(-4 * i / RATE)) for i in range(int(seconds * RATE))
    )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    return buffer.getvalue()


def take(command: p.Make, number: int) -> Take:
    request = command.request
    seed = request.seed + number
    return Take(
        path="",
        seconds=request.seconds or 0.2 + 0.1 * (seed % 5),
        seed=seed,
        method="blend",
        label=request.label or ("kick", "snare")[seed % 2],
        nearest=Nearest(
            path=f"kick/kick {seed:02}.wav", start=0.0, distance=2.0 + seed % 3, ratio=0.8 + 0.3 * (seed % 3)
        ),
        novelty=0.3 + 0.4 * (seed % 3),
        copied_frames=1,
        copied_coarse=3,
        frames=20,
        loudness=-12.0 - seed % 5,
        peak=0.9,
        model=Path(command.model).stem,
        settings=msgspec.to_builtins(request),
    )


def make(command: p.Make) -> None:
    folder, request = TakesFolder(Path(command.folder)), command.request
    say(p.Progress(command.id, 0, request.count))
    if request.label == "refuse":
        say(p.Failed(command.id, "no such label 'refuse'", "Labels: kick, snare"))
        return
    for number in range(request.count):
        one = take(command, number)
        made = folder.add(one, sine(one.seconds, one.seed), stem=f"{one.label}-{one.seed:04}")
        say(p.TakeMade(command.id, made, ["00408090c0f0ffffc0a0806040201000"] * p.PICTURE[1]))
        say(p.Progress(command.id, number + 1, request.count))
        if request.label == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if request.label == "wait":
            while not isinstance(p.decode_command(sys.stdin.buffer.readline()), p.Cancel):
                pass
            say(p.Done(command.id, number + 1, cancelled=True))
            return
    say(p.Done(command.id, request.count))


def main() -> None:
    while line := sys.stdin.buffer.readline():
        command = p.decode_command(line)
        if isinstance(command, p.Open):
            if not Path(command.model).exists():
                say(p.Failed(0, f"{command.model}: no such file", "Choose another model."))
                continue
            say(p.Loading("PyTorch"))
            say(p.Ready(command.model, "codec", LABELS))
        elif isinstance(command, p.Make):
            make(command)


if __name__ == "__main__":
    main()
