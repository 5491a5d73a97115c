"""Base class of the codec and the images task: an encoder, a quantizer and a decoder, trained together."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from distill_tui.engine import codebook_health
from distill_tui.engine.nets import Autoencoder
from distill_tui.engine.tasks.autoencoder_backward import Quantized, add_gradients
from distill_tui.engine.tasks.base import Split, Task, Validation
from distill_tui.engine.tasks.codebook_init import init_codebooks, quantizer_of
from distill_tui.engine.training.backward import StepOptions
from distill_tui.engine.training.seeds import derive_seed, device_generator
from distill_tui.recipe import arithmetic
from distill_tui.recipe.fields import get
from distill_tui.runs import events as e

if TYPE_CHECKING:
    from distill_tui.engine.training.trainer import Trainer

LOSS_WEIGHTS = {
    "mel": "loss.mel_weight",
    "stft": "loss.stft_weight",
    "noise": "loss.noise_weight",
    "repetition": "loss.repetition_weight",
    "loudness": "loss.loudness_weight",
    "commit": "loss.commitment_weight",
    "codebook": "loss.codebook_weight",
    "kl": "loss.kl_weight",
    "adversarial": "loss.adversarial_weight",
    "feature": "loss.feature_weight",
}
"""The setting that weighs each loss; one that is not here has weight 1."""
CODES_SPREAD = 1.01
"""Time in training from one count of codes to the next, as a factor: some 600 of them in eight hours."""


@dataclass
class Evaluation:
    """Means over examples: unweighted losses and other metrics by name; `counts` is the use of codes [levels, size].

    `distances` has the `distance` that people are shown and the best epoch is chosen by, and what it is made of.
    """

    losses: dict[str, float] = field(default_factory=dict)
    distances: dict[str, float] = field(default_factory=dict)
    counts: Tensor | None = None


class AutoencoderTask(Task[Autoencoder]):
    """Trains an autoencoder, at first around its quantizer.

    `quantizing` is false until the codebooks are initialised; a bottleneck without codes is in force from the start.
    `health` is the use of codes over the last steps, `latents_per_step` how many latent vectors a step brings.
    """

    latents_per_step: int
    health: codebook_health.RollingHealth
    _codes_due: float

    def build_net(self) -> Autoencoder:
        net = super().build_net()
        self.loss = net.loss().to(self.device)
        self.quantizing = not net.bottleneck.needs_init
        self._shape = net.bottleneck.levels, net.bottleneck.size
        # of new codes in place of dead ones: a generator of its own, as that of the net's draws cannot be seeded anew
        # in the middle of a step that is captured
        self._random = device_generator(self.device)
        self._quantized: Quantized | None = None
        self._last_use: tuple[Tensor, str] | None = None
        self._last_kl: float | None = None
        self._restart_health(None)
        return net

    def has_weight_decay(self, name: str, parameter: nn.Parameter) -> bool:
        # no weight decay on codebook vectors
        return parameter.ndim > 1 and name != "bottleneck.codebooks"

    # ---------------------------------------------------------------- the step

    def loss_weights(self, settings: Mapping[str, float], progress: float) -> dict[str, float]:
        """Weights of the losses; that of the KL term rises over the first part of the training."""
        fraction = self.recipe.train.kl_annealing_fraction
        weights = {loss: settings.get(key, get(self.recipe, key)) for loss, key in LOSS_WEIGHTS.items()}
        weights["kl"] *= min(1.0, progress / fraction) if fraction else 1.0
        return weights

    def capture_key(self, net: Autoencoder) -> Hashable:
        quantizer = quantizer_of(net)
        return (self.quantizing,) if quantizer is None or quantizer.can_capture else None

    @property
    def generators(self) -> list[torch.Generator]:
        return [self._random]

    def draw(self, number: int, as_tensors: bool) -> dict[str, Any]:
        """How many levels the step quantizes with, and which windows its loss compares."""
        levels = self._draw_levels(self._shape[0]) if self.quantizing else self._shape[0]
        windows = self.loss.draw()
        self._random.manual_seed(derive_seed(self.recipe.train.seed, 5, number))
        return {"levels": levels, "windows": self.loss.as_flags(windows) if as_tensors else windows}

    def backward(self, net: Autoencoder, data: Tensor, options: StepOptions) -> dict[str, Tensor]:
        levels = options.draws["levels"] if self.quantizing else None
        self.loss.use(options.draws["windows"])
        values, self._quantized = add_gradients(net, self.loss, data, options, levels)
        return values

    def trial_backward(self, net: Autoencoder, data: Tensor, options: StepOptions) -> object:
        """Gradients around the quantizer, whose moving averages stay as they are."""
        return add_gradients(net, self.loss, data, options, None)

    def modules_to_compile(self, net: Autoencoder) -> list[nn.Module]:
        return [net.encoder, net.decoder]

    def buffers_of_forward(self, net: Autoencoder) -> list[Tensor]:
        quantizer = quantizer_of(net)
        return quantizer.ema_buffers() if quantizer is not None and self.quantizing else []

    def after_optimizer(self, net: Autoencoder, bad: Tensor) -> None:
        """Replace dead codes, and count those that were used."""
        if self._quantized is None:
            return
        data, latents, codes = self._quantized
        self._quantized = None
        quantizer = quantizer_of(net)
        assert quantizer is not None
        mask = net.frame_mask(data)
        quantizer.replace_dead_codes(latents, codes, self.dead_code_threshold, mask, bad == 0, self._random)
        self.health.add(codes, mask)

    @property
    def dead_code_threshold(self) -> float:
        """The fraction of an even share below which codes are replaced in the next step."""
        return self.recipe.train.dead_code_threshold

    def _draw_levels(self, levels: int) -> int:
        """How many levels this step quantizes with; now and then only the first ones."""
        draw = torch.rand(2).tolist()
        dropped = levels > 1 and draw[0] < self.recipe.train.quantizer_dropout
        return 1 + int(draw[1] * (levels - 1)) if dropped else levels

    # ---------------------------------------------------------------- the codebooks

    def before_step(self, trainer: "Trainer") -> None:
        """End the quantizer's warm-up when it is time."""
        if self.quantizing or trainer.progress < self.recipe.train.quantizer_warmup_fraction:
            return
        step, epoch = trainer.step, trainer.epoch
        trainer.log.write(e.StateChanged(state="running", step=step, detail="initialising the codebooks"))
        self.init_codebooks(trainer)
        trainer.log.write(e.QuantizationStarted(step=step, epoch=epoch))

    def on_early_end(self, trainer: "Trainer") -> None:
        """Initialise the codebooks, so that there is a model of what was learned."""
        if self.quantizing:
            return
        if trainer.finished:
            trainer.diagnostics.warn_codebooks_untrained(trainer.step)
        self.init_codebooks(trainer)

    def init_codebooks(self, trainer: "Trainer") -> None:
        """Initialise the codebooks of the net and its EMA by k-means, and quantize from here on."""
        init_codebooks(trainer)
        self.quantizing = True

    def on_pretrained(self, net: Autoencoder) -> None:
        """Quantize from the first step on, with usage counts of the codes that fit this batch size."""
        if (quantizer := quantizer_of(net)) is not None:
            quantizer.rescale_usage(self.latents_per_step)
        self.quantizing = True

    # ---------------------------------------------------------------- validation

    def evaluate(self, net: Autoencoder, split: Split, weights: Mapping[str, float]) -> Evaluation:
        """Reconstruct held-out data, or as much of the training data."""
        raise NotImplementedError

    def validate(self, net: Autoencoder, weights: Mapping[str, float]) -> Validation:
        bottleneck = net.bottleneck
        held_out, seen = self.evaluate(net, "validation", weights), self.evaluate(net, "training", weights)
        losses = {
            key: weights.get(key, 1.0) * value
            for key, value in held_out.losses.items()
            if key not in bottleneck.numbers
        }
        recon = sum(value for key, value in losses.items() if key not in bottleneck.losses)
        values: dict[str, float | None] = {"loss/val": sum(losses.values()), "loss/val_recon": recon}
        self._last_use, self._last_kl = None, held_out.losses.get("latent/kl")
        if not self.quantizing:
            # distances around the quantizer are not comparable with later ones
            return Validation(values, None)
        distance, train_distance = held_out.distances["distance"], seen.distances["distance"]
        values |= {f"distance/{key}": value for key, value in held_out.distances.items() if key != "distance"}
        values |= {"distance/val": distance, "distance/train": train_distance}
        values |= {f"validation/{key}": held_out.losses[key] for key in bottleneck.numbers}
        window = codebook_health.WINDOW
        if held_out.counts is not None and seen.counts is not None:
            values |= {"bitrate/kbps": arithmetic.bitrate_kbps(self.recipe)}
            values |= codebook_health.as_numbers(codebook_health.measure(held_out.counts), prefix="validation")
            used = self.health.counts
            if self.health.is_empty:
                # stopped with the codebooks just initialised: no step has used them yet
                used, window = seen.counts, e.COUNTED_ONCE
                values |= codebook_health.as_numbers(codebook_health.measure(used))
            self._last_use = used, window
        return Validation(values, distance, train_distance, {"health_window": window})

    def on_epoch_end(self, trainer: "Trainer") -> None:
        """Warn of unused codes or a collapsed posterior; log the use of codes: now and then in a long training."""
        if self._last_use is None:
            settings = trainer.poller.settings
            if trainer.loss_weights["kl"] == settings["loss.kl_weight"]:
                trainer.diagnostics.check_posterior(self._last_kl, trainer.step)
            return
        counts, window = self._last_use
        trainer.diagnostics.check_codebooks(counts, trainer.step)
        if trainer.finished or trainer.clock.seconds >= self._codes_due:
            self._codes_due = CODES_SPREAD * trainer.clock.seconds
            trainer.log.write(
                e.CodesCounted(step=trainer.step, epoch=trainer.epoch, counts=counts.long().tolist(), window=window)
            )

    def step_values(self, net: Autoencoder, steps: int) -> dict[str, float | None]:
        """Health of the codebooks over the last steps."""
        if quantizer_of(net) is None or not self.quantizing:
            return {}
        bottleneck = net.bottleneck
        replaced = bottleneck.replaced.clone()
        bottleneck.replaced.zero_()
        return codebook_health.as_numbers(*self.health.read(steps, replaced))

    # ---------------------------------------------------------------- facts and state

    def example(self) -> Tensor:
        """A little of the held-out data, as a batch."""
        raise NotImplementedError

    def output(self, net: Autoencoder) -> Tensor:
        reconstruction: Tensor = net(self.example().cpu())[0]
        return reconstruction

    def prepared_facts(self) -> dict[str, Any]:
        levels, size = self._shape
        return {
            "frame_rate": arithmetic.frame_rate(self.recipe),
            "kbps": arithmetic.bitrate_kbps(self.recipe),
            "codebook_size": size,
            "levels": levels,
        }

    def card_facts(self, best: Mapping[str, Any]) -> dict[str, Any]:
        words = ("utilization", "perplexity", "dead", "churn", "frames")
        health = [
            {"level": level, **{word: best["numbers"].get(f"codebook/{level}/{word}") for word in words}}
            for level in range(self._shape[0])
        ]
        return {
            "frame_rate": arithmetic.frame_rate(self.recipe),
            "kbps": arithmetic.bitrate_kbps(self.recipe),
            "health": health,
            "health_window": best.get("health_window", "") if health else "",
        }

    def state(self) -> dict[str, Any]:
        return {"quantizing": self.quantizing, "usage": self.health.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        quantizing = state["quantizing"]
        if not isinstance(quantizing, bool):
            raise TypeError("`quantizing` is true or false")
        self._restart_health(state.get("usage"))
        self.quantizing = quantizing

    def _restart_health(self, usage: dict[str, Any] | None) -> None:
        """Continue from a checkpoint's use of codes; from none where it has none.

        Raises:
            ValueError: it is of other codebooks.
        """
        health = codebook_health.RollingHealth(*self._shape, self.device)
        if usage is not None:
            health.load_state(usage)
        self.health = health
        self._codes_due = 0.0
