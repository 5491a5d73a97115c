"""The recipe: every setting of a run, declared once.

The command line's flags, the form in the app, the TOML file and the docs all come from these declarations: a field's
type and bounds say what is allowed, `title` is its label, `description` its help, and `extra` holds what only some of
them need (`flag`, `unit`, `step`, `live` for what can be changed while a run trains, `basic` for the short form, `own`
for what belongs to one run, has no default and says nothing of a model, `hidden` for what the form does not show).

A field that may be `"auto"` is chosen from the data and the machine by `recipe.resolve` before a run starts; the keys
that were chosen so are listed in `automatic`, and why some are what they are in `reasons`.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from distill_tui.recipe.quantizers import QUANTIZERS, QuantizerFacts, QuantizerName

Auto = Literal["auto"]
RECIPE_VERSION = 3


def _meta(title: str, description: str, /, ge: float | None = None, le: float | None = None, **extra: Any) -> Meta:
    # the bounds are ours to check (`recipe.fields`): msgspec takes none beside "auto", and stops at the first problem
    return Meta(title=title, description=description, extra={"ge": ge, "le": le, **extra})


TASK_OF_NET = {"convnext": "codec", "conv2d": "codec", "image": "images"}
"""The task (a module of `engine/tasks`) that a net is trained by."""


class Data(Struct, forbid_unknown_fields=True, kw_only=True):
    """The sounds, their split, and augmentation."""

    paths: Annotated[
        list[str], _meta("Sounds", "Folders (walked with their sub-folders) and files.", own=True, hidden=True)
    ] = []
    validation_fraction: Annotated[
        float,
        _meta(
            "Validation fraction",
            "Fraction of the files held out for validation: every n-th by path. A single file is split by time.",
            ge=0.02,
            le=0.5,
            step=0.05,
        ),
    ] = 0.1
    balance: Annotated[
        Literal["seconds", "files", "folders"],
        _meta(
            "Balance",
            "What is heard equally often: seconds: each second of sound. files: each file, short or long. folders: "
            "each folder, however many sounds lie in it.",
        ),
    ] = "seconds"
    crop_seconds: Annotated[float | Auto, _meta("Crop", "Length of a training crop.", ge=0.1, le=30, unit="s")] = "auto"
    random_gain_db: Annotated[
        float, _meta("Random gain", "Each crop is made louder or quieter by up to this much.", ge=0, le=24, unit="dB")
    ] = 6.0
    random_speed: Annotated[
        float,
        _meta(
            "Random speed",
            "Each crop is played faster or slower, pitch included, by up to this fraction.",
            ge=0,
            le=0.5,
            step=0.05,
        ),
    ] = 0.15
    mix_probability: Annotated[
        float, _meta("Mix probability", "Fraction of the crops to which another crop is added.", ge=0, le=1, step=0.1)
    ] = 0.5
    random_polarity: Annotated[bool, _meta("Random polarity", "The polarity of half of the crops is inverted.")] = True


class Model(Struct, forbid_unknown_fields=True, kw_only=True):
    """The net and its quantizer."""

    net: Annotated[
        Literal["convnext", "conv2d", "image"],
        _meta(
            "Net",
            "convnext: log-mel in, ConvNeXt blocks, ISTFT out. conv2d: the classic one, strided convolutions on the "
            "log-mel picture and Griffin-Lim, to compare with. image: for the pictures of the Explorer.",
        ),
    ] = "convnext"
    quantizer: Annotated[
        QuantizerName,
        _meta(
            "Quantizer",
            "rvq_ema: residual VQ, codes are moving averages of what is assigned to them. rvq_gradient: codes learn by "
            "the gradient of a loss. residual_vq, residual_fsq: those of vector-quantize-pytorch, the latter with "
            "codes on a fixed grid. vae: continuous latents, to see what quantizing costs.",
        ),
    ] = "rvq_ema"
    sample_rate: Annotated[
        int | Auto,
        _meta("Sample rate", "The model's own rate; sounds are resampled to it.", ge=4000, le=192000, unit="Hz"),
    ] = "auto"
    n_fft: Annotated[
        int | Auto,
        _meta(
            "FFT size",
            "Samples in a frame of the spectrogram (n_fft). Automatic: shorter for attacks than for tones.",
            ge=64,
            le=16384,
            unit="samples",
        ),
    ] = "auto"
    hop_length: Annotated[
        int | Auto, _meta("Hop length", "Samples from one frame to the next.", ge=16, le=8192, unit="samples")
    ] = "auto"
    n_mels: Annotated[
        int | Auto, _meta("Mel bands", "Bands of the log-mel spectrogram at the net's input.", ge=8, le=512)
    ] = "auto"
    stride: Annotated[
        int | Auto, _meta("Latent stride", "Spectrogram frames that share one code per level.", ge=1, le=64)
    ] = "auto"
    channels: Annotated[
        int | Auto,
        _meta(
            "Channels",
            "Width of the ConvNeXt blocks. Automatic: by the steps that the budget has room for, and the sound.",
            ge=8,
            le=4096,
            step=64,
        ),
    ] = "auto"
    encoder_blocks: Annotated[
        int | Auto, _meta("Encoder blocks", "ConvNeXt blocks before the quantizer.", ge=1, le=64)
    ] = "auto"
    decoder_blocks: Annotated[
        int | Auto, _meta("Decoder blocks", "ConvNeXt blocks after the quantizer.", ge=1, le=64)
    ] = "auto"
    noise_bands: Annotated[
        int,
        _meta(
            "Noise bands",
            "Bands whose noisiness the decoder says, to make noise where there is noise (net convnext). 0: none, "
            "and noise comes out as a buzz.",
            ge=0,
            le=128,
        ),
    ] = 16
    gains_per_frame: Annotated[
        int,
        _meta(
            "Gains a frame",
            "Gains in a latent frame that the decoder shapes attacks with (net convnext). 0: none.",
            ge=0,
            le=256,
        ),
    ] = 16
    loudness_scale: Annotated[
        float | Auto,
        _meta(
            "Loudness scale",
            "How finely the codes tell the loudness of a frame (net convnext). 0: not by itself, and much comes out "
            "too quiet. Automatic: 2 with residual VQ; the other quantizers would bend it.",
            ge=0,
            le=100,
            step=0.5,
        ),
    ] = "auto"
    latent_dim: Annotated[int, _meta("Latent size", "Dimensions of a latent vector.", ge=1, le=2048)] = 64
    rvq_levels: Annotated[
        int,
        _meta(
            "RVQ levels",
            "Fewer levels = faster, more levels = finer detail.",
            ge=2,
            le=8,
            flag="--rvq-levels",
            step=1,
            basic=True,
        ),
    ] = 3
    codebook_size: Annotated[
        int | Auto,
        _meta(
            "Codebook size",
            "Codes per level. Automatic: the largest power of two with enough latent frames a code.",
            ge=2,
            le=65536,
            flag="--codebook-size",
        ),
    ] = "auto"
    dropout: Annotated[
        float, _meta("Dropout", "Fraction of activations dropped in training.", ge=0, le=0.9, step=0.05)
    ] = 0.0

    @property
    def quantizer_facts(self) -> QuantizerFacts:
        """What follows from the kind of quantizer."""
        return QUANTIZERS[self.quantizer]


class Loss(Struct, forbid_unknown_fields=True, kw_only=True):
    """Weights of the losses."""

    mel_weight: Annotated[
        float, _meta("Mel weight", "Weight of the multi-scale log-mel distance.", ge=0, le=100, live=True, step=0.1)
    ] = 1.0
    stft_weight: Annotated[
        float, _meta("STFT weight", "Weight of the multi-scale STFT distance.", ge=0, le=100, live=True, step=0.1)
    ] = 0.05
    scales: Annotated[
        int,
        _meta(
            "STFT scales",
            "How many of the five window sizes of the mel and STFT losses are sampled per step. Fewer = faster steps.",
            ge=1,
            le=5,
        ),
    ] = 2
    noise_weight: Annotated[
        float,
        _meta(
            "Noise weight", "Weight of the noisiness of bands (net convnext, with noise bands).", ge=0, le=10, step=0.05
        ),
    ] = 0.1
    repetition_weight: Annotated[
        float,
        _meta(
            "Repetition weight",
            "Weight of noise that repeats itself (net convnext, with noise bands).",
            ge=0,
            le=10,
            step=0.05,
        ),
    ] = 0.1
    loudness_weight: Annotated[
        float,
        _meta(
            "Loudness weight",
            "Weight of the loudness that the net gives a sound before the codes' own is imposed (net convnext).",
            ge=0,
            le=10,
            step=0.01,
        ),
    ] = 0.02
    commitment_weight: Annotated[
        float,
        _meta(
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
        _meta(
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
        _meta(
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
        _meta("Free bits", "KL of a latent dimension that costs nothing (quantizer vae).", ge=0, le=10, unit="nats"),
    ] = 0.05
    adversarial_weight: Annotated[
        float,
        _meta(
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
        _meta(
            "Feature weight",
            "Weight of the distance of the discriminator's features in the adversarial part (feature matching).",
            ge=0,
            le=100,
            live=True,
            step=0.05,
        ),
    ] = 1.0


class Train(Struct, forbid_unknown_fields=True, kw_only=True):
    """Schedule, optimiser, checkpoints and device."""

    epochs: Annotated[
        int,
        _meta(
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
        _meta(
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
        _meta(
            "Steps per epoch",
            "Steps from one validation to the next. Automatic: one pass over the sounds, but as many at least that "
            "validation takes 5 % of the time, and about a minute at most.",
            ge=1,
            le=1_000_000,
        ),
    ] = "auto"
    batch_size: Annotated[
        int | Auto,
        _meta(
            "Batch size",
            "Crops per step. Automatic: 8 on a CPU, 32 on a GPU, 64 there for long trainings on much sound.",
            ge=1,
            le=4096,
        ),
    ] = "auto"
    learning_rate: Annotated[
        float,
        _meta(
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
        float, _meta("Warm-up", "Fraction of the training in which the learning rate rises.", ge=0, le=0.5)
    ] = 0.03
    min_lr_ratio: Annotated[
        float, _meta("Final rate", "Learning rate at the end, as a fraction of the peak.", ge=0, le=1)
    ] = 0.02
    quantizer_warmup_fraction: Annotated[
        float,
        _meta("Quantizer warm-up", "Fraction of the training before k-means initialises the codebooks.", ge=0, le=0.5),
    ] = 0.15
    kl_annealing_fraction: Annotated[
        float,
        _meta(
            "KL annealing", "Fraction of the training in which the KL weight rises from 0 (quantizer vae).", ge=0, le=1
        ),
    ] = 0.25
    adversarial_fraction: Annotated[
        float,
        _meta(
            "Adversarial part",
            "Last fraction of the training in which a discriminator judges the decoder, while encoder and codebooks "
            "stay as they are. For hours of GPU. 0: none.",
            ge=0,
            le=0.5,
            step=0.05,
        ),
    ] = 0.0
    weight_decay: Annotated[float, _meta("Weight decay", "Weight decay of AdamW.", ge=0, le=1)] = 0.01
    max_grad_norm: Annotated[float, _meta("Gradient clipping", "Maximum norm of the gradient.", ge=0.001, le=1000)] = (
        1.0
    )
    ema_decay: Annotated[
        float,
        _meta(
            "EMA decay",
            "Decay of the moving average of the weights, which is validated and saved. 0: no average.",
            ge=0,
            le=0.99999,
        ),
    ] = 0.999
    codebook_ema_decay: Annotated[
        float,
        _meta(
            "Codebook EMA decay",
            "Decay of the moving average of the codes; lower it for little data.",
            ge=0.5,
            le=0.9999,
        ),
    ] = 0.97
    dead_code_threshold: Annotated[
        float,
        _meta(
            "Dead-code threshold",
            "A code used less than this fraction of an even share of the batch is replaced.",
            ge=0,
            le=0.9,
        ),
    ] = 0.1
    quantizer_dropout: Annotated[
        float,
        _meta(
            "Quantizer dropout",
            "Fraction of the steps that use the first levels only, so that these decode on their own.",
            ge=0,
            le=1,
        ),
    ] = 0.1
    patience: Annotated[
        int, _meta("Patience", "Stop after this many epochs without improvement. 0: never.", ge=0, le=100_000)
    ] = 0
    preview_every: Annotated[
        int, _meta("Preview every", "Epochs between previews. 0: only at the end.", ge=0, le=100_000)
    ] = 10
    previews: Annotated[int, _meta("Previews", "Sounds in a preview.", ge=1, le=16)] = 4
    map_seconds: Annotated[
        float, _meta("Map every", "Time between maps of the codebooks (net image).", ge=0.1, le=3600, unit="s")
    ] = 0.5
    checkpoint_minutes: Annotated[
        float, _meta("Checkpoint every", "Minutes between checkpoints.", ge=0, le=1440, unit="min")
    ] = 2.0
    device: Annotated[
        str,
        _meta(
            "Device",
            "auto, cpu, cuda, cuda:1, ... or mps; cuda:0,1 for both at once.",
            flag="--device",
            pattern=r"auto|cpu|mps|cuda(:\d+(,\d+)*)?",
        ),
    ] = "auto"
    devices: Annotated[
        str,
        _meta(
            "Devices",
            "N (the GPUs with the most free memory), all, or a list as 0,1: one training on several GPUs at once; with "
            "device cpu in N processes. Empty: on one.",
            flag="--devices",
            metavar="N|all|LIST",
            pattern=r"|all|[1-9]\d*|\d+(,\d+)+",
        ),
    ] = ""
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"], _meta("Precision", "bfloat16 autocast where the device is fast at it.")
    ] = "auto"
    compile: Annotated[
        Literal["auto", "on", "off"],
        _meta(
            "Compile",
            "Encoder and decoder compiled by torch: takes about a minute at the start, then steps are faster. "
            "Automatic: on NVIDIA GPUs for trainings of ten minutes or more, and kept only if it pays.",
        ),
    ] = "auto"
    capture: Annotated[
        bool,
        _meta(
            "Capture",
            "On NVIDIA GPUs a training step is captured as one CUDA graph, which keeps the GPU busy. Off: its "
            "operations are launched one by one, for the same result.",
        ),
    ] = True
    deterministic: Annotated[
        bool,
        _meta(
            "Deterministic",
            "Operations that add in a fixed order, also where that is slower: on a GPU, the same seed then gives the "
            "same result, bit for bit. On a CPU it does anyway.",
        ),
    ] = False
    seed: Annotated[
        int,
        _meta(
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
        _meta(
            "Start from",
            "A model whose weights and codebooks to fine-tune. Empty: from scratch.",
            flag="--start-from",
            metavar="M",
            own=True,
        ),
    ] = ""


class Prior(Struct, forbid_unknown_fields=True, kw_only=True):
    """A generator's prior; without a net the recipe is of a codec or of pictures.

    In the recipe of a prior, `model` describes the frozen codec whose codes it learns.
    """

    net: Annotated[
        Literal["", "gru", "transformer"],
        _meta(
            "Prior",
            "The net of a prior: gru learns fastest from little sound; transformer: rotary attention over the last "
            "crop. Empty: no prior.",
            hidden=True,
        ),
    ] = ""
    codec: Annotated[
        str,
        _meta("Codec", "The codec whose codes the prior learns.", metavar="M", own=True, hidden=True),
    ] = ""
    codec_name: Annotated[str, _meta("Codec name", "What the codec was called.", own=True, hidden=True)] = ""
    labels: Annotated[
        list[str],
        _meta("Labels", "Kinds of sound that can be asked for: the folders of the sounds.", own=True, hidden=True),
    ] = []
    width: Annotated[
        int | Auto,
        _meta("Width", "Width of the prior. Automatic: by the amount of sound.", ge=8, le=4096, hidden=True),
    ] = "auto"
    layers: Annotated[
        int | Auto,
        _meta("Layers", "Layers of the prior. Automatic: by the amount of sound.", ge=1, le=64, hidden=True),
    ] = "auto"
    heads: Annotated[int, _meta("Heads", "Heads of attention (prior transformer).", ge=1, le=64, hidden=True)] = 4
    dropout: Annotated[
        float, _meta("Dropout", "Fraction of the prior's activations dropped in training.", ge=0, le=0.9, hidden=True)
    ] = 0.2
    crop_frames: Annotated[
        int,
        _meta(
            "Crop", "Latent frames of a training crop, and what attention looks back to.", ge=2, le=4096, hidden=True
        ),
    ] = 64
    begin_fraction: Annotated[
        float, _meta("Begins", "Fraction of the crops that begin where a sound begins.", ge=0, le=1, hidden=True)
    ] = 0.5
    versions: Annotated[
        int,
        _meta(
            "Versions",
            "Versions of each sound, changed in speed, gain and time before the codec, that are drawn from at a time. "
            "They are replaced by others as the training goes on. 0: the sounds as they are.",
            ge=0,
            le=1000,
            hidden=True,
        ),
    ] = 12
    corruption: Annotated[
        float, _meta("Corruption", "Fraction of the input codes replaced by others.", ge=0, le=0.9, hidden=True)
    ] = 0.08
    near_weight: Annotated[
        float,
        _meta("Near codes", "Part of the target's weight on codes near the right one.", ge=0, le=0.9, hidden=True),
    ] = 0.2
    label_dropout: Annotated[
        float, _meta("Label dropout", "Fraction of the crops whose label is left out.", ge=0, le=1, hidden=True)
    ] = 0.2


class Recipe(Struct, forbid_unknown_fields=True, kw_only=True):
    """The complete settings of a run."""

    version: Annotated[int, _meta("Recipe version", "Version of the recipe's format.", ge=1, own=True, hidden=True)] = (
        RECIPE_VERSION
    )
    name: Annotated[
        str, _meta("Name", "Name of the run and its model. Empty: after the data.", flag="--name", basic=True, own=True)
    ] = ""
    preset: Annotated[
        Literal["conservative", "balanced", "aggressive", "faithful"],
        _meta("Preset", "How strongly to regularise, and how long to train.", flag="--preset", basic=True),
    ] = "balanced"
    automatic: Annotated[
        list[str], _meta("Automatic", "Keys whose values were chosen from the data.", own=True, hidden=True)
    ] = []
    reasons: Annotated[
        list[str],
        _meta("Reasons", "Why automatic values are what they are, as `key: text`.", own=True, hidden=True),
    ] = []
    data: Data = field(default_factory=Data)
    model: Model = field(default_factory=Model)
    loss: Loss = field(default_factory=Loss)
    train: Train = field(default_factory=Train)
    prior: Prior = field(default_factory=Prior)

    @property
    def task(self) -> str:
        """The task that the recipe is for: `codec`, `images` or `prior`."""
        return "prior" if self.prior.net else TASK_OF_NET[self.model.net]
