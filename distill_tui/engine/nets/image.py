"""The Explorer's net: images of 28x28 through latents that can be drawn as a plane."""

import torch
from torch import Tensor, nn

from distill_tui.data.images.dataset import SIDE
from distill_tui.engine.dsp.losses import ImageLoss
from distill_tui.engine.nets.base import Autoencoder
from distill_tui.recipe.schema import Recipe

WIDTHS = (32, 64)
DENSE = 128
INNER = SIDE // 4
"""The side of the images between the two strided layers and the dense one."""


class Unflatten(nn.Module):
    """[batch, 64 x 7 x 7] to [batch, 64, 7, 7], channels last in memory."""

    def forward(self, x: Tensor) -> Tensor:
        return x.view(-1, WIDTHS[1], INNER, INNER).contiguous(memory_format=torch.channels_last)


class Image(Autoencoder):
    """Two convolutions of stride 2, a dense layer, latents of one frame; mirrored, with a sigmoid at the end."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        dim, flat = recipe.model.latent_dim, WIDTHS[1] * INNER * INNER
        # channels last take half the time of channels first on a CPU
        self.encoder = nn.Sequential(
            nn.Conv2d(1, WIDTHS[0], 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(*WIDTHS, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(flat, DENSE),
            nn.ReLU(),
            nn.Linear(DENSE, dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(dim, DENSE),
            nn.ReLU(),
            nn.Linear(DENSE, flat),
            nn.ReLU(),
            Unflatten(),
            nn.ConvTranspose2d(*WIDTHS[::-1], 3, 2, 1, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(WIDTHS[0], 1, 3, 2, 1, 1),
        )

    def encode(self, data: Tensor) -> Tensor:
        """Images [batch, 28, 28] in 0..1 to latents [batch, 1, latent_dim]."""
        latents: Tensor = self.encoder(data[:, None].contiguous(memory_format=torch.channels_last))
        return latents.float()[:, None]

    def decode(self, latents: Tensor, _first: Tensor | int = 0) -> Tensor:
        """Latents [batch, 1, latent_dim] to images [batch, 28, 28] in 0..1."""
        images: Tensor = self.decoder(latents[:, 0])
        return images.float().sigmoid()[:, 0]

    def frame_mask(self, data: Tensor) -> Tensor:
        """Every image counts: [batch, 1]."""
        return torch.ones(len(data), 1, dtype=torch.bool, device=data.device)

    def loss(self) -> ImageLoss:
        return ImageLoss("recon")
