"""settings.toml: what is good in it is used, what is wrong is told with its line, and nothing else in it is touched."""

import re
from pathlib import Path

import pytest

from distill_tui.cli.commands.doctor.example import EXAMPLE
from distill_tui.cli.main import run as main
from distill_tui.paths import Home, find_home
from distill_tui.recipe.presets import PRESETS, layered
from distill_tui.settings import TABLES, TEXTS, Settings, keep_theme, line_of, read_settings
from distill_tui.ui.app import DistillApp
from distill_tui.ui.screens.config.form import RecipeForm
from distill_tui.ui.settings_check import all_problems, is_key
from tests.ui.conftest import until

GOOD = """
# mine
theme = "ansi"
on_finish = 'echo "$DISTILL_NAME"'

[folders]
data = "sounds"
models = "/big/models"

[keys]
"app.library" = "l"

[defaults]
preset = "conservative"
rvq_levels = 4
train.minutes = 30

[defaults.loss]
commitment_weight = 0.5
"""


def write(home: Home, text: str) -> Settings:
    home.root.mkdir(parents=True, exist_ok=True)
    home.settings.write_text(text)
    return read_settings(home)


def test_a_good_file(home: Home) -> None:
    assert read_settings(home) == Settings()
    found = write(home, GOOD)
    assert not found.problems
    assert (found.theme, found.on_finish, found.keys) == ("ansi", 'echo "$DISTILL_NAME"', {"app.library": "l"})
    assert found.data == str(home.root / "sounds")
    assert found.defaults == {
        "preset": "conservative",
        "model.rvq_levels": 4,
        "train.minutes": 30.0,
        "loss.commitment_weight": 0.5,
    }


def test_the_example_is_good_and_shows_every_setting(home: Home) -> None:
    used = re.sub(r"(?m)^#(?=[\w.\"]+ = )", "", EXAMPLE)
    # of two lines for one command the second is another way
    found = write(home, re.sub(r"(?m)^(on_finish = .*ntfy.*)$", "", used))
    assert not found.problems
    assert (found.price, found.notify, found.keys) == (2.49, "osc9", {"app.library": "l"})
    assert "hooks.slack.com" in found.on_finish
    assert "ntfy.sh" in found.on_warning
    assert {*TEXTS, *TABLES} <= {key.strip("[]") for key in re.findall(r"(?m)^(\[\w+\]|\w+(?= = ))", used)}


def test_each_mistake_is_told_with_file_line_and_key_and_the_rest_is_used(home: Home) -> None:
    found = write(
        home,
        """theme = 3
on_finnish = "x"
keys = "l"
[folders]
model = "/x"
cache = ["/y"]
[defaults]
rvq_levels = 99
train.epochs = 7
seed = "one"
train = {no_such = 1}
[defaults.loss]
name = "x"
""".replace("train = {no_such = 1}\n", 'epocs = 1\n"train.device" = "gpu"\nname = "x"\n'),
    )
    told = [problem.removeprefix(str(home.settings)) for problem in found.problems]
    expected = [
        (1, "theme: 3 is not text"),
        (2, "unknown key 'on_finnish' (did you mean 'on_finish'?)"),
        (3, "keys: is a table"),
        (5, "unknown key 'folders.model' (did you mean 'folders.models'?)"),
        (6, "folders.cache: "),
        (8, "defaults: model.rvq_levels: 99 is outside 2 to 8"),
        (10, "defaults: train.seed: 'one' is not a whole number"),
        (11, "defaults: unknown key 'epocs' (did you mean 'train.epochs'?)"),
        (12, "defaults: train.device: 'gpu' is not one of"),
        (13, "defaults: name: belongs to one run"),
        (15, "defaults: unknown key 'loss.name'"),
    ]
    assert len(told) == len(expected), told
    for line, what in expected:
        assert any(text.startswith(f" line {line}: {what}") for text in told), (line, what, told)
    assert found.defaults == {"train.epochs": 7}


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ("[keys\n", 2),
        ("theme ansi\n", 2),
        ('theme = "again"\n', 2),
        ("x = [1,\n\n", 2),
        ("x = [1,\ny = 2", 3),
        ('"""', 2),
    ],
)
def test_what_stands_before_a_mistake_in_the_form_is_used(home: Home, broken: str, line: int) -> None:
    found = write(home, f'theme = "ansi"\n{broken}')
    (problem,) = found.problems
    assert problem.startswith(f"{home.settings} line {line}: not TOML: ")
    assert found.theme == "ansi"


