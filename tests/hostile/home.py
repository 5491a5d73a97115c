"""A home with one of everything that the program reads, made once and copied for each case."""

import os
from dataclasses import dataclass
from pathlib import Path

from distill_tui.cli.main import run as main
from distill_tui.data.corpus import Corpus
from distill_tui.paths import Home
from distill_tui.reporting.run_list import RunList
from distill_tui.runs import events as e
from distill_tui.runs.folder import RunFolder
from tests.ui import explored, recorded

SETTINGS = """theme = "mine"
on_finish = ""

[folders]
data = "~/sounds"

[keys]
"app.library" = "l"

[defaults]
rvq_levels = 4
train.device = "cpu"
"""
THEME = """dark = true
[colors]
primary = "#5fafaf"
background = "#121212"
[variables]
dim = "#8a8a8a"
"""


@dataclass(frozen=True)
class Place:
    """A home and what lies beside it."""

    root: Path

    @property
    def home(self) -> Home:
        return Home(self.root / "home")

    @property
    def codes(self) -> Path:
        return self.root / "codes.npz"

    @property
    def sounds(self) -> Path:
        return self.root / "sounds"

    @property
    def pictures(self) -> Path:
        return self.root / "mnist"

    @property
    def recipe(self) -> Path:
        return self.root / "recipe.toml"

    @property
    def trained(self) -> RunFolder:
        return next(RunFolder(path) for path in self.home.runs.iterdir() if path.name.endswith("-tones"))

    @property
    def recorded(self) -> RunFolder:
        return next(RunFolder(path) for path in self.home.runs.iterdir() if path.name.endswith("-drums"))

    @property
    def explored(self) -> RunFolder:
        return next(RunFolder(path) for path in self.home.runs.iterdir() if path.name.endswith("-figures"))


def make(root: Path) -> Place:
    """A trained run, its model and checkpoints, a stopped run, an Explorer run, sounds, codes, pictures, settings."""
    from distill_tui.engine.job import save_model
    from tests.data.test_images import put as put_pictures
    from tests.engine.support import make_run, make_trainer, tones

    place = Place(root)
    home = place.home
    tones(place.sounds)
    run = make_run(home, place.sounds, name="tones", train__epochs=2)
    trainer = make_trainer(home, run)
    trainer.log.write(e.Started(run=run.id, name="tones", pid=os.getpid(), program="0"))
    assert trainer.run()
    trainer.save_checkpoint()
    model = save_model(home, trainer, Corpus.load(run.sounds), finished=True)
    trainer.log.write(e.Stopped(step=8, epoch=2, seconds=1.0, model=model.name, model_id=model.id, path=model.path))
    recorded.stopped(home)
    explored.running(home)
    put_pictures(place.pictures, "train", 120)
    place.recipe.write_bytes(run.recipe.read_bytes())
    home.settings.write_text(SETTINGS)
    (home.root / "themes").mkdir()
    (home.root / "themes" / "mine.toml").write_text(THEME)
    for notes in (run.annotations, place.recorded.annotations):
        notes.write_text('{"name":"kicks","note":"too dry","tags":["dry","v2"]}')
    (run.path / "seen.json").write_text('{"warnings": 3}')
    run.control.write_text('{"wanted":"running","knobs":{"train.learning_rate":0.001},"checkpoint":1,"preview":0}')
    run.worker_log.write_text("a line\n")
    run.lock.write_text('{"pid": 1, "started": 1.0}')
    arguments = ["--home", str(home.root)]
    assert main(["encode", "tones", str(place.sounds / "tone-0.wav"), "--out", str(place.codes), *arguments]) == 0
    assert main(["models", "list", *arguments]) == 0
    assert main(["models", "note", "tones", "loud", *arguments]) == 0
    listed = RunList(home)
    listed.find([run])
    listed.look(run)
    listed.save([run])
    assert main(["data", str(place.sounds), *arguments]) == 0
    return place
