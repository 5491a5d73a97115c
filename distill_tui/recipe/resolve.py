"""From a recipe with `auto` in it to a complete one: every choice that follows from the data and the machine."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from distill_tui.errors import RequestError
from distill_tui.machine import Machine
from distill_tui.recipe.arithmetic import (
    CONV2D_STRIDE,
    ENOUGH_FRAMES_PER_CODE,
    VALIDATION_SECONDS,
    frame_rate,
    latent_hop,
)
from distill_tui.recipe.batch import choose_batch
from distill_tui.recipe.devices import cannot_share, described, devices_of, split_list
from distill_tui.recipe.fields import fields, get, with_values
from distill_tui.recipe.net_size import choose_size
from distill_tui.recipe.pace import Pace, kind_of_device
from distill_tui.recipe.quantizers import fsq_levels
from distill_tui.recipe.schema import Recipe

MODEL_RATES = (8000, 11025, 16000, 22050, 24000, 32000, 44100, 48000)
FRAMES_PER_CODE = 6
"""Latent frames of training sound for each code. Random speed, gain and mixing make many of each: on held-out drums 256
codes for 1,550 frames did better than 64 (tests/benchmarks/RESULTS.md)."""
FRAME_SECONDS = 0.00625
"""The hop of the spectrogram, but for tones. Frames of 12 ms lose drums; frames of 3 ms are better still for drums at
44.1 kHz, but worse for speech at 8 kHz (tests/benchmarks/RESULTS.md)."""
STRIDE = 4
LOUDNESS_SCALE = 2.0
"""One unit of the latent is 4.3 dB."""
RESIDUAL = ("rvq_ema", "rvq_gradient", "residual_vq")
"""The quantizers whose codes tell any range; a fixed grid or a normal distribution would bend the loudness."""
TONES = 1.75
"""Tonality (`data.tonality`, in bits) from which sounds are tones: their frames are twice as long, and half as many
share a code, so that the latent rate stays what it is. Drums have 0.6, spoken digits 1.4, most notes 2.1 to 3."""
LATEST_WARMUP = 0.8
"""Share of a training that the quantizer's warm-up and an adversarial part take together at most."""
ATTACKS = 1.0
"""Tonality below which sounds are attacks: only what is said of them depends on it."""
FRAME_KEYS = ("model.hop_length", "model.n_fft", "model.stride")
IMAGE_CODES, IMAGE_BATCH = 16, 64
TINY_SECONDS = 30.0
NOTICED_BANDWIDTH = 1.25
"""A model at 44.1 kHz for sounds at 48 kHz takes away nothing that is heard; one at 32 kHz for 44.1 does."""
EPOCH_STEPS, EPOCH_PIECES = {"cpu": 25, "mps": 400, "cuda": 400}, 400
"""An epoch of little sound has as many at least: its validation would take more time than its training. On a GPU what
a validation launches, however little its sound, is that of some twenty steps."""
VALIDATION_WORK, VALIDATION_SHARE = 0.25, 0.05
"""The work of a second of validated sound over that of a trained one (measured on a CPU: 0.2 to 0.25), and the most of
a run's time that validations take."""
MOST_PIECES = {"cpu": 1200, "mps": 16_000, "cuda": 128_000}
"""Crops of an epoch of much sound, by kind of device: about a minute, so that a model, and what is said of it, does not
wait for a pass over hours of sound."""
COMPILED_MINUTES, COMPILED_STEPS = 10.0, 5000
"""A training this long gets back the minute that compiling takes."""
ADVERSARIAL_MINUTES = 10.0
"""Of GPU, from which on a last part with a discriminator is worth its time."""
LEAST_PRIOR_STEPS, MOST_PRIOR_STEPS = 25, 1000
"""Of an epoch of a prior, on any device. The default number of epochs of the least is what a minute of sound bears
before it is learned by heart; with more steps than the most, held-out sounds would hardly be looked at."""
SPECTRAL_WEIGHTS = ("loss.mel_weight", "loss.stft_weight")


@dataclass(frozen=True)
class PriorSize:
    """A size of a prior: `width` and `layers` of a GRU (of a transformer half the width and two layers more), from so
    many latent frames of training sound on."""

    width: int
    layers: int
    least_frames: float


PRIOR_SIZES = (PriorSize(512, 2, 500_000), PriorSize(384, 1, 100_000), PriorSize(256, 1, 0))
"""From the largest to the smallest. On a minute of sound nothing was gained by more than the smallest."""