def test_a_file_that_cannot_be_read_is_told(home: Home) -> None:
    home.settings.mkdir(parents=True)
    assert "was not read" in read_settings(home).problems[0]
    assert find_home().models == home.root / "models"
    home.settings.rmdir()
    home.settings.write_bytes(b"\xff\xfe")
    assert "was not read" in read_settings(home).problems[0]


def test_a_line_is_found_however_the_key_is_written() -> None:
    text = "a.b = 1\n[x]\n  'c d' = 2\n[x.y] # z = 3\nz = 3\ni = {j = 1}\n"
    keys = ("a.b", "x", "x.c d", "x.y", "x.y.z", "x.y.i.j", "none")
    assert [line_of(text, key) for key in keys] == [1, 2, 3, 4, 5, 6, 0]


def test_folders_lie_where_the_settings_say(home: Home) -> None:
    write(home, '[folders]\nmodels = "/big/models"\ncache = "~/scratch"\nruns = "old"\n')
    found = find_home()
    assert found.models == Path("/big/models")
    assert found.cache == Path.home() / "scratch"
    assert found.runs == home.root / "old"
    write(home, '[folders]\nmodels = "kept"\nbroken')
    assert find_home().models == home.root / "kept"
    write(home, '[folders]\nmodels = 3\ncache = "~no such user/x"\n')
    assert find_home().models == home.root / "models"
    assert find_home().cache == home.root / "~no such user/x"


