"""Settings of the loss."""

from typing import Annotated

from msgspec import Struct

from distill_tui.recipe.sections.declare import setting


class Loss(Struct, forbid_unknown_fields=True, kw_only=True):
    """Weights of the losses."""

    mel_weight: Annotated[
        float, setting("Mel weight", "Weight of the multi-scale log-mel distance.", ge=0, le=100, live=True, step=0.1)
    ] = 1.0
    stft_weight: Annotated[
        float, setting("STFT weight", "Weight of the multi-scale STFT distance.", ge=0, le=100, live=True, step=0.1)
    ] = 0.05
    scales: Annotated[
        int,
        setting(
            "STFT scales",
            "How many of the five window sizes of the mel and STFT losses are sampled per step. Fewer = faster steps.",
            ge=1,
            le=5,
        ),
    ] = 2
    noise_weight: Annotated[
        float,
        setting(
            "Noise weight", "Weight of the noisiness of bands (net convnext, with noise bands).", ge=0, le=10, step=0.05
        ),
    ] = 0.1
    repetition_weight: Annotated[
        float,
        setting(
            "Repetition weight",
            "Weight of noise that repeats itself (net convnext, with noise bands).",
            ge=0,
            le=10,
            step=0.05,
        ),
    ] = 0.1
    loudness_weight: Annotated[
        float,
        setting(
            "Loudness weight",
            "Weight of the loudness that the net gives a sound before the codes' own is imposed (net convnext).",
            ge=0,
            le=10,
            step=0.01,
        ),
    ] = 0.02
    commitment_weight: Annotated[
        float,
        setting(
            "Commitment weight",
            "Pull of the encoder towards the codes. Most people leave this at 0.25.",
            ge=0,
            le=10,
            flag="--commitment-weight",
            live=True,
            step=0.05,
            basic=True,
        ),
    ] = 0.25
    codebook_weight: Annotated[
        float,
        setting(
            "Codebook weight",
            "How strongly the codes are pulled to the latents, where they are trained by gradient.",
            ge=0,
            le=10,
            live=True,
            step=0.05,
        ),
    ] = 1.0
    kl_weight: Annotated[
        float,
        setting(
            "KL weight",
            "How hard the latents of quantizer vae are pulled to a normal distribution.",
            ge=0,
            le=1,
            live=True,
            factor=1.25,
        ),
    ] = 0.001
    free_bits: Annotated[
        float,
        setting("Free bits", "KL of a latent dimension that costs nothing (quantizer vae).", ge=0, le=10, unit="nats"),
    ] = 0.05
    adversarial_weight: Annotated[
        float,
        setting(
            "Adversarial",
            "How hard the discriminator pulls in the adversarial part (train.adversarial_fraction).",
            ge=0,
            le=100,
            live=True,
            step=0.05,
        ),
    ] = 0.25
    feature_weight: Annotated[
        float,
        setting(
            "Feature weight",
            "Weight of the distance of the discriminator's features in the adversarial part (feature matching).",
            ge=0,
            le=100,
            live=True,
            step=0.05,
        ),
    ] = 1.0
