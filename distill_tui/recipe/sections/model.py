"""Settings of the net and its quantizer."""

from typing import Annotated, Literal

from msgspec import Struct

from distill_tui.recipe.quantizers import QUANTIZERS, QuantizerFacts, QuantizerName
from distill_tui.recipe.sections.declare import Auto, setting


class Model(Struct, forbid_unknown_fields=True, kw_only=True):
    """The net and its quantizer."""

    net: Annotated[
        Literal["convnext", "conv2d", "image"],
        setting(
            "Net",
            "convnext: log-mel in, ConvNeXt blocks, ISTFT out. conv2d: the classic one, strided convolutions on the "
            "log-mel picture and Griffin-Lim, to compare with. image: for the pictures of the Explorer.",
        ),
    ] = "convnext"
    quantizer: Annotated[
        QuantizerName,
        setting(
            "Quantizer",
            "rvq_ema: residual VQ, codes are moving averages of what is assigned to them. rvq_gradient: codes learn by "
            "the gradient of a loss. residual_vq, residual_fsq: those of vector-quantize-pytorch, the latter with "
            "codes on a fixed grid. vae: continuous latents, to see what quantizing costs.",
            group="quantizer",
        ),
    ] = "rvq_ema"
    sample_rate: Annotated[
        int | Auto,
        setting("Sample rate", "The model's own rate; sounds are resampled to it.", ge=4000, le=192000, unit="Hz"),
    ] = "auto"
    n_fft: Annotated[
        int | Auto,
        setting(
            "FFT size",
            "Samples in a frame of the spectrogram (n_fft). Automatic: shorter for attacks than for tones.",
            ge=64,
            le=16384,
            unit="samples",
        ),
    ] = "auto"
    hop_length: Annotated[
        int | Auto, setting("Hop length", "Samples from one frame to the next.", ge=16, le=8192, unit="samples")
    ] = "auto"
    n_mels: Annotated[
        int | Auto, setting("Mel bands", "Bands of the log-mel spectrogram at the net's input.", ge=8, le=512)
    ] = "auto"
    stride: Annotated[
        int | Auto, setting("Latent stride", "Spectrogram frames that share one code per level.", ge=1, le=64)
    ] = "auto"
    channels: Annotated[
        int | Auto,
        setting(
            "Channels",
            "Width of the ConvNeXt blocks. Automatic: by the steps that the budget has room for, and the sound.",
            ge=8,
            le=4096,
            step=64,
        ),
    ] = "auto"
    encoder_blocks: Annotated[
        int | Auto, setting("Encoder blocks", "ConvNeXt blocks before the quantizer.", ge=1, le=64)
    ] = "auto"
    decoder_blocks: Annotated[
        int | Auto, setting("Decoder blocks", "ConvNeXt blocks after the quantizer.", ge=1, le=64)
    ] = "auto"
    noise_bands: Annotated[
        int,
        setting(
            "Noise bands",
            "Bands whose noisiness the decoder says, to make noise where there is noise (net convnext). 0: none, "
            "and noise comes out as a buzz.",
            ge=0,
            le=128,
        ),
    ] = 16
    gains_per_frame: Annotated[
        int,
        setting(
            "Gains a frame",
            "Gains in a latent frame that the decoder shapes attacks with (net convnext). 0: none.",
            ge=0,
            le=256,
        ),
    ] = 16
    loudness_scale: Annotated[
        float | Auto,
        setting(
            "Loudness scale",
            "How finely the codes tell the loudness of a frame (net convnext). 0: not by itself, and much comes out "
            "too quiet. Automatic: 2 with residual VQ; the other quantizers would bend it.",
            ge=0,
            le=100,
            step=0.5,
        ),
    ] = "auto"
    latent_dim: Annotated[
        int,
        setting(
            "Latent size",
            "Dimensions of a latent vector.",
            ge=1,
            le=2048,
            group="quantizer",
        ),
    ] = 64
    rvq_levels: Annotated[
        int,
        setting(
            "RVQ levels",
            "Fewer levels = faster, more levels = finer detail.",
            ge=2,
            le=8,
            flag="--rvq-levels",
            step=1,
            basic=True,
            group="quantizer",
        ),
    ] = 3
    codebook_size: Annotated[
        int | Auto,
        setting(
            "Codebook size",
            "Codes per level. Automatic: the largest power of two with enough latent frames a code.",
            ge=2,
            le=65536,
            flag="--codebook-size",
            group="quantizer",
        ),
    ] = "auto"
    dropout: Annotated[
        float,
        setting(
            "Dropout",
            "Fraction of activations dropped in training.",
            ge=0,
            le=0.9,
            step=0.05,
            share=True,
        ),
    ] = 0.0

    @property
    def quantizer_facts(self) -> QuantizerFacts:
        """What follows from the kind of quantizer."""
        return QUANTIZERS[self.quantizer]