def test_commands_say_what_is_wrong_and_go_on(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    write(home, "them = 1\n")
    assert main(["runs", "--json"]) == 0
    out, err = capsys.readouterr()
    assert out == "[]\n"
    assert f"warning: {home.settings} line 1: unknown key 'them' (did you mean 'theme'?)" in err
    assert main(["status", "--line"]) == 0
    assert capsys.readouterr().err == ""


def test_a_persons_defaults_are_under_everything_that_a_run_is_told() -> None:
    mine = {"model.channels": 100, "train.epochs": 5}
    assert layered().train.epochs == PRESETS["balanced"]["train.epochs"]
    assert layered(mine).train.epochs == 5
    assert layered(mine, {"preset": "aggressive"}).train.epochs == PRESETS["aggressive"]["train.epochs"]
    assert layered(mine, {"preset": "aggressive"}).model.channels == 100, "a size is no part of a preset"
    assert layered(mine, {"preset": "aggressive", "train.epochs": 8}).train.epochs == 8
    assert layered({"preset": "conservative", **mine}).train.patience == 20
    # what only one preset sets goes back with it, what a person set stays
    assert layered({"preset": "faithful"}, {"preset": "balanced"}) == layered()
    kept = layered({"preset": "faithful", "train.batch_size": 16}, {"preset": "balanced"})
    assert (kept.train.batch_size, kept.loss.scales, kept.train.adversarial_fraction) == (16, 2, 0.0)
    form = RecipeForm(mine)
    assert (form.texts["model.channels"], form.is_changed) == ("100", False)


def test_the_theme_is_kept_and_every_other_line_stays(home: Home) -> None:
    keep_theme(home, "ansi")
    assert home.settings.read_text() == 'theme = "ansi"\n'
    write(home, GOOD)
    keep_theme(home, "distill")
    assert home.settings.read_text() == GOOD.replace('"ansi"', '"distill"')
    write(home, "# mine\n[keys]\ntheme = 'x'\n")
    keep_theme(home, "ansi")
    assert home.settings.read_text() == "theme = \"ansi\"\n# mine\n[keys]\ntheme = 'x'\n"
    write(home, "[broken")
    keep_theme(home, "distill")
    assert home.settings.read_text() == "[broken"


NOT_KNOWN = """theme = "distil"
[keys]
app.libary = "l"
"app.quit" = "f9, ctlr+x"
"rows.page-up" = "?"
"""


def test_a_theme_an_action_and_a_key_that_do_not_exist_are_told_with_file_line_and_key(home: Home) -> None:
    found = write(home, NOT_KNOWN)
    assert found.keys == {"app.libary": "l", "app.quit": "f9, ctlr+x", "rows.page-up": "?"}
    theme, action, key = (problem.removeprefix(str(home.settings)) for problem in all_problems(home))
    assert theme.startswith(" line 1: theme: there is no 'distil'; there are ansi, ")
    assert action == " line 3: keys.app.libary: no such action (did you mean 'app.library'?)"
    assert key.startswith(" line 4: keys.app.quit: 'ctlr+x' is not a key")


def test_a_key_that_is_taken_and_a_folder_that_is_not_there_are_told(home: Home) -> None:
    write(
        home,
        '[folders]\ndata = "nowhere"\n[keys]\n"training.pause" = "q"\n"app.library" = "l"\n"training.stop" = "p"\n',
    )
    taken, other, folder = (problem.removeprefix(str(home.settings)) for problem in all_problems(home))
    assert taken == " line 4: keys.training.pause: 'q' is taken by app.quit"
    assert other == " line 6: keys.training.stop: 'p' is taken by training.preview"
    assert folder == f" line 2: folders.data: there is no '{home.root / 'nowhere'}'"


async def test_the_app_tells_them_and_starts(home: Home) -> None:
    write(home, NOT_KNOWN)
    app = DistillApp(home)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.status.current is not None, "a message")
        assert app.status.current is not None
        lines = app.status.current.text.splitlines()
        told = {line.removeprefix(f"{home.settings} ")[:6] for line in lines}
        assert told == {"line 1", "line 3", "and 1 "}
        assert app.theme == "distill"
        await pilot.press("escape", "f9")
    assert not app.is_running


@pytest.mark.parametrize(
    "name", ["l", "L", "?", "+", "ctrl+plus", "f12", "slash", "question_mark", "ctrl+shift+a", "up"]
)
def test_keys_by_their_names(name: str) -> None:
    assert is_key(name)
    assert not is_key(f"no {name}")


def test_a_null_character_is_a_mistake_of_the_file_and_no_path_or_command(home: Home) -> None:
    write(
        home,
        'on_finish = "a\\u0000"\n[folders]\ndata = "\\u0000"\nmodels = "m\\u0000"\nruns = "\\u0000"\ncache = "c"\n',
    )
    found, settings = find_home(home.root), read_settings(home)
    assert (found.models, found.runs) == (home.root / "models", home.root / "runs")
    assert found.cache == home.root / "c"
    assert (settings.on_finish, settings.data) == ("", "")
    assert len(settings.problems) == 4
    assert all("is not text" in problem for problem in settings.problems)


def test_sounds_have_a_format_and_a_limit(home: Home) -> None:
    home.root.mkdir(exist_ok=True)
    home.settings.write_text('[sounds]\nformat = "flac"\nlimit = "1.5 GB"\n')
    found = read_settings(home)
    assert (found.sound_format, found.sound_limit, found.problems) == ("flac", 1_500_000_000, [])
    home.settings.write_text('[sounds]\nformat = "mp3"\nlimit = "much"\nrate = "1"\n')
    found = read_settings(home)
    assert (found.sound_format, found.sound_limit) == ("", 0)
    assert [problem.partition(": ")[2] for problem in found.problems] == [
        "sounds.format: 'mp3' is not wav or flac",
        'sounds.limit: \'much\' is no size like "500 MB" or "2 GB"',
        "unknown key 'sounds.rate'" + found.problems[2].partition("'sounds.rate'")[2],
    ]
