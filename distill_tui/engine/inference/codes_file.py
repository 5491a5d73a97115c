"""A file of codes: an `.npz` archive of the codes of one sound, and what it takes to decode them."""

import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from distill_tui.data.audio_io import SAMPLE_BYTES
from distill_tui.errors import RequestError
from distill_tui.files import atomic_write
from distill_tui.foreign import open_regular
from distill_tui.text import printable

CODES_FORMAT = "distill_codes"
MOST_BYTES = 1 << 32
MOST_CHANNELS, MOST_RATE, MOST_LENGTH = 1024, 10_000_000, 1 << 40
"""libsndfile writes no more channels; no sound has such a rate or such a length."""


class Codes(msgspec.Struct, kw_only=True):
    """The codes of a sound, and what it takes to decode them to a file of the same length, rate and channels.

    `codes` are whole numbers [channels, frames, levels]; of a model without codebooks latents, float32
    [channels, frames, latent_dim]. `rate` is the model's, `source_rate` the sound's, in Hz; `length` is in samples of a
    channel at the sound's rate. `subtype` is how samples are written: PCM_16, PCM_24 or FLOAT. `note` tells what was
    odd about the sound, such as that it breaks off.
    """

    codes: NDArray[np.integer[Any]] | NDArray[np.float32]
    model_id: str
    weights_sha256: str
    rate: int
    source_rate: int
    length: int
    subtype: str = "PCM_16"
    note: str = ""

    def save(self, path: Path) -> None:
        """Write an `.npz` file, atomically. Nothing in it is pickled."""
        facts: dict[str, Any] = {
            name: np.array(getattr(self, name)) for name in self.__struct_fields__ if name != "codes"
        }
        # in memory first, which they fit in: a ZIP file that cannot be written to its end raises what it likes
        packed = io.BytesIO()
        np.savez_compressed(packed, format=np.array(CODES_FORMAT), codes=self.codes, **facts)
        atomic_write(path, packed.getvalue(), shared=True)

    @classmethod
    def load(cls, path: Path) -> "Codes":
        """Read a file that `save` wrote; nothing in it is run.

        Raises:
            RequestError: it is not such a file.
        """
        name = printable(str(path))
        try:
            # opened here: numpy would leave a damaged file open, and a file that is no archive is a pickle to it
            with open_regular(path) as handle, zipfile.ZipFile(handle) as archive, np.load(handle) as file:
                if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                    raise ValueError(f"it claims more than {MOST_BYTES >> 30} GB")
                if str(file["format"]) != CODES_FORMAT:
                    raise ValueError("not codes of distill-tui")
                facts = {f.name: file[f.name].item() for f in msgspec.structs.fields(cls) if f.name != "codes"}
                codes = cls(codes=file["codes"], **facts)
        except FileNotFoundError:
            raise RequestError(f"{name}: no such file") from None
        except OSError as error:
            raise RequestError(f"{name}: cannot be read: {(error.strerror or str(error)).lower()}") from None
        except Exception:  # noqa: BLE001 - numpy and zipfile raise whatever a damaged file leads to
            # their words are left out: numpy's may advise to load the file in a way that runs what is in it
            raise RequestError(
                f"{name}: not a file of codes, or a damaged one", "Such files are made by: distill-tui encode"
            ) from None
        codes.check(name)
        return codes

    def check(self, name: str) -> None:
        """Check that the fields go together.

        Raises:
            RequestError: they do not.
        """
        codes = self.codes
        most = (MOST_RATE, MOST_RATE, MOST_LENGTH)
        whole = all(
            type(n) is int and 0 < n <= m for n, m in zip((self.rate, self.source_rate, self.length), most, strict=True)
        )
        texts = all(type(text) is str for text in (self.model_id, self.weights_sha256, self.note))
        numbers = codes.dtype.kind == "i" or (codes.dtype == np.float32 and np.isfinite(codes).all())
        good = whole and texts and numbers and codes.ndim == 3 and 0 not in codes.shape and self.subtype in SAMPLE_BYTES
        if not good or codes.shape[0] > MOST_CHANNELS:
            raise RequestError(f"{name}: not a file of codes: its parts do not go together")
