"""What a run's log says: one event a line of `events.jsonl`, in JSON, written by the worker alone.

Readers ignore types and fields that they do not know. A number that is not finite is null. Every line has `v` (the
format's version), `seq` (counted on across resumes), `time` (seconds since 1970) and `type`.
"""

from typing import Any, ClassVar

import msgspec
from msgspec import Struct

LOG_VERSION = 1


class Event(Struct, kw_only=True, tag_field="type", omit_defaults=True):
    """What every event has. `seq` and `time` are filled in by the log's writer."""

    seq: int = 0
    time: float = 0.0
    v: int = LOG_VERSION


class Started(Event, tag="started", kw_only=True, omit_defaults=False):
    """A worker process began; `resumed` when an earlier one had trained already."""

    run: str
    name: str
    pid: int
    program: str
    host: str = ""
    resumed: bool = False


class StateChanged(Event, tag="state", kw_only=True, omit_defaults=False):
    """starting, running, paused or stopping, and at which step."""

    state: str
    step: int = 0
    detail: str = ""


class Prepared(Event, tag="prepared", kw_only=True, omit_defaults=False):
    """Sound and net are ready. `skipped` tells what of the data could not be used after all: [path, reason]."""

    device: str
    precision: str
    parameters: int
    rate: int
    frame_rate: float
    kbps: float
    codebook_size: int
    levels: int
    training_files: int
    validation_files: int
    training_seconds: float
    validation_seconds: float
    steps_per_epoch: int
    total_epochs: int
    minutes: float = 0.0
    skipped: list[tuple[str, str]] = []


class Metrics(Event, tag="metrics", kw_only=True, omit_defaults=False):
    """Numbers by name: the mean over the steps since the last one, and for losses their least and greatest.

    `scope` is `step`, or `epoch` for the numbers of a whole epoch (validation and its health among them), which are
    never thinned out.
    """

    scope: str
    step: int
    epoch: int
    values: dict[str, float | None]
    low: dict[str, float | None] = {}
    high: dict[str, float | None] = {}
    progress: float = 0.0
    eta_seconds: float | None = None


class CodesCounted(Event, tag="codes", kw_only=True, omit_defaults=False):
    """How often each code was used over `window`: counts[level][code]. Written at ends of epochs, thinned."""

    step: int
    epoch: int
    counts: list[list[int]]
    window: str = "held-out sound"


class QuantizationStarted(Event, tag="quantizing", kw_only=True, omit_defaults=False):
    """The codebooks are initialised: the losses of the steps before are of a net without its quantizer."""

    step: int
    epoch: int


class BestEpoch(Event, tag="best", kw_only=True, omit_defaults=False):
    """The epoch whose weights are kept: the least held-out `value` of `metric` since quantization started."""

    step: int
    epoch: int
    value: float
    metric: str = "distance/val"


class Warned(Event, tag="warning", kw_only=True, omit_defaults=False):
    """Something to look at. `code` is for programs, `text` says what, `advice` what to do."""

    code: str
    text: str
    advice: str = ""
    step: int = 0


class CheckpointSaved(Event, tag="checkpoint", kw_only=True, omit_defaults=False):
    """A checkpoint is on the disk, its file relative to the run's folder."""

    step: int
    epoch: int
    file: str
    best: bool = False
    count: int = 0


class PreviewMade(Event, tag="preview", kw_only=True, omit_defaults=False):
    """Pairs of original and reconstruction, relative to the run's folder, and their log-mel distances."""

    step: int
    epoch: int
    folder: str
    pairs: list[tuple[str, str, float | None]]
    count: int = 0


class KnobTurned(Event, tag="knob", kw_only=True, omit_defaults=False):
    """A live setting took effect at `step`."""

    key: str
    old: float
    new: float
    step: int


class KnobRefused(Event, tag="refused", kw_only=True, omit_defaults=False):
    """A live setting was asked for that cannot be; nothing changed. `value` is what was asked for."""

    key: str
    text: str
    step: int
    value: float | None = None


class ModelSaved(Event, tag="model", kw_only=True, omit_defaults=False):
    """The run's model is in the library, and was loaded back and checked."""

    id: str
    name: str
    path: str
    step: int


class Finished(Event, tag="finished", kw_only=True, omit_defaults=False):
    """The training came to its end. The run's model, by name, id and path."""

    step: int
    epoch: int
    seconds: float
    reason: str = ""
    model: str = ""
    model_id: str = ""
    path: str = ""


class Stopped(Event, tag="stopped", kw_only=True, omit_defaults=False):
    """Somebody stopped it; it can go on from its checkpoint. The model of what it had learned, if there was one."""

    step: int
    epoch: int
    seconds: float
    reason: str = ""
    model: str = ""
    model_id: str = ""
    path: str = ""


class Failed(Event, tag="failed", kw_only=True, omit_defaults=False):
    """It cannot go on. `reason` says why, `advice` the way out; the traceback is in worker.log."""

    reason: str
    advice: str = ""
    step: int = 0


TYPES: tuple[type[Event], ...] = (
    Started,
    StateChanged,
    Prepared,
    Metrics,
    CodesCounted,
    QuantizationStarted,
    BestEpoch,
    Warned,
    CheckpointSaved,
    PreviewMade,
    KnobTurned,
    KnobRefused,
    ModelSaved,
    Finished,
    Stopped,
    Failed,
)
LAST = (Finished, Stopped, Failed)
"""The events that end a worker's part of a log."""


class _Tag(Struct):
    type: str = ""


class Codec:
    """Events to lines and back."""

    _encoder: ClassVar[msgspec.json.Encoder] = msgspec.json.Encoder()
    _decoders: ClassVar[dict[str, Any]] = {}
    _tag: ClassVar[Any] = msgspec.json.Decoder(_Tag)

    @classmethod
    def encode(cls, event: Event) -> bytes:
        """One line of JSON with its newline. NaN and infinities become null."""
        return cls._encoder.encode(event) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Event | None:
        """The event of a line, or None when its type is unknown or the line is damaged."""
        try:
            tag = cls._tag.decode(line).type
            decoder = cls._decoders.get(tag)
            if decoder is None:
                kind = _BY_TAG.get(tag)
                if kind is None:
                    return None
                decoder = cls._decoders[tag] = msgspec.json.Decoder(kind)
            event: Event = decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return event


_BY_TAG: dict[str, type[Event]] = {str(t.__struct_config__.tag): t for t in TYPES}
