"""Files that are no codes, or codes that no sound can have."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_tui.engine.inference.codes_file import Codes
from distill_tui.errors import RequestError


def codes(**changes: Any) -> Codes:
    facts = {"model_id": "a", "weights_sha256": "b", "rate": 8000, "source_rate": 8000, "length": 100}
    return Codes(**{"codes": np.zeros((1, 4, 2), np.int16), **facts, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"codes": np.zeros((70_000, 1, 1), np.int16)},
        {"source_rate": 2**31},
        {"rate": -1},
        {"length": 2**62},
        {"subtype": "MP3"},
        {"model_id": 3},
    ],
    ids=repr,
)
def test_codes_that_no_sound_can_have_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = tmp_path / "codes.npz"
    codes().save(path)
    assert Codes.load(path).length == 100
    codes(**changes).save(path)
    with pytest.raises(RequestError, match="its parts do not go together"):
        Codes.load(path)


def test_what_is_no_file_of_codes_is_refused_at_once_and_without_advice_to_unpickle_it(tmp_path: Path) -> None:
    pipe, text = tmp_path / "pipe", tmp_path / "text"
    os.mkfifo(pipe)
    text.write_text("hello")
    began = time.process_time()
    for path in (pipe, text, tmp_path, Path("/dev/zero")):
        with pytest.raises(RequestError) as caught:
            Codes.load(path)
        assert "pickle" not in str(caught.value)
    assert time.process_time() - began < 5
