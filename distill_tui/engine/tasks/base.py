"""Task: everything particular about a training. The trainer calls it at fixed points and knows nothing else."""

# the defaults leave out what only overrides need
# ruff: noqa: ARG002

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn

from distill_tui.engine.nets import build_net
from distill_tui.engine.tasks.preview_files import PreviewPair
from distill_tui.engine.training.backward import StepOptions, add_gradients
from distill_tui.engine.training.optimizer import BETAS
from distill_tui.paths import Home
from distill_tui.recipe.resolve import DataFacts
from distill_tui.recipe.schema import Recipe
from distill_tui.runs.folder import RunFolder

if TYPE_CHECKING:
    from distill_tui.engine.training.trainer import Trainer

Split = Literal["training", "validation"]
Net = TypeVar("Net", bound=nn.Module)


class TrainingData(Protocol):
    """The manifest of a run's data."""

    def facts(self) -> DataFacts: ...

    def described(self) -> dict[str, Any]:
        """The data in a card."""


@dataclass(frozen=True)
class Validation:
    """The outcome of a validation.

    Args:
        values: the metrics to log, by name.
        distance: of held-out data, for people and to choose the best epoch; None if it cannot be one yet.
        train_distance: the same of training data: the gap between the two is overfitting.
        facts: what to remember of this epoch if it is the best.
        is_better: whether it becomes the best one; None: if its distance is the least so far.
    """

    values: dict[str, float | None]
    distance: float | None
    train_distance: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    is_better: bool | None = None


