"""From a folder of sounds to a model by keys only: the real app in a terminal, and a real worker."""

from pathlib import Path

import pytest
import tomli_w

from distill_tui.paths import Home
from tests.programs import TINY, Terminal, ended_at_last, few_sounds

pytestmark = [pytest.mark.slow, pytest.mark.terminal]


def test_keys_alone_lead_from_a_folder_to_a_model(home: Home, tmp_path: Path) -> None:
    sounds = few_sounds(tmp_path / "tones [b]")
    home.root.mkdir(parents=True, exist_ok=True)
    home.settings.write_text(tomli_w.dumps({"defaults": TINY}))
    with ended_at_last(home):
        terminal = Terminal("--home", str(home.root), COLUMNS="80", LINES="24", COLORTERM="")
        # the form is there, too
        terminal.read_until("Commitment weight")
        terminal.type("\r")
        terminal.read_until("Type the path of a folder")
        terminal.type(f"{sounds}/\r")
        terminal.read_until("5 sounds")
        terminal.read_until("kHz,")
        terminal.type("\x13")
        terminal.read_until(": finished\x07")
        terminal.read_until("press 3")
        terminal.type("3")
        terminal.read_until("1 model")
        terminal.type("q")
        assert terminal.wait() == 0
    assert [path.name for path in home.models.glob("*.distill")]
