"""The demo: a few sounds that are made for it, and a recipe with which two cores learn them in about half a minute."""

from typing import Any

from distill_tui.paths import Home
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe

DEMO_MINUTES = 0.6
DEMO_RECIPE: dict[str, Any] = {
    "name": "demo",
    "model.channels": 128,
    "model.encoder_blocks": 2,
    "model.decoder_blocks": 3,
    "model.latent_dim": 32,
    "train.batch_size": 8,
    "train.steps_per_epoch": 25,
    "train.ema_decay": 0.99,
    "train.preview_every": 0,
}
"""Numbers with which two cores learn the demo's sounds in DEMO_MINUTES; all else is automatic."""


def demo_recipe(epochs: int | None = None) -> Recipe:
    """The recipe of the demo, for so many epochs in place of DEMO_MINUTES."""
    length = {"train.minutes": DEMO_MINUTES} if epochs is None else {"train.epochs": epochs, "train.minutes": 0.0}
    return with_values(Recipe(), DEMO_RECIPE | length)


def write_demo(home: Home) -> str:
    """Write the sounds of the demo into the home folder, and return where.

    Raises:
        DistillError: the folder cannot be written.
    """
    # numpy, which a form that offers the demo does without
    from distill_tui.data.demo_sounds import write_demo_sounds

    folder = home.root / "demo-sounds"
    write_demo_sounds(folder)
    return str(folder)
