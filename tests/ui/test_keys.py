"""One key, one meaning, on every screen: a new binding takes its key from this table, or adds one."""

import pytest

from distill_tui.ui.dialogs.base import Dialog
from distill_tui.ui.settings_check import actions

GRAMMAR: dict[str, tuple[str, ...]] = {
    "1 2 3 4 5 6": (
        "a screen",
        "app.config",
        "app.training",
        "app.library",
        "app.explorer",
        "config.pictures",
        "app.generate",
        "app.runs-screen",
    ),
    "question_mark": ("help", "app.help"),
    "slash": ("filter", "library.filter", "config.filter", "runs.filter"),
    "q": ("quit", "app.quit"),
    "space": (
        "act on what is chosen: pause, mark, keep",
        "training.pause",
        "training.unpause",
        "training.resume",
        "library.mark",
        "runs.mark",
        "generate.keep",
        "choice.next",
    ),
    "a": ("warnings were seen", "training.seen"),
    "b": ("blind test", "previews.blind"),
    "c S": ("stop", "training.stop", "generate.cancel", "runs.stop"),
    "d": ("demo", "demo.start"),
    "e": ("edit the name, note and tags", "library.rename", "runs.edit"),
    "f": ("where the files are", "previews.fetch", "explorer.fetch", "generate.fetch"),
    "g": ("generate", "library.generate", "generate.make"),
    "h": ("smooth", "chart.smooth"),
    "i": ("import", "library.import"),
    "j": ("next quantity on the axis", "chart.along", "codebooks.measure", "explorer.dead"),
    "k": ("checkpoint", "training.checkpoint", "explorer.renew"),
    "l": ("levels", "explorer.level", "previews.levels"),
    "m": ("measure", "compare.measure", "library.measure"),
    "n": ("new", "library.begin", "explorer.new", "generate.new-set", "runs.new"),
    "o": ("original", "previews.original", "generate.nearest", "library.original"),
    "p": ("preview", "training.preview"),
    "r": ("look at another run or set", "app.runs", "explorer.look", "generate.sets"),
    "s": ("sort", "library.sort", "runs.sort", "codebooks.sort"),
    "t": ("fine-tune", "library.continue"),
    "u": ("undo", "training.undo", "generate.undo"),
    "v": ("next view", "training.view", "explorer.view", "generate.view"),
    "w": ("watch the run", "library.watch", "runs.watch", "explorer.training"),
    "x": ("delete", "library.delete", "runs.delete", "generate.throw"),
    "y": ("copy", "app.copy", "generate.copy"),
    "z": ("loss scale", "chart.scale", "explorer.scale"),
    "A": ("again", "generate.more"),
    "B": ("begin from this", "generate.source"),
    "C": ("curves", "chart.curves"),
    "E": ("export", "library.export", "generate.export"),
    "K": ("check the file", "library.verify"),
    "L": ("log of the worker", "training.log"),
    "N": ("new weights", "explorer.reset"),
    "O": ("loop", "generate.loop"),
    "P": ("points", "explorer.points"),
    "R": ("resume", "library.go-on", "runs.resume"),
    "T": ("train a prior", "library.prior"),
    "U": ("use", "library.use"),
    "V": ("vary", "generate.vary"),
    "W": ("listening page", "app.listen"),
    "X": ("trash", "library.trash", "runs.trash"),
    "equals_sign": ("compare", "library.compare", "runs.compare", "chart.others"),
    "plus": ("zoom in", "chart.in"),
    "minus": ("zoom out", "chart.out"),
    "comma": ("earlier", "chart.earlier"),
    "full_stop": ("later, next", "chart.later", "explorer.place"),
    "0": ("whole", "chart.whole"),
    "greater_than_sign": ("extend", "generate.extend"),
}
"""Keys, what they mean everywhere, and the ids of the actions that mean it; settings.toml calls these so too.

Dialogs answer with keys of their own (y, n, enter, escape); arrows, tab, enter and escape move, open and go back.
`c`, the key of Stop in earlier versions, still stops and means nothing else.
"""
SIGNS = {"question_mark", "slash", "space", "equals_sign", "plus", "minus", "comma", "full_stop", "greater_than_sign"}


def test_a_key_means_one_thing_on_every_screen() -> None:
    of_key = {key: ids for keys, (_, *ids) in GRAMMAR.items() for key in keys.split()}
    wrong = []
    for id, action in actions().items():
        if all(issubclass(owner, Dialog) for owner in action.owners):
            continue
        wrong += [
            f"{key} is bound to {id}, but means {of_key.get(key, 'nothing yet')}"
            for key in action.keys
            if (len(key) == 1 or key in SIGNS) and id not in of_key.get(key, ())
        ]
    assert wrong == []


def test_every_key_of_the_table_is_bound() -> None:
    known = actions()
    assert [id for _, *ids in GRAMMAR.values() for id in ids if id not in known] == []


@pytest.mark.parametrize("key", ["c", "k", "p", "u", "space"])
def test_keys_that_scripts_rely_on_are_still_there(key: str) -> None:
    found = {
        id
        for id, action in actions().items()
        if key in action.keys
        and id.startswith(
            "training.",
        )
    }
    assert found
