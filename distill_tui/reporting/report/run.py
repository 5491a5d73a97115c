"""A run as a subject of a report."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError
from distill_tui.recipe import toml
from distill_tui.reporting import comparison, sound_quality
from distill_tui.reporting.formatting import count, day, duration, hertz, kbps, percent, plural
from distill_tui.reporting.page import curves, health, notes, quality, recipe
from distill_tui.reporting.page.html import Child, Html, element, escape, join
from distill_tui.reporting.page.text import facts, folded, role, table
from distill_tui.reporting.quality import quality_of_run, quality_text
from distill_tui.reporting.report.repeat import repeat
from distill_tui.reporting.report.subject import Part, Preview, Subject, Version
from distill_tui.reporting.run_report import SPLITS
from distill_tui.runs import events as e
from distill_tui.runs.annotations import annotation_of
from distill_tui.runs.folder import RunFolder
from distill_tui.runs.follow import RunFollower
from distill_tui.runs.previews import inside, on_disk
from distill_tui.runs.state import RunState

MOST_EARLIER = 6
"""Earlier reconstructions of a sound that are shown: an even spread of the previews."""
FOLDERS = re.compile(r"(?<![\w.~/-])~?/(?:[^\s/<>&]+/)+")
"""The folders before the last part of a path."""
TEXT = re.compile(r"(?<=>)[^<]+")
"""Text of markup, between two elements."""
MOST_KINDS = 24
"""Kinds of sounds, or formats of files, that are counted one by one."""


@dataclass(frozen=True)
class RunFacts:
    """What a run's folder tells. `problems` say what could not be read."""

    run: RunFolder
    state: RunState
    recipe: dict[str, Any] | None = None
    corpus: Corpus | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return annotation_of(self.run).name or self.state.name or self.run.id


def read_run(run: RunFolder) -> RunFacts:
    """All that is known of a run, whatever of its folder is missing or damaged."""
    state = RunFollower(run).catch_up()
    problems: list[str] = []
    nested: dict[str, Any] | None = None
    corpus: Corpus | None = None
    try:
        nested = toml.to_dict(toml.load(run.recipe))
    except DistillError as error:
        problems.append(f"Its recipe cannot be read: {error.message.rpartition(': ')[2]}")
    try:
        corpus = Corpus.load(run.sounds) if run.sounds.is_file() else None
    except DistillError as error:
        problems.append(f"Its list of sounds cannot be read: {error.message.rpartition(': ')[2]}")
    return RunFacts(run, state, nested, corpus, problems)


def run_subject(run: RunFolder, with_data: bool = False) -> Subject:
    """A run, whether it goes on or has ended, however it did."""
    found = read_run(run)
    state = found.state
    codebooks = join(
        health.run_health(state),
        health.health_over_time(state),
        health.code_use(state.codes.counts if state.codes else ()),
    )
    parts = [
        Part("curves", "Training", curves.run_charts(state)),
        Part("codebooks", "Codebooks", codebooks),
        Part("quality", "Quality", quality.run_quality(state)),
        Part("notes", "Warnings and notes", _notes(found)),
        Part("data", "Trained on", trained_on(found.corpus, with_data) if found.corpus else pictures(state)),
        Part("recipe", "Recipe", recipe.recipe(found.recipe, with_data) if found.recipe else Html()),
        Part("repeat", "How to repeat it", repeat(found.recipe, with_data) if found.recipe else Html()),
    ]
    name = found.name
    lead = join(notes.ending(state), _quality_line(state))
    if not with_data:
        lead = _without_folders(lead, found)
        parts = [part._replace(content=_without_folders(part.content, found)) for part in parts]
    compared = comparison.of_run(state, found.recipe) if found.recipe else None
    heard = on_disk(run, state.previews)
    step = heard[-1].step if heard else 0
    return Subject("run", name, lead, run_facts(found), parts, previews(found, with_data), compared, step)


def _without_folders(told: Html, found: RunFacts) -> Html:
    """What is told without the folders that a warning or an error may name: their last parts stay."""
    folders = [str(found.run.path), *(found.corpus.paths if found.corpus else [])]
    for folder in sorted(map(escape, folders), key=len, reverse=True):
        above = folder.rstrip("/").rpartition("/")[0]
        if above:
            told = Html(told.replace(f"{above}/", ""))
    # those of another home, from which the run was copied, and of files that the log names
    return Html(TEXT.sub(lambda text: FOLDERS.sub("", text[0]), told))


def run_facts(found: RunFacts) -> dict[str, Child]:
    """Facts about a run in single lines, by title."""
    state, prepared = found.state, found.state.prepared
    told: dict[str, Child] = {"run": found.run.id}
    if state.started_at:
        told["started"] = day(state.started_at)
    told["epoch"] = f"{state.epoch_text}, {percent(state.progress)} done" if state.is_active else state.epoch_text
    told["best"] = notes.best(state) or None
    if prepared is not None:
        told |= _prepared(prepared)
    if state.model is not None:
        told["model"] = f"{state.model.name} ({state.model.id})"
    return {title: text for title, text in told.items() if text}


