"""What one step of training does: gradients, the optimizer, the averaged weights, and the codebooks.

Every random number of a step follows from the seed and the step's number, so that nothing random needs to be saved.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from distill_tui.engine.device import autocast, free_memory, is_out_of_memory
from distill_tui.engine.nets import build_net
from distill_tui.engine.quantizers.base import Quantizer
from distill_tui.engine.tasks.crops import mix
from distill_tui.engine.training.backward import Quantized, Step, add_gradients
from distill_tui.engine.training.compile import Compiled, compile_net, uncompiled
from distill_tui.engine.training.cpu_shards import choose_shards
from distill_tui.engine.training.meters import NonFiniteGuard
from distill_tui.errors import DistillError
from distill_tui.recipe.schema import Recipe

POOL_PER_CODE = 50
POOL_BATCHES = 64
"""The most batches that k-means looks at."""


class TrainStep:
    """A net that learns, its averaged copy, and the optimizer.

    `quantizing` is false until the codebooks are made (a bottleneck without them is in force from the start); `parts`
    is in how many parts, one after the other, a batch goes through for want of memory; `shards` go through at once;
    `guard` counts the steps that were skipped.
    """

    def __init__(self, recipe: Recipe, device: torch.device, precision: torch.dtype) -> None:
        self.recipe, self.device, self.precision = recipe, device, precision
        torch.manual_seed(mix(recipe.train.seed, 0))
        self.net = build_net(recipe).to(device)
        self.averaged = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.loss = self.net.loss().to(device)
        # no weight decay on codebook vectors
        weights = [p for name, p in self.net.named_parameters() if p.ndim > 1 and name != "bottleneck.codebooks"]
        taken = {id(p) for p in weights}
        others = [p for p in self.net.parameters() if id(p) not in taken]
        self.optimizer = torch.optim.AdamW(
            [{"params": weights, "weight_decay": recipe.train.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=recipe.train.learning_rate,
            betas=(0.8, 0.99),
            fused=device.type in ("cuda", "cpu"),
        )
        self.guard = NonFiniteGuard(device)
        self.shards = choose_shards(recipe, device)
        self.quantizing = not self.net.bottleneck.needs_init
        self.parts = 1

    @property
    def quantizer(self) -> Quantizer | None:
        """The net's bottleneck, if it has codes."""
        bottleneck = self.net.bottleneck
        return bottleneck if isinstance(bottleneck, Quantizer) else None

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def learn(
        self, data: Tensor, step: int, rate: float, knobs: dict[str, float], told: Callable[[str], None]
    ) -> tuple[dict[str, Tensor], Quantized | None]:
        """One step on a batch [pieces, ...]; nothing is read from a device with a fused optimizer.

        Args:
            step: its number, from which its random numbers follow.
            rate: the learning rate.
            knobs: the loss weights by recipe key.
            told: hears when the memory did not do and the batch was cut into parts.

        Returns:
            The scalars of the step (losses and the gradient's norm), and what was quantized.

        Raises:
            DistillError: a single piece does not fit into the memory.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        quantizer = self.quantizer if self.quantizing else None
        books = quantizer.ema_buffers() if quantizer is not None else []
        before = [book.clone() for book in books]
        while True:
            try:
                values, quantized = self._gradients(data, step, knobs)
                break
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # here the error is gone, and with it what the pass that failed had put into the memory
            self._halve_parts(len(data), told)
            for book, old in zip(books, before, strict=True):
                book.copy_(old)
        norm = self._clip()
        bad = self.guard.judge(values["loss/train"], norm)
        if self.optimizer.defaults["fused"]:
            # it takes no step, on the device itself, where this is 1
            self.optimizer.found_inf = bad  # type: ignore[attr-defined]
            self.optimizer.step()
        elif not float(bad):
            self.optimizer.step()
        with torch.no_grad():
            for book, old in zip(books, before, strict=True):
                book.copy_(torch.where(bad > 0, old, book))
            if quantized is not None:
                assert quantizer is not None
                torch.manual_seed(mix(self.recipe.train.seed, 5, step))
                mask = self.net.counted(data)
                quantizer.replace_dead_codes(*quantized[1:], self.recipe.train.dead_code_threshold, mask, bad == 0)
            self._average(step)
        return values | {"gradient": norm}, quantized

    def compile(self, data: Tensor, knobs: dict[str, float]) -> Compiled:
        """Compile the net for batches like `data`, by the very pass that trains: its weights stay as they are."""
        how = Step(None, knobs, self.precision, 0)
        return compile_net(
            self.net, data, lambda batch: add_gradients(self.net, self.loss, self.shards, how, batch, self.parts)
        )

    def _clip(self) -> Tensor:
        """See that the step is taken with gradients of norm `max_grad_norm` at most; the norm that they have."""
        most = self.recipe.train.max_grad_norm
        if not self.optimizer.defaults["fused"]:
            return torch.nn.utils.clip_grad_norm_(self.net.parameters(), most, foreach=True)
        gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        # fused AdamW divides by this as it goes: clipping without a pass of its own over the gradients
        self.optimizer.grad_scale = (norm / most).clamp(min=1.0)  # type: ignore[attr-defined]
        return norm

    def _gradients(
        self, data: Tensor, step: int, knobs: dict[str, float]
    ) -> tuple[dict[str, Tensor], Quantized | None]:
        """Leave the gradients of a batch in the parameters: its losses as scalars, and what was quantized."""
        seed = mix(self.recipe.train.seed, 3, step)
        torch.manual_seed(seed)
        how = Step(self._levels() if self.quantizing else None, knobs, self.precision, seed)
        self.loss.draw()
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        return add_gradients(self.net, self.loss, self.shards, how, data, self.parts)

    def _halve_parts(self, batch: int, told: Callable[[str], None]) -> None:
        """After running out of memory: cut batches into twice as many parts, which changes nothing else.

        Raises:
            DistillError: a part is a single piece already.
        """
        if self.parts >= batch:
            raise DistillError(
                f"out of memory on {self.device} with a single piece of a batch",
                "Try a smaller model.channels, fewer blocks or a shorter data.crop_seconds.",
            )
        self.parts = min(2 * self.parts, batch)
        self.optimizer.zero_grad(set_to_none=True)
        free_memory(self.device)
        told(f"out of memory on {self.device}: batches of {batch} go through in {self.parts} parts from here")

    def _levels(self) -> int:
        """How many levels this step quantizes with; now and then only the first ones."""
        levels, train = self.net.bottleneck.levels, self.recipe.train
        draw = torch.rand(2).tolist()
        return 1 + int(draw[1] * (levels - 1)) if levels > 1 and draw[0] < train.quantizer_dropout else levels

    def _average(self, step: int) -> None:
        """Move the averaged weights; their horizon grows with the steps done, so that early noise is forgotten."""
        decay = min(self.recipe.train.ema_decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.net.parameters()), 1 - decay)
        for mine, theirs in zip(self.averaged.buffers(), self.net.buffers(), strict=True):
            mine.copy_(theirs)

    @torch.no_grad()
    def init_codebooks(self, batch: Callable[[int], Tensor], step: int, told: Callable[[str], None]) -> None:
        """End the unquantized warm-up: k-means over latents of as many batches, from `step` on, as it takes.

        Raises:
            DistillError: a single piece does not fit into the memory.
        """
        quantizer = self.quantizer
        assert quantizer is not None
        self.net.eval()
        pool: list[Tensor] = []
        wanted = POOL_PER_CODE * quantizer.size
        index = 0
        while sum(len(p) for p in pool) < wanted and index < POOL_BATCHES:
            data = batch(step + index)
            latents = self._encode(data, told)
            pool.append(latents[self.net.counted(data)])
            index += 1
        vectors = torch.cat(pool)
        per_step = latents.shape[0] * latents.shape[1]
        if not len(vectors):
            vectors = latents.flatten(0, 1)
        while True:
            torch.manual_seed(mix(self.recipe.train.seed, 4))
            try:
                quantizer.init_codebooks(vectors, per_step)
                break
            except RuntimeError as error:
                if not is_out_of_memory(error) or len(vectors) < 2 * quantizer.size:
                    raise
            free_memory(self.device)
            vectors = vectors[::2].clone()
            told(f"out of memory on {self.device}: the codebooks are made of {len(vectors)} latents")
        self.averaged.bottleneck.load_state_dict(quantizer.state_dict())
        self.quantizing = True

    def _encode(self, data: Tensor, told: Callable[[str], None]) -> Tensor:
        """The latents of a batch, in as many parts as the memory asks for."""
        while True:
            try:
                with uncompiled(self.recipe), autocast(self.device, self.precision):
                    return torch.cat([self.net.encode(part) for part in data.chunk(self.parts)])
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            self._halve_parts(len(data), told)

    def load_pretrained(self, weights: Mapping[str, Tensor], batch_vectors: int) -> None:
        """Begin with the weights and codebooks of a trained net of the same shape: no k-means, no warm-up before it.

        `batch_vectors` is how many latent vectors a step will bring.
        """
        self.net.load_state_dict(weights)
        self.averaged.load_state_dict(weights)
        if self.quantizer is not None:
            self.quantizer.rescale_usage(batch_vectors)
        self.quantizing = True

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "quantizing": self.quantizing,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Stand where `state` was taken."""
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.quantizing = state["quantizing"]