@dataclass(frozen=True)
class DataFacts:
    """Facts about the data that the automatic values follow from. Seconds count usable sound only."""

    files: int
    training_seconds: float
    validation_seconds: float
    median_seconds: float
    seconds_by_rate: dict[int, float] = field(default_factory=dict)
    training_pictures: int = 0
    files_by_rate: dict[int, int] = field(default_factory=dict)
    tonality: float | None = None
    """The median over the files (`data.tonality`); None where it was not measured."""


def model_rate(seconds_by_rate: dict[int, float]) -> int:
    """The smallest usual rate that is not below the median rate of the sound; 44.1 or 48 kHz at most."""
    half, so_far, median = sum(seconds_by_rate.values()) / 2, 0.0, MODEL_RATES[-2]
    for rate in sorted(seconds_by_rate):
        so_far += seconds_by_rate[rate]
        if so_far >= half:
            median = rate
            break
    return usual_rate(median)


def usual_rate(rate: int) -> int:
    """The smallest rate of a model that keeps what a sound of `rate` Hz holds, or all that is heard of it."""
    if rate > MODEL_RATES[-1]:
        return 44100 if rate % 11025 == 0 else 48000
    # a few odd rates lie just above a usual one: 3 % of bandwidth is not worth the next size
    return next((usual for usual in MODEL_RATES if usual >= rate * 0.97), MODEL_RATES[-1])


def hop_for(rate: int) -> int:
    """The power of two nearest to FRAME_SECONDS."""
    return int(2 ** round(math.log2(rate * FRAME_SECONDS)))


def codebook_size(latent_frames: float) -> int:
    """The largest power of two that leaves FRAMES_PER_CODE frames a code, from 16 to 1024."""
    return int(2 ** min(10, max(4, math.floor(math.log2(max(latent_frames, 1) / FRAMES_PER_CODE)))))


class _Choices:
    """The automatic values of a recipe as they are chosen, one after the other, and why."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._wanted = [key for key in fields() if get(recipe, key) == "auto"]
        self.chosen: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}

    def value(self, key: str, automatic: Any, why: str = "") -> Any:
        """The value of `key`: the recipe's own, or else `automatic`, which is chosen with that."""
        if not self.is_open(key):
            return get(self._recipe, key)
        self.chosen[key] = automatic
        if why:
            self.reasons[key] = why
        return automatic

    def is_open(self, key: str) -> bool:
        return key in self._wanted

    @property
    def recipe(self) -> Recipe:
        """The recipe as far as it was chosen."""
        return with_values(self._recipe, self.chosen)

    def complete(self) -> Recipe:
        """The recipe with all that was chosen, which it lists beside what was automatic in it before."""
        recipe = self.recipe
        recipe.automatic = sorted({*self._recipe.automatic, *self.chosen})
        recipe.reasons = with_reasons(self._recipe.reasons, self.reasons)
        return recipe


def with_reasons(old: Sequence[str], new: Mapping[str, str]) -> list[str]:
    """A recipe's `reasons` with these, by key, in place of those for the same keys."""
    kept = (reason for reason in old if reason.partition(": ")[0] not in new)
    return sorted([*kept, *(f"{key}: {why}" for key, why in new.items())])


