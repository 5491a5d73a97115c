"""How good reconstructions are: a percent between two references, words for what is wrong, and the measures."""

from collections.abc import Mapping

from distill_tui.library.card import Card
from distill_tui.reporting import code_bits, sound_quality
from distill_tui.reporting.page.html import Child, Html, element, join
from distill_tui.reporting.page.text import folded, role, table
from distill_tui.reporting.quality import HELP, Quality, quality_of_card, quality_of_run, quality_text
from distill_tui.runs.state import RunState


def run_quality(state: RunState) -> Html:
    """The held-out quality of a run."""
    if state.is_prior:
        return prior_quality(state.numbers)
    ends = (state.anchors.floor, state.anchors.ceiling) if state.anchors is not None else ({}, {})
    return join(scale(quality_of_run(state)), measures(sound_quality.of_run(state), *ends))


def model_quality(card: Card) -> Html:
    """The held-out quality of a model."""
    if card.task == "prior":
        bits = card.losses.get("bits")
        return element("p", f"{code_bits.text(bits)} held out") if bits is not None else Html()
    ends = (card.anchors.get("floor", {}), card.anchors.get("ceiling", {}))
    return join(scale(quality_of_card(card)), measures(sound_quality.of_model(card), *ends))


def prior_quality(numbers: Mapping[str, float | None]) -> Html:
    """Bits a frame of a prior, in all and by level."""
    rows: list[list[Child]] = []
    for key, title in ((code_bits.VAL, "held out"), (code_bits.TRAIN, "training")):
        if numbers.get(key) is not None:
            rows.append([title, code_bits.text(numbers[key])])
    rows += [[f"held out, level {n}", code_bits.text(bits)] for n, bits in enumerate(code_bits.levels(numbers), 1)]
    return join(table(("", "bits"), rows), element("p", code_bits.HELP, class_="dim") if rows else None)


def scale(quality: Quality | None) -> Html:
    """A percent as a bar, 0 being the worst reference and 100 the best, and its words; nothing where it is unknown."""
    text = quality_text(quality)
    if quality is None or not text:
        return Html()
    if quality.percent is None:
        return element("p", role(text, "fair" if quality.words else "plain"))
    share = min(100.0, max(0.0, quality.percent))
    bar = element("meter", f"{share:.0f} %", min=0, max=100, value=f"{share:.0f}", aria_label="quality")
    return element("p", bar, " ", role(text, "strong"), class_="quality")


def measures(
    numbers: sound_quality.Numbers,
    floor: sound_quality.Numbers | None = None,
    ceiling: sound_quality.Numbers | None = None,
) -> Html:
    """A table of the held-out distances, with words for what is worth worrying about.

    Args:
        floor, ceiling: those of the references, 0 % and 100 %, where they were measured.
    """
    ends = [("0 %", floor or {}), ("100 %", ceiling or {})] if floor and ceiling else []
    rows: list[list[Child]] = []
    for key in ("distance", *sound_quality.BY_KEY):
        if numbers.get(key) is not None:
            word = sound_quality.word(key, numbers)
            help = sound_quality.BY_KEY[key].help if key in sound_quality.BY_KEY else sound_quality.DISTANCE.help
            value = sound_quality.value_text(key, numbers[key])
            references = [role(sound_quality.value_text(key, numbers_of.get(key)), "dim") for _, numbers_of in ends]
            rows.append([key, value, *references, role(word, "fair") if word else "", role(help, "dim")])
    if not rows:
        return Html()
    return join(
        table(("measure", "held out", *(name for name, _ in ends), "", "meaning"), rows),
        element("p", HELP, class_="dim") if ends else None,
        folded("How the distance is made", element("p", sound_quality.EXPLANATION)) if len(rows) > 1 else None,
    )
