"""Settings of the training."""

from typing import Annotated, Literal

from msgspec import Struct

from distill_tui.recipe.sections.declare import Auto, setting


class Train(Struct, forbid_unknown_fields=True, kw_only=True):
    """Schedule, optimiser, checkpoints and device."""

    epochs: Annotated[
        int,
        setting(
            "Epochs",
            "Rounds of training; each ends with a validation.",
            ge=1,
            le=1_000_000,
            flag="--epochs",
            step=10,
            basic=True,
        ),
    ] = 100
    minutes: Annotated[
        float,
        setting(
            "Minutes",
            "A time budget that ends the schedule in place of a number of epochs. 0: none.",
            ge=0,
            le=100_000,
            unit="min",
            flag="--minutes",
            basic=True,
        ),
    ] = 0.0
    steps_per_epoch: Annotated[
        int | Auto,
        setting(
            "Steps per epoch",
            "Steps from one validation to the next. Automatic: one pass over the sounds, but as many at least that "
            "validation takes 5 % of the time, and about a minute at most.",
            ge=1,
            le=1_000_000,
        ),
    ] = "auto"
    batch_size: Annotated[
        int | Auto,
        setting(
            "Batch size",
            "Crops per step. Automatic: 8 on a CPU, 32 on a GPU, 64 there for long trainings on much sound.",
            ge=1,
            le=4096,
        ),
    ] = "auto"
    learning_rate: Annotated[
        float,
        setting(
            "Learning rate",
            "Peak learning rate, after the warm-up; it then decays along a cosine.",
            ge=1e-7,
            le=1.0,
            flag="--learning-rate",
            live=True,
            basic=True,
            factor=1.25,
        ),
    ] = 1e-3
    warmup_fraction: Annotated[
        float, setting("Warm-up", "Fraction of the training in which the learning rate rises.", ge=0, le=0.5)
    ] = 0.03
    min_lr_ratio: Annotated[
        float, setting("Final rate", "Learning rate at the end, as a fraction of the peak.", ge=0, le=1)
    ] = 0.02
    quantizer_warmup_fraction: Annotated[
        float,
        setting(
            "Quantizer warm-up", "Fraction of the training before k-means initialises the codebooks.", ge=0, le=0.5
        ),
    ] = 0.15
    kl_annealing_fraction: Annotated[
        float,
        setting(
            "KL annealing", "Fraction of the training in which the KL weight rises from 0 (quantizer vae).", ge=0, le=1
        ),
    ] = 0.25
    adversarial_fraction: Annotated[
        float,
        setting(
            "Adversarial part",
            "Last fraction of the training in which a discriminator judges the decoder, while encoder and codebooks "
            "stay as they are. For hours of GPU. 0: none.",
            ge=0,
            le=0.5,
            step=0.05,
        ),
    ] = 0.0
    weight_decay: Annotated[float, setting("Weight decay", "Weight decay of AdamW.", ge=0, le=1)] = 0.01
    max_grad_norm: Annotated[
        float, setting("Gradient clipping", "Maximum norm of the gradient.", ge=0.001, le=1000)
    ] = 1.0
    ema_decay: Annotated[
        float,
        setting(
            "EMA decay",
            "Decay of the moving average of the weights, which is validated and saved. 0: no average.",
            ge=0,
            le=0.99999,
        ),
    ] = 0.999
    codebook_ema_decay: Annotated[
        float,
        setting(
            "Codebook EMA decay",
            "Decay of the moving average of the codes; lower it for little data.",
            ge=0.5,
            le=0.9999,
        ),
    ] = 0.97
    dead_code_threshold: Annotated[
        float,
        setting(
            "Dead-code threshold",
            "A code used less than this fraction of an even share of the batch is replaced.",
            ge=0,
            le=0.9,
        ),
    ] = 0.1
    quantizer_dropout: Annotated[
        float,
        setting(
            "Quantizer dropout",
            "Fraction of the steps that use the first levels only, so that these decode on their own.",
            ge=0,
            le=1,
        ),
    ] = 0.1
    patience: Annotated[
        int, setting("Patience", "Stop after this many epochs without improvement. 0: never.", ge=0, le=100_000)
    ] = 0
    preview_every: Annotated[
        int,
        setting(
            "Preview every",
            "Epochs between previews. 0: by time, after 1, 2, 4, 8, ... minutes of training, and at the end.",
            ge=0,
            le=100_000,
        ),
    ] = 0
    previews: Annotated[
        int, setting("Previews", "Sounds in a preview, of each sub-folder first, and none twice.", ge=1, le=16)
    ] = 4
    map_seconds: Annotated[
        float, setting("Map every", "Time between maps of the codebooks (net image).", ge=0.1, le=3600, unit="s")
    ] = 0.5
    checkpoint_minutes: Annotated[
        float, setting("Checkpoint every", "Minutes between checkpoints.", ge=0, le=1440, unit="min")
    ] = 2.0
    device: Annotated[
        str,
        setting(
            "Device",
            "auto, cpu, cuda, cuda:1, ... or mps; cuda:0,1 for both at once.",
            flag="--device",
            pattern=r"auto|cpu|mps|cuda(:\d+(,\d+)*)?",
        ),
    ] = "auto"
    devices: Annotated[
        str,
        setting(
            "Devices",
            "N (the GPUs with the most free memory), all, or a list as 0,1: one training on several GPUs at once; with "
            "device cpu in N processes. Empty: on one.",
            flag="--devices",
            metavar="N|all|LIST",
            pattern=r"|all|[1-9]\d*|\d+(,\d+)+",
        ),
    ] = ""
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"],
        setting("Precision", "bfloat16 autocast where the device is fast at it."),
    ] = "auto"
    compile: Annotated[
        Literal["auto", "on", "off"],
        setting(
            "Compile",
            "Encoder and decoder compiled by torch: takes about a minute at the start, then steps are faster. "
            "Automatic: on NVIDIA GPUs for trainings of ten minutes or more, and kept only if it pays.",
        ),
    ] = "auto"
    capture: Annotated[
        bool,
        setting(
            "Capture",
            "On NVIDIA GPUs a training step is captured as one CUDA graph, which keeps the GPU busy. Off: its "
            "operations are launched one by one, for the same result.",
        ),
    ] = True
    deterministic: Annotated[
        bool,
        setting(
            "Deterministic",
            "Operations that add in a fixed order, also where that is slower: on a GPU, the same seed then gives the "
            "same result, bit for bit. On a CPU it does anyway.",
        ),
    ] = False
    seed: Annotated[
        int,
        setting(
            "Seed",
            "The same seed on the same machine gives the same result.",
            ge=0,
            le=2**31 - 1,
            flag="--seed",
            step=1,
        ),
    ] = 0
    start_from: Annotated[
        str,
        setting(
            "Start from",
            "A model whose weights and codebooks to fine-tune. Empty: from scratch.",
            flag="--start-from",
            metavar="M",
            own=True,
        ),
    ] = ""