class Task(Generic[Net]):
    """Base class of tasks. A subclass has a `name`, gives batches, losses and validations, and overrides the rest.

    Attributes:
        unit: what `rate/UNIT` counts; `per_step` is how much of it a step takes.
        main_loss: the training loss that tells divergence, without its weight.
        measure: what `Validation.distance` is, in words; of another, no two distances can be compared.
        betas: of AdamW.
        distance_name: what the distance is called among a card's losses.
        max_log_seconds: from one step event to the next.
        skipped: pairs of a path and why it could not be used.
        preview_format: of the sounds of previews.
    """

    name: ClassVar[str]
    data_noun: ClassVar[str] = "data"
    unit: ClassVar[str] = "examples"
    main_loss: ClassVar[str] = "train"
    measure: ClassVar[str] = ""
    distance_name: ClassVar[str] = "distance"
    betas: ClassVar[tuple[float, float]] = BETAS
    max_log_seconds: ClassVar[float] = 1.0
    memory_advice: ClassVar[str] = "Try a smaller model.channels or fewer blocks."

    def __init__(self, recipe: Recipe, device: torch.device) -> None:
        self.recipe, self.device = recipe, device
        self.per_step = float(recipe.train.batch_size)
        self.skipped: list[tuple[str, str]] = []
        self.preview_format: Literal["wav", "flac"] = "wav"

    # ---------------------------------------------------------------- the data

    @staticmethod
    def load_data(run: RunFolder) -> TrainingData:
        """Load the manifest of the run's data."""
        raise NotImplementedError

    @classmethod
    def from_data(cls, home: Home, data: Any, recipe: Recipe, device: torch.device) -> Self:
        """Make the task of a run, with its data on the device.

        Raises:
            DistillError: no usable data is left.
        """
        raise NotImplementedError

    def data_digest(self) -> int:
        """A number that is the same on all ranks if they have the same data."""
        return 0

    def batch(self, step: int) -> Tensor:
        """The batch [examples, ...] of a step, counted from 0: the same whenever it is asked for."""
        raise NotImplementedError

    def inputs(self, step: int) -> dict[str, Tensor]:
        """What the device makes the batch of a step of, by name, in the same shapes in every step: the batch itself.

        Less than that saves copying, where `data` can make it of tensors of the CPU on the device.
        """
        return {"data": self.batch(step)}

    def data(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """The batch on the device of `inputs`, which lie there too if the step is captured."""
        return inputs["data"]

    # ---------------------------------------------------------------- the net and its losses

    def build_net(self) -> Net:
        """A new net with weights from torch's random state."""
        net: Net = build_net(self.recipe)
        return net

    def has_weight_decay(self, name: str, parameter: nn.Parameter) -> bool:
        """Whether weight decay applies to a parameter of the net."""
        return parameter.ndim > 1

    def loss_weights(self, settings: Mapping[str, float], progress: float) -> dict[str, float]:
        """Weights of the losses by name; a loss that is missing here has weight 1.

        Args:
            settings: the live settings in force, by recipe key.
            progress: of the training, 0 to 1.
        """
        return {}

    def schedule(self, progress: float) -> tuple[float, float]:
        """Position in the learning rate schedule, 0 to 1, and a factor of the rate, at a progress of the training."""
        return progress, 1.0

    def losses(self, net: Net, data: Tensor) -> dict[str, Tensor]:
        """Losses of some examples by name, as means over them, unweighted."""
        raise NotImplementedError

    def capture_key(self, net: Net) -> Hashable:
        """What decides, beside shapes, which operations a step has; None: it cannot be captured as a CUDA graph.

        A step that is captured asks the device for nothing, draws from torch's generator of the device and from
        `generators` alone, and changes what the next step finds again in place (see `training.step_graph`).
        """
        return None

    @property
    def generators(self) -> list[torch.Generator]:
        """Generators on the device that a step draws from, beside torch's own. `draw` seeds them."""
        return []

    def draw(self, number: int, as_tensors: bool) -> dict[str, Any]:
        """Draw on the host for step `number`, with torch seeded for it, what `backward` then finds in its options.

        Args:
            as_tensors: as tensors of the CPU or numbers, with the same shapes in every step, as a capture needs it.
        """
        return {}

    def backward(self, net: Net, data: Tensor, options: StepOptions) -> dict[str, Tensor]:
        """Add the gradients of a batch to those of the net; scalars to log, among them `loss/train`."""
        return add_gradients(net, lambda chunk: self.losses(net, chunk), data, options)

    def trial_backward(self, net: Net, data: Tensor, options: StepOptions) -> object:
        """Do `backward` for a compiler to see: it may change nothing but gradients."""
        return self.backward(net, data, options)

    def modules_to_compile(self, net: Net) -> list[nn.Module]:
        """Modules that are compiled, where that is asked for."""
        return [net]

    def step_settings(self) -> dict[str, float]:
        """What `backward` and `after_optimizer` depend on beside the step's number, and no checkpoint holds."""
        return {}

    def use_settings(self, settings: Mapping[str, float]) -> None:
        """Use the `step_settings` of rank 0 in the next step."""

    def buffers_of_forward(self, net: Net) -> list[Tensor]:
        """Tensors that `backward` changes beside gradients: they are restored after a step that is skipped."""
        return []

    # ---------------------------------------------------------------- validation and what is reported

    def validate(self, net: Net, weights: Mapping[str, float]) -> Validation:
        """Validate a net on held-out data.

        Args:
            weights: of the losses by name, as in training.
        """
        raise NotImplementedError

    def reduce_memory(self) -> str:
        """Validate with half as much at once from now on: how much that is, in words; '' if it cannot be less."""
        return ""

    def write_previews(self, net: Net, folder: Path) -> list[PreviewPair]:
        """Write pairs of files into a folder: an original and its reconstruction, with their `distance`.

        Of sounds also what that is made of (`reporting.sound_quality`), and reconstructions by fewer levels.

        Raises:
            DistillError: a file cannot be written.
        """
        return []

    @property
    def preview_names(self) -> list[str]:
        """Names for people of what the previews show: one a pair, or none."""
        return []

    def output(self, net: Net) -> Tensor:
        """Output of a net on the CPU for a little held-out data: a saved model has to reproduce it."""
        raise NotImplementedError

    def step_values(self, net: Net, steps: int) -> dict[str, float | None]:
        """Metrics of the moment, for the event of the last `steps` steps."""
        return {}

    def level_distances(self, net: Net) -> list[float | None]:
        """Distances of a little held-out data with the first 1, 2, ... levels of codes; [] where there are none."""
        return []

    def prepared_facts(self) -> dict[str, Any]:
        """Fields of the `RunPrepared` event: data and net in numbers."""
        return {}

    def model_tensors(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a model's file, of the weights of its net; what else it needs to work is added here."""
        return dict(weights)

    def card_facts(self, best: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of a model's card.

        Args:
            best: the best epoch; see `Validator`.
        """
        return {}

    def data_facts(self) -> dict[str, Any]:
        """What a model's card tells of its data beside `Corpus.described`."""
        return {}

    # ---------------------------------------------------------------- state and hooks

    def state(self) -> dict[str, Any]:
        """State for a checkpoint, beside that of the net."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore it from a whole checkpoint. It changes nothing if it raises.

        Raises:
            ValueError, KeyError, TypeError: it is another run's.
        """

    def on_pretrained(self, net: Net) -> None:
        """Called after the weights of a trained model were loaded."""

    def on_start(self, trainer: "Trainer") -> None:
        """Called before the first step of a process."""

    def before_step(self, trainer: "Trainer") -> None:
        """Called before each step."""

    def after_optimizer(self, net: Net, bad: Tensor) -> None:
        """Called after the optimizer of a step, without gradients; `bad` is 1.0 on the device if it was skipped."""

    def on_divergence(self, trainer: "Trainer") -> bool:
        """Called when several steps in a row were not finite: True if the task has put it right itself."""
        return False

    def after_step(self, trainer: "Trainer") -> None:
        """Called after each step and its logging."""

    def on_epoch_end(self, trainer: "Trainer") -> None:
        """Called after each validation."""

    def on_early_end(self, trainer: "Trainer") -> None:
        """Called before the only validation of a training that ends without one: the net has to become usable."""
