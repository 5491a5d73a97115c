"""The recipe: every setting of a run, declared once, in `sections`.

The command line's flags, the form in the app, the TOML file and the docs all come from these declarations: a field's
type and bounds say what is allowed, `title` is its label, `description` its help, and `extra` holds what only some of
them need (`flag`, `unit`, `step`, `live` for what can be changed while a run trains, `basic` for the short form, `own`
for what belongs to one run, has no default and says nothing of a model, `hidden` for what the form does not show,
`group` for a part of the form other than its section's, `share` for a fraction that the form shows in percent).

A field that may be `"auto"` is chosen from the data and the machine by `recipe.resolve` before a run starts; the keys
that were chosen so are listed in `automatic`, and why some are what they are in `reasons`.
"""

from typing import Annotated, Literal

from msgspec import Struct, field

from distill_tui.recipe.sections.data import Data
from distill_tui.recipe.sections.declare import setting
from distill_tui.recipe.sections.loss import Loss
from distill_tui.recipe.sections.model import Model
from distill_tui.recipe.sections.prior import Prior
from distill_tui.recipe.sections.train import Train

RECIPE_VERSION = 3
TASK_OF_NET = {"convnext": "codec", "conv2d": "codec", "image": "images"}
"""The task (a module of `engine/tasks`) that a net is trained by."""


class Recipe(Struct, forbid_unknown_fields=True, kw_only=True):
    """The complete settings of a run."""

    version: Annotated[
        int, setting("Recipe version", "Version of the recipe's format.", ge=1, own=True, hidden=True)
    ] = RECIPE_VERSION
    name: Annotated[
        str,
        setting("Name", "Name of the run and its model. Empty: after the data.", flag="--name", basic=True, own=True),
    ] = ""
    preset: Annotated[
        Literal["conservative", "balanced", "aggressive", "faithful"],
        setting("Preset", "How strongly to regularise, and how long to train.", flag="--preset", basic=True),
    ] = "balanced"
    automatic: Annotated[
        list[str], setting("Automatic", "Keys whose values were chosen from the data.", own=True, hidden=True)
    ] = []
    reasons: Annotated[
        list[str],
        setting("Reasons", "Why automatic values are what they are, as `key: text`.", own=True, hidden=True),
    ] = []
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    loss: Loss = field(default_factory=Loss)
    train: Train = field(default_factory=Train)
    prior: Prior = field(default_factory=Prior)

    @property
    def task(self) -> str:
        """The task that the recipe is for: `codec`, `images` or `prior`."""
        return "prior" if self.prior.net else TASK_OF_NET[self.model.net]
