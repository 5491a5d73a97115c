"""Events of a run's log: one line of JSON each in `events.jsonl`, written by the worker alone.

Readers ignore unknown types and fields. A number that is not finite is null. Every line has `v` (format version),
`seq` (continues across resumes), `time` (seconds since 1970) and `type`.
"""

from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from distill_tui.foreign import SENSELESS
from distill_tui.text import without_surrogates

LOG_VERSION = 1
LONGEST_LINE = 1 << 24
"""Bytes; a longer line is skipped as damaged."""
MOST_LEVELS, MOST_CODES = 256, 1 << 20

# A line with an impossible number is damaged: no reader has to handle the year 10^9, or 10^9 levels.
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
    """Fields of every event. The log's writer sets `seq` and `time`."""

    seq: Count = 0
    time: Time = 0.0
    v: Count = LOG_VERSION


class Started(Event, tag="started", kw_only=True, omit_defaults=False):
    """A worker process started; `resumed` if there was an earlier one."""

    run: str
    name: str
    pid: Count
    program: str
    host: str = ""
    resumed: bool = False


class StateChanged(Event, tag="state", kw_only=True, omit_defaults=False):
    """The run is starting, running, paused or stopping, at `step`; `detail` is the current activity, of which so much
    is done where there is a `total`."""

    state: str
    step: Count = 0
    detail: str = ""
    done: Count = 0
    total: Count = 0


class RunPrepared(Event, tag="prepared", kw_only=True, omit_defaults=False):
    """Data and net are ready; numbers that a task does not have are 0.

    `task` is that of the recipe where the run's numbers are others than an autoencoder's: `prior`. `skipped` tells what
    of the data could not be used after all: [path, reason].
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
    task: str = ""
    skipped: list[tuple[str, str]] = []


class AnchorsMeasured(Event, tag="anchors", kw_only=True, omit_defaults=False):
    """The ends of the scale of quality, in distances by name (`reporting.sound_quality`) of some held-out `sounds`.

    0 % is `floor`, the mean spectrum of the training sounds in place of each; 100 % is `ceiling`, each through the
    net's analysis and synthesis alone (`engine.tasks.anchors`). Written once, before the first step.
    """

    floor: Numbers
    ceiling: Numbers
    sounds: Count = 0


class Metrics(Event, tag="metrics", kw_only=True, omit_defaults=False):
    """Numbers by name: means over the steps since the last event, and for losses their minimum and maximum.

    `scope` is `step`, or `epoch` for the numbers of a whole epoch (validation and codebook health included), which are
    never thinned.
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
"""Window of codes that no step had used when the run was stopped."""


class CodesCounted(Event, tag="codes", kw_only=True, omit_defaults=False):
    """Uses of each code over `window`: counts[level][code]. Written at ends of epochs, thinned by time."""

    step: Count
    epoch: Count
    counts: Annotated[list[Annotated[list[Count], Meta(max_length=MOST_CODES)]], Meta(max_length=MOST_LEVELS)]
    window: str = "held-out sound"


class QuantizationStarted(Event, tag="quantizing", kw_only=True, omit_defaults=False):
    """Codebooks are initialised: the losses of earlier steps are those of the net without its quantizer."""

    step: Count
    epoch: Count


class AdversarialStarted(Event, tag="adversarial", kw_only=True, omit_defaults=False):
    """The adversarial part of the training begins, from the weights of `from_epoch`: a discriminator judges the
    decoder, and encoder and codebooks stay as they are."""

    step: Count
    epoch: Count
    from_epoch: Count = 0


class BestEpoch(Event, tag="best", kw_only=True, omit_defaults=False):
    """Best epoch so far, whose weights are kept: lowest held-out `value` of `metric` since quantization started."""

    step: Count
    epoch: Count
    value: Number
    metric: str = "distance/val"


NOT_SAVED = "checkpoint-not-saved"
"""Code of the warning that answers a request for a checkpoint which could not be written."""


class WarningRaised(Event, tag="warning", kw_only=True, omit_defaults=False):
    """A problem that needs attention: `code` for programs, `text` and `advice` for people."""

    code: str
    text: str
    advice: str = ""
    step: Count = 0


class CheckpointSaved(Event, tag="checkpoint", kw_only=True, omit_defaults=False):
    """A checkpoint is on the disk; `file` is relative to the run's folder."""

    step: Count
    epoch: Count
    file: str
    best: bool = False
    count: Count = 0


