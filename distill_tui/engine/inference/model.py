"""A trained codec: sounds to codes, codes to sounds, of any length in bounded memory.

Long sounds go through the net in `chunks` that overlap by more than the net looks to each side.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from distill_tui.engine.device import choose_device
from distill_tui.engine.inference.chunks import chunks
from distill_tui.engine.nets import build_net
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.quantizers.upgrade import upgrade_weights
from distill_tui.errors import RequestError
from distill_tui.foreign import MalformedError, convert
from distill_tui.library.card import Card, check_parts
from distill_tui.library.container import read_card, read_tensors
from distill_tui.machine import this_machine
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.toml import from_dict
from distill_tui.text import printable

if TYPE_CHECKING:
    from distill_tui.engine.generate.make import Made
    from distill_tui.engine.generate.python import Paths

PRIOR, CODEC = "prior.", "codec."
"""What the names of a generator's tensors begin with: those of its prior, and those of its codec."""


def load_net(path: Path) -> tuple[Any, Card]:
    """Load the net and the card of a `.distill` file of any kind; of a generator its prior.

    Raises:
        RequestError: the file is not a good model; the message says what is wrong.
    """
    card, tensors = read_card(path), read_tensors(path)
    return (net_of_generator(path, card, tensors) if card.task == "prior" else net_of(path, card, tensors)), card


