"""The discriminator in training: its optimizer, what holds it back when it wins, and its state."""

from typing import Any

import torch
from torch import Tensor

from distill_tui.engine.nets.discriminator import build_discriminator
from distill_tui.engine.training.optimizer import adamw, clip_gradients, step_unless
from distill_tui.engine.training.seeds import derive_seed
from distill_tui.recipe.schema import Recipe

WEIGHT_DECAY = 0.01
WINNING = 0.1
"""Moving mean of the discriminator's loss below which it is not trained: it tells nearly all sounds from their
reconstructions, and its gradient says no more how to get better. 0.5 is a draw."""
HORIZON = 50
"""Steps of that moving mean."""


class Adversary:
    """A discriminator and its optimizer. It is not trained while it wins: the decoder has to catch up first.

    `skipped` counts the steps that it was held back since the last `read_skipped`, on the device.
    """

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        torch.manual_seed(derive_seed(recipe.train.seed, 6))
        self.discriminator = build_discriminator(recipe).to(device)
        self.most_norm = recipe.train.max_grad_norm
        groups = [{"params": list(self.discriminator.parameters()), "weight_decay": WEIGHT_DECAY}]
        self.optimizer = adamw(groups, float(recipe.train.learning_rate), device)
        self.lr = 0.0
        self.mean_loss = torch.full((), 0.5, device=device)
        self.skipped = torch.zeros((), device=device)

    def clear_gradients(self) -> None:
        """Drop the gradients of the last step, or of a pass that failed."""
        self.optimizer.zero_grad(set_to_none=True)

    @torch.no_grad()
    def step(self, loss: Tensor, bad: Tensor) -> None:
        """Train on the gradients of a step, unless it is `bad` (1.0 on the device), not finite, or winning.

        Args:
            loss: of the discriminator in this step.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr
        norm = clip_gradients(self.optimizer, self.discriminator.parameters(), self.most_norm)
        broken = torch.maximum(bad, 1.0 - (torch.isfinite(loss) & torch.isfinite(norm)).float())
        self.mean_loss.copy_(torch.where(broken > 0, self.mean_loss, self.mean_loss.lerp(loss.float(), 1 / HORIZON)))
        winning = (self.mean_loss < WINNING).float()
        self.skipped += winning
        step_unless(torch.maximum(broken, winning), self.optimizer)

    def read_skipped(self) -> int:
        """Steps that it was held back since the last call; this waits for the device."""
        skipped = int(self.skipped)
        self.skipped.zero_()
        return skipped

    def state(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {
            "net": self.discriminator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "mean_loss": float(self.mean_loss),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned.

        Raises:
            ValueError, KeyError, TypeError, RuntimeError: it is of another discriminator.
        """
        self.discriminator.load_state_dict(state["net"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.mean_loss.fill_(float(state["mean_loss"]))