class PreviewMade(Event, tag="preview", kw_only=True, omit_defaults=False):
    """Pairs of original and reconstruction (files relative to the run's folder) with their distances:
    of sound by `reporting.sound_quality.FORMULA`, in older logs log-mel alone.

    `names` are the names of the sounds, `measures` what their distances are made of, and `levels` their reconstructions
    by the first K levels as (K, file, distance) for some K below all of them: one for each pair, and empty in older
    logs. `trained` is the time in training, of all sessions and without pauses.
    """

    step: Count
    epoch: Count
    folder: str
    pairs: Annotated[list[tuple[str, str, Number | None]], Meta(max_length=1000)]
    count: Count = 0
    names: Annotated[list[str], Meta(max_length=1000)] = []
    measures: Annotated[list[Numbers], Meta(max_length=1000)] = []
    levels: Annotated[list[list[tuple[Levels, str, Number | None]]], Meta(max_length=1000)] = []
    trained: Span = 0.0


class SettingChanged(Event, tag="knob", kw_only=True, omit_defaults=False):
    """A live setting changed at `step`."""

    key: str
    old: Number
    new: Number
    step: Count


class SettingRejected(Event, tag="refused", kw_only=True, omit_defaults=False):
    """A requested live setting was impossible; nothing changed. `value` is the one requested."""

    key: str
    text: str
    step: Count
    value: Number | None = None


class ModelSaved(Event, tag="model", kw_only=True, omit_defaults=False):
    """The run's model was saved in the library, loaded back and checked.

    `level_distances` are those of held-out sound with the first 1, 2, ... levels, where they were measured.
    """

    id: str
    name: str
    path: str
    step: Count
    level_distances: Annotated[list[Number | None], Meta(max_length=MOST_LEVELS)] = []


class Ended(Event, kw_only=True, omit_defaults=False):
    """The end of a training: how far it came, and its model by name, id and path."""

    step: Count
    epoch: Count
    seconds: Span
    reason: str = ""
    model: str = ""
    model_id: str = ""
    path: str = ""


class Finished(Ended, tag="finished", kw_only=True, omit_defaults=False):
    """Training is complete."""


class Stopped(Ended, tag="stopped", kw_only=True, omit_defaults=False):
    """The run was stopped and can be resumed from its checkpoint; there may be no model so far.

    `too_dear` is true if it has cost what it was to cost at most: it then stops at once again unless it may cost more.
    """

    too_dear: bool = False


class RankUse(Struct, kw_only=True):
    """What a rank uses: load of its device 0..1, memory in bytes; None where that is not known.

    On a CPU the load is that of this process, over all processors of its machine.
    """

    rank: Count
    host: str = ""
    device: str = ""
    name: str = ""
    busy: Number | None = None
    used: Count | None = None
    memory: Count | None = None
    examples_per_second: Number = 0.0


class RanksMeasured(Event, tag="ranks", kw_only=True, omit_defaults=False):
    """What each process of a training by several uses: every few seconds."""

    step: Count
    ranks: Annotated[list[RankUse], Meta(max_length=4096)]


class Failed(Event, tag="failed", kw_only=True, omit_defaults=False):
    """The run failed: `reason`, and `advice` on what to do; the traceback is in worker.log."""

    reason: str
    advice: str = ""
    step: Count = 0


TYPES: tuple[type[Event], ...] = (
    Started,
    StateChanged,
    RunPrepared,
    AnchorsMeasured,
    Metrics,
    CodesCounted,
    QuantizationStarted,
    AdversarialStarted,
    BestEpoch,
    WarningRaised,
    CheckpointSaved,
    PreviewMade,
    SettingChanged,
    SettingRejected,
    ModelSaved,
    RanksMeasured,
    Finished,
    Stopped,
    Failed,
)
LAST = (Finished, Stopped, Failed)
"""Events that end a worker's part of a log."""


class _Tag(Struct):
    type: str = ""


class Codec:
    """Encodes events as lines, and back."""

    _encoder: ClassVar[msgspec.json.Encoder] = msgspec.json.Encoder()
    _decoders: ClassVar[dict[str, Any]] = {}
    _tag: ClassVar[Any] = msgspec.json.Decoder(_Tag)

    @classmethod
    def encode(cls, event: Event) -> bytes:
        """Encode an event as a line of JSON with its newline; NaN and infinity become null, undecodable bytes `?`."""
        try:
            return cls._encoder.encode(event) + b"\n"
        except UnicodeEncodeError:
            return cls._encoder.encode(without_surrogates(msgspec.to_builtins(event))) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Event | None:
        """Decode a line; None if its type is unknown or the line is damaged."""
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
