"""A trained model at work: sounds to codes, codes to sounds, of any length in bounded memory.

Long sounds go through the net in `chunks` that overlap by more than the net looks to each side.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from distill_tui.engine.inference.chunks import chunks
from distill_tui.engine.nets import Autoencoder, build_net
from distill_tui.engine.nets.base import SoundNet
from distill_tui.engine.quantizers.upgrade import upgrade_weights
from distill_tui.errors import RequestError
from distill_tui.files import printable
from distill_tui.library.card import Card
from distill_tui.library.container import read_card, read_tensors
from distill_tui.recipe.fields import with_values
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.toml import from_dict


def load_net(path: Path) -> tuple[Autoencoder, Card]:
    """The net and the card of a `.distill` file.

    Raises:
        RequestError: the file is not a good model; the message says what is wrong.
    """
    card, tensors = read_card(path), upgrade_weights(read_tensors(path))
    recipe = with_values(Recipe(), from_dict(card.recipe, printable(str(path))))
    wanted = _sketch(path, recipe)
    problems = [f"tensor '{name}' is missing" for name in wanted if name not in tensors]
    problems += [f"tensor '{name}' is unknown to this program" for name in tensors if name not in wanted]
    for name in wanted.keys() & tensors.keys():
        a, b = wanted[name], tensors[name]
        if a.shape != b.shape or a.dtype != b.dtype:
            problems.append(f"tensor '{name}' is {b.dtype} {list(b.shape)}, not {a.dtype} {list(a.shape)}")
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        what = printable(f"{path}: {sorted(problems)[0]}{more}")
        raise RequestError(what, "It was made by another version of distill-tui.")
    net = build_net(recipe)
    net.load_state_dict(tensors)
    return net.eval().requires_grad_(False), card


def _sketch(path: Path, recipe: Recipe) -> dict[str, Tensor]:
    """The tensors that a recipe's net has, without their contents: a recipe may claim any size, and takes no memory.

    Raises:
        RequestError: no net can be made of it.
    """
    try:
        with torch.device("meta"):
            return build_net(recipe).state_dict()
    except (ValueError, RuntimeError, ArithmeticError, AssertionError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RequestError(printable(f"{path}: its recipe is not one of a net: {said}")) from None


class Model:
    """A net of sounds with its card. Sounds are [channels, samples] at `rate`.

    What it stores are codes [channels, frames, levels], or latents [channels, frames, latent_dim] where the bottleneck
    has no codes.
    """

    def __init__(self, net: SoundNet, card: Card) -> None:
        self.net, self.card = net.eval().requires_grad_(False), card

    @classmethod
    def load(cls, path: str | os.PathLike[str], device: str = "cpu") -> "Model":
        """The model of a `.distill` file, built from the file alone.

        Raises:
            RequestError: the file is not a good model, or one of pictures; the message says what is wrong.
        """
        net, card = load_net(Path(path))
        if not isinstance(net, SoundNet):
            raise RequestError(
                f"{path}: a model of pictures, which has no sound", "Look at it with: distill-tui explore"
            )
        return cls(net.to(device), card)

    @classmethod
    def of(cls, recipe: Recipe, weights: Mapping[str, Tensor], card: Card) -> "Model":
        """The model of a resolved recipe with these weights."""
        net = build_net(recipe)
        assert isinstance(net, SoundNet)
        net.load_state_dict(weights)
        return cls(net, card)

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.net.rate

    @property
    def levels(self) -> int:
        """Codebooks; 0 where there are none."""
        return self.net.bottleneck.levels

    @property
    def context(self) -> int:
        """Latent frames that a frame's result depends on, to each side, and a window of the spectrogram."""
        return self.net.context + 2 * (self.net.size // self.net.latent_hop + 1)

    @torch.no_grad()
    def latents(self, wave: Tensor) -> Tensor:
        """[channels, samples] in -1..1 to latents [channels, frames, latent_dim]; zeros fill the last frame."""
        hop = self.net.latent_hop
        wave = torch.nn.functional.pad(wave, (0, -wave.shape[-1] % hop))
        found = []
        for chunk in chunks(wave.shape[-1] // hop, self.context):
            latents = self.net.encode(wave[:, chunk.first * hop : chunk.last * hop].to(self.net.device).float())
            found.append(latents[:, chunk.kept].cpu())
        return torch.cat(found, 1) if found else torch.zeros(len(wave), 0, self.net.recipe.model.latent_dim)

    @torch.no_grad()
    def encode(self, wave: Tensor, levels: int | None = None) -> Tensor:
        """[channels, samples] in -1..1 to codes [channels, frames, levels]; the last frame is filled with zeros."""
        tokens: Tensor = self.net.bottleneck.tokens(self.latents(wave).to(self.net.device), levels).cpu()
        return tokens

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [channels, frames, up to all levels] to [channels, frames x latent hop] samples."""
        made = list(self.decoded(codes))
        return torch.cat(made, 1) if made else torch.zeros(len(codes), 0)

    @torch.no_grad()
    def decoded(self, codes: Tensor) -> Iterator[Tensor]:
        """What `decode` gives, in pieces that follow one another."""
        for chunk in chunks(codes.shape[1], self.context):
            latents = self.net.bottleneck.latents(codes[:, chunk.first : chunk.last].to(self.net.device))
            yield self.net.sound(latents)[:, chunk.samples(self.net.latent_hop)].cpu()

    def reconstruct(self, wave: Tensor, levels: int | None = None) -> Tensor:
        """[channels, samples] through the model: as long as it came. The same as `decode(encode(wave))`."""
        return self.decode(self.encode(wave, levels))[:, : wave.shape[-1]]
