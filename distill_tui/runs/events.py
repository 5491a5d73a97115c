"""What a run's log says: one event a line of `events.jsonl`, in JSON, written by the worker alone.

Readers ignore types and fields that they do not know. A number that is not finite is null. Every line has `v` (the
format's version), `seq` (counted on across resumes), `time` (seconds since 1970) and `type`.
"""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from distill_tui.foreign import SENSELESS
from distill_tui.text import without_surrogates

LOG_VERSION = 1
LONGEST_LINE = 1 << 24
"""Bytes; a line that is longer is passed over like any other that is damaged."""
MOST_LEVELS, MOST_CODES = 256, 1 << 20

# A line that says more than can be is damaged: nobody has to reckon with the year 10^9, or 10^9 levels.
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Levels = Annotated[int, Meta(ge=0, le=MOST_LEVELS)]
Codes = Annotated[int, Meta(ge=0, le=MOST_CODES)]
Number = Annotated[float, Meta(ge=-1e100, le=1e100)]
Numbers = Annotated[dict[str, Number | None], Meta(max_length=10_000)]
Time = Annotated[float, Meta(ge=0, le=253_402_128_000)]
"""Seconds since 1970, to the last day of the year 9999."""
Span = Annotated[float, Meta(ge=0, le=1e11)]
"""Seconds or minutes."""


class Event(Struct, kw_only=True, tag_field="type", omit_defaults=True):
    """What every event has. `seq` and `time` are filled in by the log's writer."""

    seq: Count = 0
    time: Time = 0.0
    v: Count = LOG_VERSION


class Started(Event, tag="started", kw_only=True, omit_defaults=False):
    """A worker process began; `resumed` when an earlier one had trained already."""

    run: str
    name: str
    pid: Count
    program: str
    host: str = ""
    resumed: bool = False


class StateChanged(Event, tag="state", kw_only=True, omit_defaults=False):
    """starting, running, paused or stopping, and at which step."""

    state: str
    step: Count = 0
    detail: str = ""


class RunPrepared(Event, tag="prepared", kw_only=True, omit_defaults=False):
    """Data and net are ready; numbers that a task does not have are 0.

    `skipped` tells what of the data could not be used after all: [path, reason].
    """

    device: str
    precision: str
    parameters: Count
    steps_per_epoch: Count
    total_epochs: Count
    rate: Count = 0
    frame_rate: Number = 0.0
    kbps: Number = 0.0
    codebook_size: Codes = 0
    levels: Levels = 0
    training_files: Count = 0
    validation_files: Count = 0
    training_seconds: Span = 0.0
    validation_seconds: Span = 0.0
    minutes: Span = 0.0
    skipped: list[tuple[str, str]] = []


class Metrics(Event, tag="metrics", kw_only=True, omit_defaults=False):
    """Numbers by name: the mean over the steps since the last one, and for losses their least and greatest.

    `scope` is `step`, or `epoch` for the numbers of a whole epoch (validation and its health among them), which are
    never thinned out.
    """

    scope: str
    step: Count
    epoch: Count
    values: Numbers
    low: Numbers = {}
    high: Numbers = {}
    progress: Number = 0.0
    eta_seconds: Span | None = None


COUNTED_ONCE = "the training sound, once through"
"""Window of codes that no step had used before the run was stopped."""


class CodesCounted(Event, tag="codes", kw_only=True, omit_defaults=False):
    """How often each code was used over `window`: counts[level][code]. Written at ends of epochs, thinned."""

    step: Count
    epoch: Count
    counts: Annotated[list[Annotated[list[Count], Meta(max_length=MOST_CODES)]], Meta(max_length=MOST_LEVELS)]
    window: str = "held-out sound"


class QuantizationStarted(Event, tag="quantizing", kw_only=True, omit_defaults=False):
    """The codebooks are initialised: the losses of the steps before are of a net without its quantizer."""

    step: Count
    epoch: Count


class BestEpoch(Event, tag="best", kw_only=True, omit_defaults=False):
    """The epoch whose weights are kept: the least held-out `value` of `metric` since quantization started."""

    step: Count
    epoch: Count
    value: Number
    metric: str = "distance/val"


class WarningRaised(Event, tag="warning", kw_only=True, omit_defaults=False):
    """Something to look at. `code` is for programs, `text` says what, `advice` what to do."""

    code: str
    text: str
    advice: str = ""
    step: Count = 0


class CheckpointSaved(Event, tag="checkpoint", kw_only=True, omit_defaults=False):
    """A checkpoint is on the disk, its file relative to the run's folder."""

    step: Count
    epoch: Count
    file: str
    best: bool = False
    count: Count = 0


class PreviewMade(Event, tag="preview", kw_only=True, omit_defaults=False):
    """Pairs of original and reconstruction, relative to the run's folder, and their log-mel distances.

    `names` are those of the sounds as the scan calls them, one for each pair; empty in older logs.
    """

    step: Count
    epoch: Count
    folder: str
    pairs: Annotated[list[tuple[str, str, Number | None]], Meta(max_length=1000)]
    count: Count = 0
    names: Annotated[list[str], Meta(max_length=1000)] = []


class SettingChanged(Event, tag="knob", kw_only=True, omit_defaults=False):
    """A live setting took effect at `step`."""

    key: str
    old: Number
    new: Number
    step: Count


class SettingRejected(Event, tag="refused", kw_only=True, omit_defaults=False):
    """A live setting was asked for that cannot be; nothing changed. `value` is what was asked for."""

    key: str
    text: str
    step: Count
    value: Number | None = None


class ModelSaved(Event, tag="model", kw_only=True, omit_defaults=False):
    """The run's model is in the library, and was loaded back and checked."""

    id: str
    name: str
    path: str
    step: Count


class Finished(Event, tag="finished", kw_only=True, omit_defaults=False):
    """The training came to its end. The run's model, by name, id and path."""

    step: Count
    epoch: Count
    seconds: Span
    reason: str = ""
    model: str = ""
    model_id: str = ""
    path: str = ""


class Stopped(Event, tag="stopped", kw_only=True, omit_defaults=False):
    """Somebody stopped it; it can go on from its checkpoint. The model of what it had learned, if there was one."""

    step: Count
    epoch: Count
    seconds: Span
    reason: str = ""
    model: str = ""
    model_id: str = ""
    path: str = ""


class Failed(Event, tag="failed", kw_only=True, omit_defaults=False):
    """It cannot go on. `reason` says why, `advice` the way out; the traceback is in worker.log."""

    reason: str
    advice: str = ""
    step: Count = 0


TYPES: tuple[type[Event], ...] = (
    Started,
    StateChanged,
    RunPrepared,
    Metrics,
    CodesCounted,
    QuantizationStarted,
    BestEpoch,
    WarningRaised,
    CheckpointSaved,
    PreviewMade,
    SettingChanged,
    SettingRejected,
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
        """One line of JSON with its newline. NaN and infinities become null, bytes that are no text `?`."""
        try:
            return cls._encoder.encode(event) + b"\n"
        except UnicodeEncodeError:
            return cls._encoder.encode(without_surrogates(msgspec.to_builtins(event))) + b"\n"

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
        except (msgspec.MsgspecError, *SENSELESS):
            return None
        return event


_BY_TAG: dict[str, type[Event]] = {str(t.__struct_config__.tag): t for t in TYPES}