def _prepared(prepared: e.RunPrepared) -> dict[str, Child]:
    told: dict[str, Child] = {
        "device": f"{prepared.device}, {prepared.precision}",
        "parameters": count(prepared.parameters),
    }
    if prepared.rate:
        frames = f", {prepared.frame_rate:.1f} latent frames a second" if prepared.frame_rate else ""
        told["rate"] = hertz(prepared.rate) + frames
    if prepared.levels:
        told["codebooks"] = f"{plural(prepared.levels, 'level')} of {prepared.codebook_size:,} codes"
    if prepared.kbps:
        told["bit rate"] = kbps(prepared.kbps)
    if prepared.training_files:
        told["sounds" if prepared.rate else "images"] = (
            f"{prepared.training_files:,} to train on, {prepared.validation_files:,} held out"
        )
    return told


def _quality_line(state: RunState) -> Html:
    text = quality_text(quality_of_run(state))
    return element("p", "Quality on held-out sounds: ", role(text, "strong")) if text else Html()


def _notes(found: RunFacts) -> Html:
    state = found.state
    told = join(notes.warnings(state), *(element("p", problem, class_="fair") for problem in found.problems))
    return join(told or element("p", "No warnings."), notes.changes(state))


def previews(found: RunFacts, with_data: bool) -> list[Preview]:
    """The newest preview that is still there, sound by sound, with those before it."""
    run, made = found.run, on_disk(found.run, found.state.previews)
    # logs of early priors do not say what they are of
    is_prior = found.state.is_prior or run.task == "prior"
    titles = ("nearest training sound", "generated") if is_prior else ("original", "reconstruction")
    if not made:
        return []
    newest, before = made[-1], made[:-1]
    step = max(1, -(-len(before) // MOST_EARLIER))
    # the last ones are nearly the newest: the first is what tells most
    before = before[::step]
    result = []
    for number, (original, reconstruction, distance) in enumerate(newest.pairs):
        name = newest.names[number] if number < len(newest.names) else f"sound {number + 1}"
        earlier = [] if is_prior else [(one, number) for one in before if number < len(one.pairs)]
        result.append(
            Preview(
                name if with_data or is_prior else name.rpartition("/")[2],
                Version(inside(run.path, original), title=titles[0]),
                Version(inside(run.path, reconstruction), distance, _words(newest, number), titles[1]),
                [
                    Version(inside(run.path, file), far, title=plural(levels, "level"))
                    for levels, file, far in (newest.levels[number] if number < len(newest.levels) else [])
                ],
                [
                    Version(inside(run.path, one.pairs[n][1]), one.pairs[n][2], title=f"step {one.step:,}")
                    for one, n in earlier
                ],
            )
        )
    return result


def _words(made: e.PreviewMade, number: int) -> str:
    return sound_quality.words(made.measures[number]) if number < len(made.measures) else ""


def trained_on(corpus: Corpus, with_data: bool) -> Html:
    """The sounds of a run: how many, how long, of which kinds and formats."""
    told: dict[str, Child] = {}
    for split in SPLITS:
        title = "to train on" if split == "training" else "held out"
        told[title] = f"{plural(corpus.split_files(split), 'sound')}, {duration(corpus.split_seconds(split))}"
    told |= {
        "folder" if len(corpus.paths) == 1 else "folders": ", ".join(
            path if with_data else path.rstrip("/").rpartition("/")[2] for path in corpus.paths[:MOST_KINDS]
        ),
    }
    formats = Counter(f"{sound.format}, {hertz(sound.rate)}, {_channels(sound.channels)}" for sound in corpus.sounds)
    rows: list[list[Child]] = [[name, f"{number:,}"] for name, number in formats.most_common(MOST_KINDS)]
    kinds = Counter(sound.label for sound in corpus.sounds if sound.label)
    labels: list[list[Child]] = [[name, f"{number:,}"] for name, number in kinds.most_common(MOST_KINDS)]
    listed = None
    if with_data:
        listed = folded(
            "All files", table(("file", "seconds", ""), [[s.name, f"{s.seconds:.2f}", s.split] for s in corpus.sounds])
        )
    return join(
        facts(told),
        element(
            "div",
            element("div", table(("format", "sounds"), rows)),
            element("div", table(("sub-folder", "sounds"), labels)) if with_data else None,
            class_="two",
        ),
        listed,
    )


def _channels(number: int) -> str:
    return {1: "mono", 2: "stereo"}.get(number, f"{number} channels")


def pictures(state: RunState) -> Html:
    """The images of an Explorer run."""
    prepared = state.prepared
    if prepared is None or not prepared.training_files:
        return Html()
    return element("p", f"{plural(prepared.training_files, 'image')}, {prepared.validation_files:,} held out.")