def net_of(path: Path, card: Card, tensors: Mapping[str, Tensor]) -> Any:
    """The net that a card's recipe describes, with these weights.

    Raises:
        RequestError: they do not go together; the message names `path`.
    """
    tensors = upgrade_weights(tensors)
    recipe = with_values(Recipe(), from_dict(card.recipe, printable(str(path))))
    expected = _sketch(path, recipe)
    problems = [f"tensor '{name}' is missing" for name in expected if name not in tensors]
    problems += [f"tensor '{name}' is unknown to this program" for name in tensors if name not in expected]
    for name in expected.keys() & tensors.keys():
        a, b = expected[name], tensors[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            problems.append(f"tensor '{name}' is {b.dtype} {list(b.shape)}, not {a.dtype} {list(a.shape)}")
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        what = printable(f"{path}: {sorted(problems)[0]}{more}")
        raise RequestError(what, "It was made by another version of distill-tui.")
    net = build_net(recipe)
    net.load_state_dict(tensors)
    return net.eval().requires_grad_(False)


def net_of_generator(path: Path, card: Card, tensors: Mapping[str, Tensor]) -> Any:
    """The prior of a generator; errors as `net_of`."""
    return net_of(path, card, part_of(tensors, PRIOR))


def codec_of_generator(path: Path, card: Card, tensors: Mapping[str, Tensor]) -> tuple[Any, Card]:
    """The codec inside a generator, and the card that it had when it was a model of its own; errors as `net_of`."""
    try:
        own = convert(card.codec, Card)
        check_parts(own)
    except MalformedError as error:
        raise RequestError(printable(f"{path}: its codec's card is damaged: {error}")) from None
    if own.task == "prior":
        raise RequestError(printable(f"{path}: its codec's card is damaged: it is not one of a codec"))
    return net_of(path, own, part_of(tensors, CODEC)), own


def part_of(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _sketch(path: Path, recipe: Recipe) -> dict[str, Tensor]:
    """The tensors of a recipe's net without their contents: a recipe may claim any size, and takes no memory.

    Raises:
        RequestError: no net can be made of it.
    """
    try:
        with torch.device("meta"):
            return build_net(recipe).state_dict()  # type: ignore[no-any-return]
    except (ValueError, RuntimeError, ArithmeticError, AssertionError) as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RequestError(printable(f"{path}: its recipe is not one of a net: {message}")) from None


class Model:
    """A codec with its card. Sounds are [channels, samples] at `sample_rate`.

    What it stores are codes [channels, frames, levels], or latents [channels, frames, latent_dim] where the bottleneck
    has no codes.
    """

    def __init__(self, net: SoundNet, card: Card) -> None:
        self.net, self.card = net.eval().requires_grad_(False), card

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str = "cpu") -> "Model":
        """Load a `.distill` file, from that file alone; of a generator the codec inside it.

        Args:
            device: `cpu`, `cuda`, `cuda:1`, ..., `mps`, or `auto` for the best that can be used.

        Raises:
            RequestError: the file is not a good model or one of images, or the device cannot be used.
        """
        chosen = device_of(device)
        path = Path(path)
        card, tensors = read_card(path), read_tensors(path)
        if card.task == "prior":
            net, card = codec_of_generator(path, card, tensors)
        else:
            net = net_of(path, card, tensors)
        if not isinstance(net, SoundNet):
            raise RequestError(
                f"{path}: a model of pictures, which has no sound", "Look at it with: distill-tui explore"
            )
        return cls(net.to(chosen), card)

    @classmethod
    def of(cls, recipe: Recipe, weights: Mapping[str, Tensor], card: Card) -> "Model":
        """Make the model of a resolved recipe with these weights."""
        net = build_net(recipe)
        assert isinstance(net, SoundNet)
        net.load_state_dict(weights)
        return cls(net, card)

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self.net.sample_rate

    @property
    def levels(self) -> int:
        """Codebooks; 0 where there are none."""
        return self.net.bottleneck.levels

    @property
    def context(self) -> int:
        """Latent frames that a frame's result depends on, to each side, and a window of the spectrogram."""
        return self.net.context + 2 * (self.net.n_fft // self.net.latent_hop + 1)

    @torch.no_grad()
    def latents(self, wave: Tensor) -> Tensor:
        """[channels, samples] in -1..1 to latents [channels, frames, latent_dim]; zeros fill the last frame."""
        hop = self.net.latent_hop
        wave = self.net.pad_to_frames(wave)
        blocks = []
        for chunk in chunks(wave.shape[-1] // hop, self.context):
            latents = self.net.encode(wave[:, chunk.first * hop : chunk.last * hop].to(self.net.device).float())
            blocks.append(latents[:, chunk.kept].cpu())
        return torch.cat(blocks, 1) if blocks else torch.zeros(len(wave), 0, self.net.recipe.model.latent_dim)

    @torch.no_grad()
    def encode(self, wave: Tensor, levels: int | None = None, beam: int = 1) -> Tensor:
        """[channels, samples] in -1..1 to codes [channels, frames, levels]; the last frame is filled with zeros.

        Args:
            levels: the first ones that are used, all by default.
            beam: sums of codes that the search keeps from level to level (see `engine.quantizers.beam`); 1 is greedy.
        """
        tokens: Tensor = self.net.bottleneck.tokens(self.latents(wave).to(self.net.device), levels, beam).cpu()
        return tokens

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [channels, frames, up to all levels] to [channels, frames x latent hop] samples."""
        blocks = list(self.decode_blocks(codes))
        return torch.cat(blocks, 1) if blocks else torch.zeros(len(codes), 0)

    @torch.no_grad()
    def decode_blocks(self, codes: Tensor) -> Iterator[Tensor]:
        """Decode in blocks that follow one another."""
        for chunk in chunks(codes.shape[1], self.context):
            latents = self.net.bottleneck.latents(codes[:, chunk.first : chunk.last].to(self.net.device))
            yield self.net.decode_audio(latents, chunk.first)[:, chunk.samples(self.net.latent_hop)].cpu()

    def reconstruct(self, wave: Tensor, levels: int | None = None, beam: int = 1) -> Tensor:
        """[channels, samples] to their reconstruction, equally long: the same as `decode(encode(wave))`."""
        return self.decode(self.encode(wave, levels, beam))[:, : wave.shape[-1]]

    def generate(
        self,
        count: int = 1,
        *,
        data: "Paths" = (),
        home: str | os.PathLike[str] | None = None,
        judge: bool = False,
        **options: Any,
    ) -> "list[Made]":
        """Make new sounds, or change some.

        Args:
            count: takes to make; take n follows from `seed` + n alone, on the CPU to the bit.
            data: folders and files to use in place of the sounds that the model was trained on.
            home: the home folder whose cache holds their codes; None: the usual one.
            judge: measure how new each take is (`take.nearest`, `take.novelty`): some seconds the first time.
            options: as in `takes.request.Request`: `method` ("auto", "blend", "walk"), `seconds` (of each,
                up to 600; None: its own end), `seed`, `label`, `loop`, `max_copy` (latent frames), `novelty`
                (with `judge`), and at most one of the edits `like` (a file; `strength` 0 to 1), `continue_file`, `fill`
                (with `start` and `end` in seconds), `morph` (two files), `follow`.

        Returns:
            for each take `wave`, a NumPy array float32 [samples] in -1..1 at `sample_rate` Hz, `codes`, a tensor int64
            [frames, levels] on the CPU, and `take`, its description (`takes.take.Take`).

        Raises:
            RequestError: the request cannot be met, or the sounds that the model was trained on are gone.
        """
        # here: makers need models
        from distill_tui.engine.generate.python import generate_takes

        return generate_takes(self, count, options, data, home, judge)


def device_of(name: str) -> torch.device:
    """The device of a name; `auto` falls back to the CPU: unlike a training, a sound does not take hours on it.

    Raises:
        RequestError: it cannot be used.
    """
    recipe = Recipe()
    if name == "auto":
        recipe.train.device = this_machine().best_device
    else:
        recipe.train.device = "cuda:0" if name == "cuda" else name
    try:
        return choose_device(recipe)[0]
    except RequestError:
        if name != "auto":
            raise
        return torch.device("cpu")
