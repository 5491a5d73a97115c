"""One step of training: gradients, clipping, the optimizer, the EMA of the weights.

Every random number of a step follows from the seed and the step's number, so there is no random state to save.
"""

import copy
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from torch import Tensor

from distill_tui.engine.device import free_memory, is_out_of_memory
from distill_tui.engine.tasks.base import Task
from distill_tui.engine.training.backward import StepOptions
from distill_tui.engine.training.compile import Compiled, compile_net
from distill_tui.engine.training.cpu_shards import choose_shards
from distill_tui.engine.training.distributed import ALONE, Ranks
from distill_tui.engine.training.meters import NonFiniteGuard
from distill_tui.engine.training.optimizer import (
    adamw,
    clip_gradients,
    load_optimizer_state,
    optimizer_state,
    set_lr,
    step_unless,
)
from distill_tui.engine.training.seeds import derive_seed
from distill_tui.engine.training.step_graph import Inputs, StepGraph
from distill_tui.errors import DistillError
from distill_tui.recipe.schema import Recipe

WEIGHT = "weight/"
"""Before the name of a loss: its weight among the inputs of a step."""


class _TooLargeError(Exception):
    """The device has too little memory for the gradients of a batch."""


class TrainStep:
    """A net in training, the EMA of its weights, and the optimizer.

    `parts` is in how many parts, one after the other, a batch goes through for want of memory; `shards` go through at
    once; `guard` counts skipped steps; the EMA began at step `ema_start`. `graph` runs the steps, on CUDA as one launch
    each; `lr` is the learning rate of the last one. `is_changed` is true where something other than a step has changed
    weights, which other ranks have to get then.
    """

    def __init__(
        self, task: Task[Any], recipe: Recipe, device: torch.device, precision: torch.dtype, ranks: Ranks = ALONE
    ) -> None:
        self.task, self.recipe, self.device, self.precision, self.ranks = task, recipe, device, precision, ranks
        self.is_changed = True
        torch.manual_seed(derive_seed(recipe.train.seed, 0))
        self.net: Any = task.build_net().to(device)
        self.ema_net = copy.deepcopy(self.net).eval().requires_grad_(False)
        decayed = [p for name, p in self.net.named_parameters() if task.has_weight_decay(name, p)]
        taken = {id(p) for p in decayed}
        others = [p for p in self.net.parameters() if id(p) not in taken]
        self.optimizer = adamw(
            [{"params": decayed, "weight_decay": recipe.train.weight_decay}, {"params": others, "weight_decay": 0.0}],
            float(recipe.train.learning_rate),
            device,
            task.betas,
        )
        self.lr = float(recipe.train.learning_rate)
        self.guard = NonFiniteGuard(device)
        # what ranks exchange in a step, and how they agree on memory, waits for the host
        self.graph = StepGraph(device, device.type == "cuda" and recipe.train.capture and ranks.size == 1)
        self.shards = choose_shards(recipe, device, ranks)
        self.parts = 1
        self.ema_start = 0
        self._seed = 0

    def step(
        self,
        data: Tensor | Mapping[str, Tensor],
        number: int,
        lr: float,
        weights: Mapping[str, float],
        warn: Callable[[str], None],
    ) -> dict[str, Tensor]:
        """Train one step; with a fused optimizer this does not wait for the device.

        Args:
            data: the batch [examples, ...], or the task's `inputs`, which the device makes it of.
            number: of the step, from which its random numbers follow.
            weights: of the losses by name.
            warn: is called if memory ran out and the batch was cut into parts.

        Returns:
            The step's scalars: losses, what else the task measures, and the norm of the gradient. The next step may
            overwrite them.

        Raises:
            DistillError: a single example does not fit into the memory.
        """
        self.lr = lr
        of_data = data if isinstance(data, Mapping) else {"data": data}
        while True:
            key = self._capture_key(weights)
            inputs = {**of_data, **self._draw(number, lr, weights, as_tensors=key is not None)}
            try:
                return self.graph.run(key, inputs, lambda given: self._step(given, weights), self._generators)
            except _TooLargeError:
                pass
            # here the error is gone, and with it what the failed pass had put into the memory
            self.halve_parts(int(self.recipe.train.batch_size), warn)

    def _generators(self) -> list[torch.Generator]:
        return self.task.generators

    def _capture_key(self, weights: Mapping[str, float]) -> Hashable:
        """What decides which operations a step has; None: it runs eagerly."""
        if not self.graph.can_capture or self.parts > 1:
            # parts are seeded one by one
            return None
        of_task = self.task.capture_key(self.net)
        return None if of_task is None else (of_task, self.precision, _with_stft(weights))

    def _draw(self, number: int, lr: float, weights: Mapping[str, float], as_tensors: bool) -> dict[str, Any]:
        """What a step takes from the host beside its data. All that it draws from is seeded by this."""
        self._seed = derive_seed(self.recipe.train.seed, 3, number)
        torch.manual_seed(self._seed)
        done = number - self.ema_start
        # its horizon grows with the steps done, so that early noise is forgotten
        decay = min(self.recipe.train.ema_decay, (1 + done) / (10 + done))
        draws = self.task.draw(number, as_tensors)
        numbers = {f"{WEIGHT}{key}": float(weight) for key, weight in weights.items()}
        return draws | numbers | {"seed": self._seed, "lr": lr, "ema": 1 - decay}

    def _step(self, inputs: Inputs, weights: Mapping[str, float]) -> dict[str, Tensor]:
        """The step on its inputs: numbers and tensors, or all of them tensors on the device.

        It asks the device for nothing, and changes in place what the next step finds again. Of `weights`, the numbers,
        it may take only what `_capture_key` has in it.

        Raises:
            _TooLargeError: everything is as it was before the step.
        """
        buffers = self.task.buffers_of_forward(self.net)
        before = [buffer.clone() for buffer in buffers]
        try:
            values = self._backward(inputs, weights)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            for buffer, old in zip(buffers, before, strict=True):
                buffer.copy_(old)
            raise _TooLargeError from error
        norm = clip_gradients(self.optimizer, self.net.parameters(), self.recipe.train.max_grad_norm)
        bad = self.guard.check(values["loss/train"], norm)
        set_lr(self.optimizer, inputs["lr"])
        step_unless(bad, self.optimizer)
        with torch.no_grad():
            is_bad = bad > 0
            for buffer, old in zip(buffers, before, strict=True):
                torch.where(is_bad, old, buffer, out=buffer)
            self.task.after_optimizer(self.net, bad)
            self.update_ema(inputs["ema"])
        return values | {"gradient": norm}

    def compile(self, data: Tensor, weights: Mapping[str, float]) -> Compiled:
        """Compile the net for batches like `data` by the very pass that trains; its weights stay as they are."""
        options = StepOptions(weights, self.precision, 0, self.shards, self.parts)
        data, modules = self.ranks.share(data), self.task.modules_to_compile(self.net)
        self.graph.reset()
        return compile_net(self.net, modules, data, lambda batch: self.task.trial_backward(self.net, batch, options))

    def halve_parts(self, batch: int, warn: Callable[[str], None]) -> None:
        """Cut batches into twice as many parts after running out of memory, which changes nothing else.

        Raises:
            DistillError: a part is a single example already.
        """
        if self.parts >= batch:
            raise DistillError(
                f"out of memory on {self.device} with a single piece of a batch", self.task.memory_advice
            )
        self.parts = min(2 * self.parts, batch)
        self.optimizer.zero_grad(set_to_none=True)
        self.graph.reset()
        free_memory(self.device)
        warn(f"out of memory on {self.device}: batches of {batch} go through in {self.parts} parts from here")

    @torch.no_grad()
    def update_ema(self, share: float | Tensor) -> None:
        """Move the EMA of the weights by a share of the way to the weights, 0 to 1; also a scalar on the device."""
        averages, weights = list(self.ema_net.parameters()), list(self.net.parameters())
        if isinstance(share, Tensor):
            # torch interpolates many tensors at once by a number only
            ways = torch._foreach_sub(weights, averages)
            torch._foreach_mul_(ways, share)
            torch._foreach_add_(averages, ways)
        else:
            torch._foreach_lerp_(averages, weights, share)
        if buffers := list(self.ema_net.buffers()):
            torch._foreach_copy_(buffers, list(self.net.buffers()))

    def load_pretrained(self, weights: Mapping[str, Tensor]) -> None:
        """Start from the weights of a trained net of the same shape."""
        self.net.load_state_dict(weights)
        self.ema_net.load_state_dict(weights)
        self.task.on_pretrained(self.net)
        self.is_changed = True
        self.graph.reset()

    def restart_from(self, weights: Mapping[str, Tensor], number: int) -> None:
        """Go on from weights of this very training at step `number`; EMA and optimizer begin anew."""
        self.net.load_state_dict(weights)
        self.ema_net.load_state_dict(weights)
        self.optimizer.state.clear()
        self.ema_start = number
        self.guard.clear()
        self.is_changed = True
        self.graph.reset()

    def state(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {
            "net": self.net.state_dict(),
            "averaged": self.ema_net.state_dict(),
            "averaged_from": self.ema_start,
            "optimizer": optimizer_state(self.optimizer, self.lr),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.net.load_state_dict(state["net"])
        self.ema_net.load_state_dict(state["averaged"])
        load_optimizer_state(self.optimizer, state["optimizer"])
        self.lr = float(state["optimizer"]["param_groups"][0]["lr"])
        # earlier versions never began anew
        self.ema_start = int(state.get("averaged_from", 0))
        self.guard.clear()
        self.is_changed = True
        self.graph.reset()

    def _backward(self, inputs: Inputs, weights: Mapping[str, float]) -> dict[str, Tensor]:
        """Leave the gradients of a batch in the parameters; its scalars."""
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            data = self.task.data(inputs)
        given = {name.removeprefix(WEIGHT): value for name, value in inputs.items() if name.startswith(WEIGHT)}
        options = StepOptions(
            given,
            self.precision,
            self._seed,
            self.shards,
            self.parts,
            self.ranks,
            draws=inputs,
            stft=_with_stft(weights),
        )
        return self.task.backward(self.net, data, options)


def _with_stft(weights: Mapping[str, float]) -> bool:
    return weights.get("stft", 0.0) > 0
