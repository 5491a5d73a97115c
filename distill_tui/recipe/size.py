"""Size of a recipe's net in parameters and bytes, computed from the recipe without building the net or importing torch.

The counts mirror `engine/nets/` layer by layer; a test builds real nets and compares.
"""

from itertools import pairwise

from distill_tui.recipe.arithmetic import CONV2D_STRIDE, frame_rate
from distill_tui.recipe.quantizers import fsq_levels
from distill_tui.recipe.schema import Recipe
from distill_tui.recipe.sections.model import Model

TRAINING_COPIES = 5
"""Numbers kept for each parameter in training: itself, its gradient, AdamW's two averages, the averaged weights."""
NUMBER_BYTES = 4
PROGRAM_BYTES = 1050e6
"""What a worker holds besides its net and batches: Python, torch, its libraries and work space. Measured on Linux."""
BLOCK_COPIES = 10
"""Numbers that a ConvNeXt block keeps for its gradient, for each channel and frame: two wide layers hold three each."""
LOSS_COPIES = 20
"""Numbers that the losses keep for each sample: five windows, overlapping fourfold, of which one half is kept."""

PRIOR_HEAD_WIDTH = 256
"""Width of the head that draws a level's codes."""
PRIOR_COPIES = 30
"""Numbers that a prior keeps of a frame for each of its width and layers; four are kept for each code of a level."""

ADVERSARIAL_COPIES = 35
"""Numbers that a discriminator keeps for each sample and channel, of a sound and its reconstruction together (counted
in autograd's graph, in float32)."""
DISCRIMINATOR_CHANNELS = 4, 32
"""The fewest and the most; between them one for each sixteen of the net's."""


def discriminator_channels(model: Model) -> int:
    """Channels of the discriminator of the adversarial part: it is as wide as the net that it judges."""
    fewest, most = DISCRIMINATOR_CHANNELS
    return max(fewest, min(most, round(int(model.channels) / 16)))


def parameters(recipe: Recipe) -> int:
    """The trained numbers of a resolved recipe's net; codebooks are among them if they learn by gradient."""
    if recipe.task == "prior":
        return _prior(recipe)
    count = {"convnext": _convnext, "conv2d": _conv2d, "image": _image}[recipe.model.net](recipe.model)
    return count + _quantizer(recipe.model)


def _prior(recipe: Recipe) -> int:
    width, layers, labels = int(recipe.prior.width), int(recipe.prior.layers), len(recipe.prior.labels)
    levels, size, dim = recipe.model.rvq_levels, int(recipe.model.codebook_size), recipe.model.latent_dim
    if recipe.prior.net == "gru":
        net = layers * 6 * width * (width + 1)
    else:
        feed = _linear(width, 4 * width) + _linear(4 * width, width)
        net = layers * (4 * width * width + feed + 2 * _norm(width))
    heads = levels * (_norm(width) + _linear(width, PRIOR_HEAD_WIDTH) + _linear(PRIOR_HEAD_WIDTH, size))
    vectors = (2 * levels - 1) * dim * width + levels * size * width + width + (labels + 1) * width
    # the end of a sound is one code more
    return net + vectors + heads + PRIOR_HEAD_WIDTH + 1


def _quantizer(model: Model) -> int:
    latent, size = model.latent_dim, int(model.codebook_size)
    if model.quantizer == "vae":
        return _linear(latent, 2 * latent)
    if model.quantizer == "rvq_gradient":
        return model.rvq_levels * size * latent
    if model.quantizer == "residual_fsq" and (grid := len(fsq_levels(size))) != latent:
        return _linear(latent, grid) + _linear(grid, latent)
    return 0


def _conv2d(model: Model) -> int:
    # four layers each way, each with half of the next one's channels, on patches of 4x4
    channels = int(model.channels)
    widths = [1, *(max(1, channels >> shift) for shift in (3, 2, 1, 0))]
    layers = list(pairwise(widths))
    rows = channels * (int(model.n_mels) // CONV2D_STRIDE)
    encoder = sum(_convolution(before, after, 16) for before, after in layers) + _linear(rows, model.latent_dim)
    return encoder + _linear(model.latent_dim, rows) + sum(_convolution(after, before, 16) for before, after in layers)


def _image(model: Model) -> int:
    flat, dense = 64 * 7 * 7, 128
    encoder = _convolution(1, 32, 9) + _convolution(32, 64, 9) + _linear(flat, dense) + _linear(dense, model.latent_dim)
    decoder = _linear(model.latent_dim, dense) + _linear(dense, flat) + _convolution(64, 32, 9) + _convolution(32, 1, 9)
    return encoder + decoder


def _convnext(model: Model) -> int:
    width, latent = int(model.channels), model.latent_dim
    bins, stride = int(model.n_fft) // 2 + 1, int(model.stride)
    encoder = (
        _convolution(int(model.n_mels) * stride, width, 3)
        + _norm(width)
        + int(model.encoder_blocks) * _block(width)
        + _norm(width)
        + _linear(width, latent - (1 if model.loudness_scale else 0))
    )
    decoder = (
        _convolution(latent, width, 7)
        + _norm(width)
        + int(model.decoder_blocks) * _block(width)
        + _norm(width)
        + _linear(width, 2 * bins * stride)
    )
    return encoder + decoder + sum(_linear(width, out) for out in (model.noise_bands, model.gains_per_frame) if out)


def training_bytes(recipe: Recipe) -> int:
    """The memory that training takes for itself: weights, gradients, AdamW's averages and the averaged weights, in
    bytes. What is kept of each batch (`batch_bytes`) comes on top."""
    return parameters(recipe) * TRAINING_COPIES * NUMBER_BYTES


def batch_bytes(recipe: Recipe) -> float:
    """About what a resolved recipe's net and losses keep of a batch until its gradients are known, in bytes.

    Counted from sizes. With `training_bytes` and `PROGRAM_BYTES` it was within 8 % of the greatest memory
    of real runs on a CPU (batches of 2 to 33 s at 44.1 kHz, 128 and 384 channels).
    """
    model = recipe.model
    if recipe.task == "images":
        return 0.0
    if recipe.task == "prior":
        numbers = PRIOR_COPIES * int(recipe.prior.layers) * int(recipe.prior.width)
        numbers += 4 * model.rvq_levels * int(model.codebook_size)
        return float(int(recipe.train.batch_size) * recipe.prior.crop_frames * numbers * NUMBER_BYTES)
    seconds = int(recipe.train.batch_size) * float(recipe.data.crop_seconds)
    frames = seconds * frame_rate(recipe)
    depth = int(model.encoder_blocks) + int(model.decoder_blocks)
    blocks = depth * BLOCK_COPIES * int(model.channels) * frames
    if model.net == "conv2d":
        # a layer of twice the channels has a quarter of the places, before and after its nonlinearity, each way
        blocks = (
            4
            * (int(model.channels) / 8)
            * int(model.n_mels)
            * frames
            * int(model.stride)
            * (1 / 4 + 1 / 8 + 1 / 16 + 1 / 32)
        )
    copies = LOSS_COPIES
    if recipe.train.adversarial_fraction:
        copies += ADVERSARIAL_COPIES * discriminator_channels(model)
    return (blocks + copies * seconds * int(model.sample_rate)) * NUMBER_BYTES


def _block(width: int) -> int:
    depthwise = _convolution(1, width, 7)
    return depthwise + _norm(width) + _linear(width, 3 * width) + _linear(3 * width, width) + width


def _convolution(inputs: int, outputs: int, kernel: int) -> int:
    return inputs * outputs * kernel + outputs


def _linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _norm(width: int) -> int:
    return 2 * width
