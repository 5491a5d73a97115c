"""One step of training: gradients, clipping, the optimizer, the EMA of the weights.

Every random number of a step follows from the seed and the step's number, so there is no random state to save.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from distill_tui.engine.device import free_memory, is_out_of_memory
from distill_tui.engine.tasks.base import Task
from distill_tui.engine.training.backward import StepOptions
from distill_tui.engine.training.compile import Compiled, compile_net
from distill_tui.engine.training.cpu_shards import choose_shards
from distill_tui.engine.training.meters import NonFiniteGuard
from distill_tui.engine.training.optimizer import adamw, clip_gradients, step_unless
from distill_tui.engine.training.seeds import derive_seed
from distill_tui.errors import DistillError
from distill_tui.recipe.schema import Recipe


class TrainStep:
    """A net in training, the EMA of its weights, and the optimizer.

    `parts` is in how many parts, one after the other, a batch goes through for want of memory; `shards` go through at
    once; `guard` counts skipped steps; the EMA began at step `ema_start`.
    """

    def __init__(self, task: Task[Any], recipe: Recipe, device: torch.device, precision: torch.dtype) -> None:
        self.task, self.recipe, self.device, self.precision = task, recipe, device, precision
        torch.manual_seed(derive_seed(recipe.train.seed, 0))
        self.net: Any = task.build_net().to(device)
        self.ema_net = copy.deepcopy(self.net).eval().requires_grad_(False)
        decayed = [p for name, p in self.net.named_parameters() if task.has_weight_decay(name, p)]
        taken = {id(p) for p in decayed}
        others = [p for p in self.net.parameters() if id(p) not in taken]
        self.optimizer = adamw(
            [{"params": decayed, "weight_decay": recipe.train.weight_decay}, {"params": others, "weight_decay": 0.0}],
            recipe.train.learning_rate,
            device,
            task.betas,
        )
        self.guard = NonFiniteGuard(device)
        self.shards = choose_shards(recipe, device)
        self.parts = 1
        self.ema_start = 0

    @property
    def lr(self) -> float:
        """The learning rate of the last step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def step(
        self, data: Tensor, number: int, lr: float, weights: Mapping[str, float], warn: Callable[[str], None]
    ) -> dict[str, Tensor]:
        """Train one step on a batch [examples, ...]; with a fused optimizer this does not wait for the device.

        Args:
            number: of the step, from which its random numbers follow.
            weights: of the losses by name.
            warn: is called if memory ran out and the batch was cut into parts.

        Returns:
            The step's scalars: losses, what else the task measures, and the norm of the gradient.

        Raises:
            DistillError: a single example does not fit into the memory.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        buffers = self.task.buffers_of_forward(self.net)
        before = [buffer.clone() for buffer in buffers]
        while True:
            try:
                values = self._backward(data, number, weights)
                break
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            # here the error is gone, and with it what the failed pass had put into the memory
            self.halve_parts(len(data), warn)
            for buffer, old in zip(buffers, before, strict=True):
                buffer.copy_(old)
        norm = clip_gradients(self.optimizer, self.net.parameters(), self.recipe.train.max_grad_norm)
        bad = self.guard.check(values["loss/train"], norm)
        step_unless(bad, self.optimizer)
        with torch.no_grad():
            for buffer, old in zip(buffers, before, strict=True):
                buffer.copy_(torch.where(bad > 0, old, buffer))
            self.task.after_optimizer(self.net, number, bad)
            self.update_ema(number)
        return values | {"gradient": norm}

    def compile(self, data: Tensor, weights: Mapping[str, float]) -> Compiled:
        """Compile the net for batches like `data` by the very pass that trains; its weights stay as they are."""
        options = StepOptions(weights, self.precision, 0, self.shards, self.parts)
        modules = self.task.modules_to_compile(self.net)
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
        free_memory(self.device)
        warn(f"out of memory on {self.device}: batches of {batch} go through in {self.parts} parts from here")

    @torch.no_grad()
    def update_ema(self, number: int) -> None:
        """Move the EMA of the weights; its horizon grows with the steps done, so that early noise is forgotten."""
        done = number - self.ema_start
        decay = min(self.recipe.train.ema_decay, (1 + done) / (10 + done))
        torch._foreach_lerp_(list(self.ema_net.parameters()), list(self.net.parameters()), 1 - decay)
        for mine, theirs in zip(self.ema_net.buffers(), self.net.buffers(), strict=True):
            mine.copy_(theirs)

    def load_pretrained(self, weights: Mapping[str, Tensor]) -> None:
        """Start from the weights of a trained net of the same shape."""
        self.net.load_state_dict(weights)
        self.ema_net.load_state_dict(weights)
        self.task.on_pretrained(self.net)

    def restart_from(self, weights: Mapping[str, Tensor], number: int) -> None:
        """Go on from weights of this very training at step `number`; EMA and optimizer begin anew."""
        self.net.load_state_dict(weights)
        self.ema_net.load_state_dict(weights)
        self.optimizer.state.clear()
        self.ema_start = number
        self.guard.clear()

    def state(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {
            "net": self.net.state_dict(),
            "averaged": self.ema_net.state_dict(),
            "averaged_from": self.ema_start,
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.net.load_state_dict(state["net"])
        self.ema_net.load_state_dict(state["averaged"])
        self.optimizer.load_state_dict(state["optimizer"])
        # earlier versions never began anew
        self.ema_start = int(state.get("averaged_from", 0))
        self.guard.clear()

    def _backward(self, data: Tensor, number: int, weights: Mapping[str, float]) -> dict[str, Tensor]:
        """Leave the gradients of a batch in the parameters; its scalars."""
        seed = derive_seed(self.recipe.train.seed, 3, number)
        torch.manual_seed(seed)
        self.net.train()
        self.optimizer.zero_grad(set_to_none=True)
        return self.task.backward(self.net, data, StepOptions(weights, self.precision, seed, self.shards, self.parts))
