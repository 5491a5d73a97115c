"""Settings of the sounds, their split, and augmentation."""

from typing import Annotated, Literal

from msgspec import Struct

from distill_tui.recipe.sections.declare import Auto, setting


class Data(Struct, forbid_unknown_fields=True, kw_only=True):
    """The sounds, their split, and augmentation."""

    paths: Annotated[
        list[str], setting("Sounds", "Folders (walked with their sub-folders) and files.", own=True, hidden=True)
    ] = []
    validation_fraction: Annotated[
        float,
        setting(
            "Validation fraction",
            "Fraction of the files held out for validation: every n-th by path. A single file is split by time.",
            ge=0.02,
            le=0.5,
            step=0.05,
            share=True,
        ),
    ] = 0.1
    balance: Annotated[
        Literal["seconds", "files", "folders"],
        setting(
            "Balance",
            "What is heard equally often: seconds: each second of sound. files: each file, short or long. folders: "
            "each folder, however many sounds lie in it.",
        ),
    ] = "seconds"
    crop_seconds: Annotated[float | Auto, setting("Crop", "Length of a training crop.", ge=0.1, le=30, unit="s")] = (
        "auto"
    )
    random_gain_db: Annotated[
        float, setting("Random gain", "Each crop is made louder or quieter by up to this much.", ge=0, le=24, unit="dB")
    ] = 6.0
    random_speed: Annotated[
        float,
        setting(
            "Random speed",
            "Each crop is played faster or slower, pitch included, by up to this fraction.",
            ge=0,
            le=0.5,
            step=0.05,
            share=True,
        ),
    ] = 0.15
    mix_probability: Annotated[
        float,
        setting(
            "Mix probability",
            "Fraction of the crops to which another crop is added.",
            ge=0,
            le=1,
            step=0.1,
            share=True,
        ),
    ] = 0.5
    random_polarity: Annotated[bool, setting("Random polarity", "The polarity of half of the crops is inverted.")] = (
        True
    )