def resolve(
    recipe: Recipe, data: DataFacts, machine: Machine, paces: Sequence[Pace] = (), processes: int = 0
) -> Recipe:
    """A complete copy of `recipe`: each `auto` replaced by its value, its key listed in `automatic`.

    Args:
        paces: of earlier runs on this machine; without any its pace is estimated from the kind of its device.
        processes: that a launcher has started to train together; 0: there is none.

    Raises:
        RequestError: values that cannot go together, or a device that this machine has not; all at once.
    """
    recipe = split_list(recipe)
    choices = _Choices(recipe)
    device = str(choices.value("train.device", machine.best_device))
    ranks = processes or max(1, len(devices_of(choices.complete(), machine)[0]))
    if recipe.task == "images":
        choices.value("model.codebook_size", IMAGE_CODES)
        batch = choices.value("train.batch_size", IMAGE_BATCH)
        choices.value("train.steps_per_epoch", max(1, data.training_pictures // batch))
    elif recipe.task == "prior":
        _choose_prior(choices, data, device)
    else:
        _choose_frames(choices, recipe, data)
        _choose_batches(choices, data, machine, ranks)
        size, why = choose_size(choices.recipe, data.training_seconds, machine, paces)
        for key, number in size.items():
            choices.value(key, number, why)
    steps = recipe.train.epochs * int(choices.recipe.train.steps_per_epoch)
    is_long = recipe.train.minutes >= COMPILED_MINUTES or (not recipe.train.minutes and steps >= COMPILED_STEPS)
    choices.value("train.compile", "on" if device.startswith("cuda") and is_long else "off")
    complete = choices.complete()
    problems = _contradictions(complete, machine) + _wrong_data(complete, data)
    if processes and (problem := cannot_share(processes, complete)):
        problems.append(problem)
    if problems:
        raise RequestError("\n".join(problems))
    return complete


def _choose_frames(choices: _Choices, recipe: Recipe, data: DataFacts) -> None:
    """Choose the sample rate and the frames of the spectrogram, and how many of these share a code."""
    rate = choices.value("model.sample_rate", model_rate(data.seconds_by_rate))
    is_conv2d = recipe.model.net == "conv2d"
    # who sets one of them has a frame rate in mind, and a latent rate
    all_open = all(map(choices.is_open, FRAME_KEYS)) and not is_conv2d
    longer = 2 if all_open and data.tonality is not None and data.tonality >= TONES else 1
    why = kind_of_sound(data.tonality) if all_open else ""
    hop = choices.value("model.hop_length", longer * hop_for(rate), why)
    window = choices.value("model.n_fft", 4 * hop, why)
    choices.value("model.n_mels", min(128, window // 4))
    choices.value("model.loudness_scale", LOUDNESS_SCALE if _tells_loudness(recipe) else 0.0)
    choices.value("model.stride", CONV2D_STRIDE if is_conv2d else STRIDE // longer, why)


def _choose_batches(choices: _Choices, data: DataFacts, machine: Machine, ranks: int) -> None:
    """Choose the codebooks' size, crops, batches and epochs; each of several GPUs gets the batch of one."""
    framed = choices.recipe
    rate, latent = int(framed.model.sample_rate), latent_hop(framed)
    choices.value("model.codebook_size", codebook_size(data.training_seconds * frame_rate(framed)))
    seconds = min(1.5, max(0.5, data.median_seconds))
    crop = choices.value("data.crop_seconds", round(math.ceil(seconds * rate / latent) * latent / rate, 4))
    kind = kind_of_device(str(framed.train.device))
    of_one, why = choose_batch(choices.recipe, data.training_seconds, machine)
    batch = choices.value("train.batch_size", of_one * (ranks if kind == "cuda" else 1), why)
    steps, why = _epoch_steps(data, kind, batch, crop)
    choices.value("train.steps_per_epoch", steps, why)


def _epoch_steps(data: DataFacts, kind: str, batch: int, crop: float) -> tuple[int, str]:
    """Steps of an epoch, and why they are not one pass over the sound.

    They follow from the recipe and the sound, not from a clock: a run that is repeated or resumed is validated at the
    same steps, and so has the same best epoch.
    """
    one_pass = math.ceil(data.training_seconds / (batch * crop))
    validated = 2 * min(data.validation_seconds, VALIDATION_SECONDS[kind])
    of_validation = math.ceil(VALIDATION_WORK * validated / VALIDATION_SHARE / (batch * crop))
    few = max(EPOCH_STEPS[kind], EPOCH_PIECES // batch, of_validation)
    many = max(EPOCH_STEPS[kind], MOST_PIECES[kind] // batch)
    if one_pass > many:
        return many, f"about a minute; a pass over the sounds would be {one_pass:,}"
    if one_pass < of_validation == few:
        return min(few, many), f"more than a pass, so that validation takes {100 * VALIDATION_SHARE:.0f} % of the time"
    return min(max(few, one_pass), many), ""


def _choose_prior(choices: _Choices, data: DataFacts, device: str) -> None:
    """Choose the size of a prior, its batches and its epochs; its codec is complete already."""
    recipe = choices.recipe
    frames = data.training_seconds * frame_rate(recipe)
    size = next(size for size in PRIOR_SIZES if frames >= size.least_frames)
    why = f"{frames:,.0f} latent frames to learn from"
    choices.value("prior.width", size.width if recipe.prior.net == "gru" else size.width // 2, why)
    choices.value("prior.layers", size.layers if recipe.prior.net == "gru" else size.layers + 2, why)
    kind = kind_of_device(device)
    batch = choices.value("train.batch_size", {"cuda": 64, "mps": 32}.get(kind, 16))
    once = math.ceil(frames / (batch * recipe.prior.crop_frames))
    choices.value("train.steps_per_epoch", max(LEAST_PRIOR_STEPS, min(once, MOST_PRIOR_STEPS)))
    # not used, and no recipe of a run has `auto` in it
    choices.value("data.crop_seconds", max(0.1, min(30.0, round(recipe.prior.crop_frames / frame_rate(recipe), 4))))


def kind_of_sound(tonality: float | None) -> str:
    """The kind of sound in words, with its tonality; '' where that was not measured."""
    if tonality is None:
        return ""
    kind = "tones" if tonality >= TONES else "attacks" if tonality < ATTACKS else "between attacks and tones"
    return f"{kind}, tonality {tonality:.1f}"


def _contradictions(recipe: Recipe, machine: Machine) -> list[str]:
    found = _device_problems(recipe, machine)
    if recipe.task == "prior":
        return found + _prior_problems(recipe)
    found += _quantizer_problems(recipe) + _adversarial_problems(recipe)
    return found if recipe.task == "images" else found + _sound_problems(recipe)


def _prior_problems(recipe: Recipe) -> list[str]:
    prior, found = recipe.prior, []
    if not recipe.model.quantizer_facts.has_codes:
        found.append("prior.codec: its latents are continuous: it has no codes to draw")
    if prior.net == "transformer" and int(prior.width) % (2 * prior.heads):
        found.append(f"prior.width: {prior.width} is not a multiple of twice the heads, {2 * prior.heads}")
    if recipe.train.start_from:
        found.append("train.start_from: a prior is trained from scratch")
    return found


def _wrong_data(recipe: Recipe, data: DataFacts) -> list[str]:
    if recipe.task == "images" and not data.training_pictures:
        return ["model.net: image takes pictures, not sounds: start it with distill-tui explore"]
    if recipe.task != "images" and data.training_pictures:
        return [f"model.net: {recipe.model.net} takes sounds, not pictures; only image does"]
    return []


def _quantizer_problems(recipe: Recipe) -> list[str]:
    model = recipe.model
    if model.quantizer == "residual_fsq":
        try:
            fsq_levels(int(model.codebook_size))
        except ValueError as error:
            return [f"model.codebook_size: {error}, as quantizer residual_fsq needs it"]
    return []


def _adversarial_problems(recipe: Recipe) -> list[str]:
    train = recipe.train
    if recipe.task == "images" or not train.adversarial_fraction:
        return []
    if train.quantizer_warmup_fraction + train.adversarial_fraction > LATEST_WARMUP:
        too_late = (
            "train.adversarial_fraction: with train.quantizer_warmup_fraction it leaves less than a fifth of the "
            "training for the codebooks; make either smaller"
        )
        return [too_late]
    if recipe.model.net != "convnext":
        why = f"net {recipe.model.net} makes no samples while it trains, so a discriminator has nothing to judge"
        return [f"train.adversarial_fraction: {why}; 0 leaves that part out"]
    return []


def _device_problems(recipe: Recipe, machine: Machine) -> list[str]:
    found = []
    if "," in recipe.train.device:
        return [devices_of(recipe, machine)[1]]
    if recipe.train.device.startswith("cuda"):
        index = int(recipe.train.device.partition(":")[2] or 0)
        if index >= len(machine.gpus):
            found.append(f"train.device: {recipe.train.device} is not there; this machine has {described(machine)}")
    if recipe.train.device == "mps" and not machine.has_mps:
        found.append("train.device: mps needs a Mac with Apple silicon")
    if not found and (problem := devices_of(recipe, machine)[1]):
        found.append(problem)
    return found


def _tells_loudness(recipe: Recipe) -> bool:
    """Whether the codes of a recipe's net can tell the loudness beside the rest."""
    model = recipe.model
    return model.net == "convnext" and model.quantizer in RESIDUAL and model.latent_dim > 1


def _sound_problems(recipe: Recipe) -> list[str]:
    model, found = recipe.model, []
    window, hop, stride = int(model.n_fft), int(model.hop_length), int(model.stride)
    if model.net == "conv2d" and stride != CONV2D_STRIDE:
        found.append(f"model.stride: {stride} is not that of net conv2d, four layers of stride 2: {CONV2D_STRIDE}")
    if model.net == "conv2d" and int(model.n_mels) % CONV2D_STRIDE:
        found.append(f"model.n_mels: {model.n_mels} is not a multiple of {CONV2D_STRIDE}, as net conv2d needs it")
    if model.loudness_scale and model.net == "convnext" and not _tells_loudness(recipe):
        found.append(
            f"model.loudness_scale: it needs residual VQ and a model.latent_dim of 2, not {model.quantizer} and "
            f"{model.latent_dim}; 0 leaves it out"
        )
    if hop > window // 2:
        found.append(f"model.hop_length: {hop} is more than half of model.n_fft ({window}), so sound would be lost")
    if int(model.n_mels) > window // 2:
        found.append(f"model.n_mels: {model.n_mels} bands need a model.n_fft of {2 * int(model.n_mels)} or more")
    if float(recipe.data.crop_seconds) * int(model.sample_rate) < max(window, latent_hop(recipe)):
        found.append(f"data.crop_seconds: {recipe.data.crop_seconds} is shorter than one window ({window} samples)")
    if problem := nothing_to_learn_from({key: get(recipe, key) for key in SPECTRAL_WEIGHTS}):
        found.append(f"loss: {problem}")
    return found


def nothing_to_learn_from(weights: Mapping[str, float]) -> str:
    """The problem of these SPECTRAL_WEIGHTS together; '' for none."""
    if any(weights[key] for key in SPECTRAL_WEIGHTS):
        return ""
    return "mel_weight and stft_weight are both 0, so there is nothing to learn from"


def expectations(recipe: Recipe, data: DataFacts) -> list[str]:
    """Remarks on a run with this recipe on this data, before it starts; empty if nothing stands out."""
    said: list[str] = []
    if recipe.task == "images":
        return said
    if recipe.task == "prior":
        if data.training_seconds < TINY_SECONDS:
            said.append(
                f"only {data.training_seconds:.1f} s of sound to train on: expect takes that are near these very "
                "sounds; a minute or more generalises better"
            )
        return said
    if data.training_seconds < TINY_SECONDS:
        said.append(
            f"only {data.training_seconds:.1f} s of sound to train on: expect a model of these very sounds; "
            "a minute or more generalises better"
        )
    if "model.sample_rate" in recipe.automatic and (lost := lost_bandwidth(data, int(recipe.model.sample_rate))):
        said.append(lost)
    if small := too_small_for_adversarial(recipe):
        said.append(small)
    if recipe.model.net == "convnext" and not recipe.model.noise_bands and not recipe.train.start_from:
        said.append(
            "model.noise_bands is 0, as recipes of earlier versions have it, so noise will come out as a buzz; "
            "16, with model.loudness_scale and gains_per_frame auto and 16, make it sound like noise"
        )
    frames = data.training_seconds * frame_rate(recipe)
    size = int(recipe.model.codebook_size)
    if recipe.model.quantizer_facts.has_codes and frames < ENOUGH_FRAMES_PER_CODE * size:
        said.append(
            f"codebook size {size} for {frames:.0f} latent frames: fewer than {ENOUGH_FRAMES_PER_CODE} a code, "
            "so many codes will stay unused"
        )
    return said


def too_small_for_adversarial(recipe: Recipe) -> str:
    """A remark on an adversarial part without the GPU and the time that it is for; '' if there is nothing to say."""
    train = recipe.train
    if not train.adversarial_fraction:
        return ""
    if train.device.startswith("cuda"):
        if not 0 < train.minutes < ADVERSARIAL_MINUTES:
            return ""
        where = f"{train.minutes:g} minutes are too short for it"
    else:
        where = f"on {'a CPU' if train.device == 'cpu' else train.device} it takes many times as long"
    return (
        f"the adversarial part is meant for hours of GPU, {ADVERSARIAL_MINUTES:.0f} minutes at least: {where};"
        " --set train.adversarial_fraction=0 leaves it out"
    )


def lost_bandwidth(data: DataFacts, rate: int) -> str:
    """A remark on sounds that lose high frequencies in a model at `rate` Hz, with the setting that keeps them; ''
    if there are none."""
    lost = files_above(data, rate)
    if not lost:
        return ""
    # timed with the balanced preset on a CPU: 0.24 s a step at 8 kHz, 0.26 at 16, 0.35 at 22.05, 0.45 at 44.1
    count = sum(lost.values())
    return (
        f"{count:,} of {data.files:,} sounds {'loses' if count == 1 else 'lose'} everything above {rate / 2000:.3g} kHz"
        f" at the model's rate of {rate} Hz, the median;"
        f" --set model.sample_rate={usual_rate(max(lost))} keeps it, at up to twice the time a step"
    )


def files_above(data: DataFacts, rate: int) -> dict[int, int]:
    """The sounds that lose high frequencies in a model at `rate` Hz: how many, by their own rates."""
    by_rate = data.files_by_rate.items()
    return {native: count for native, count in by_rate if usual_rate(native) > rate * NOTICED_BANDWIDTH}
