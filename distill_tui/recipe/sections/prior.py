"""Settings of a prior, which draws the codes of a codec."""

from typing import Annotated, Literal

from msgspec import Struct

from distill_tui.recipe.sections.declare import Auto, setting


class Prior(Struct, forbid_unknown_fields=True, kw_only=True):
    """A generator's prior; without a net the recipe is of a codec or of pictures.

    In the recipe of a prior, `model` describes the frozen codec whose codes it learns.
    """

    net: Annotated[
        Literal["", "gru", "transformer"],
        setting(
            "Prior",
            "The net of a prior: gru learns fastest from little sound; transformer: rotary attention over the last "
            "crop. Empty: no prior.",
            hidden=True,
        ),
    ] = ""
    codec: Annotated[
        str,
        setting("Codec", "The codec whose codes the prior learns.", metavar="M", own=True, hidden=True),
    ] = ""
    codec_name: Annotated[str, setting("Codec name", "What the codec was called.", own=True, hidden=True)] = ""
    labels: Annotated[
        list[str],
        setting("Labels", "Kinds of sound that can be asked for: the folders of the sounds.", own=True, hidden=True),
    ] = []
    width: Annotated[
        int | Auto,
        setting("Width", "Width of the prior. Automatic: by the amount of sound.", ge=8, le=4096, hidden=True),
    ] = "auto"
    layers: Annotated[
        int | Auto,
        setting("Layers", "Layers of the prior. Automatic: by the amount of sound.", ge=1, le=64, hidden=True),
    ] = "auto"
    heads: Annotated[int, setting("Heads", "Heads of attention (prior transformer).", ge=1, le=64, hidden=True)] = 4
    dropout: Annotated[
        float, setting("Dropout", "Fraction of the prior's activations dropped in training.", ge=0, le=0.9, hidden=True)
    ] = 0.2
    crop_frames: Annotated[
        int,
        setting(
            "Crop", "Latent frames of a training crop, and what attention looks back to.", ge=2, le=4096, hidden=True
        ),
    ] = 64
    begin_fraction: Annotated[
        float, setting("Begins", "Fraction of the crops that begin where a sound begins.", ge=0, le=1, hidden=True)
    ] = 0.5
    versions: Annotated[
        int,
        setting(
            "Versions",
            "Versions of each sound, changed in speed, gain and time before the codec, that are drawn from at a time. "
            "They are replaced by others as the training goes on. 0: the sounds as they are.",
            ge=0,
            le=1000,
            hidden=True,
        ),
    ] = 12
    corruption: Annotated[
        float, setting("Corruption", "Fraction of the input codes replaced by others.", ge=0, le=0.9, hidden=True)
    ] = 0.08
    near_weight: Annotated[
        float,
        setting("Near codes", "Part of the target's weight on codes near the right one.", ge=0, le=0.9, hidden=True),
    ] = 0.2
    label_dropout: Annotated[
        float, setting("Label dropout", "Fraction of the crops whose label is left out.", ge=0, le=1, hidden=True)
    ] = 0.2
