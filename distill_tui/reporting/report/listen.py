"""Previews to be heard and seen: originals beside reconstructions, by fewer levels, and over the training."""

from collections.abc import Sequence
from pathlib import Path

from distill_tui.foreign import read_bytes
from distill_tui.reporting import sound_quality
from distill_tui.reporting.page import spectrogram
from distill_tui.reporting.page.html import Child, Html, data_uri, element, join
from distill_tui.reporting.page.sound import Heard, player, side_by_side
from distill_tui.reporting.page.text import role
from distill_tui.reporting.report.media import Media
from distill_tui.reporting.report.subject import Preview, Subject, Version

IMAGE = ".pgm"
"""Previews of pictures."""
THUMBNAIL = (160, 48)
"""Columns and rows of a small spectrogram."""


def listen(subjects: Sequence[Subject], media: Media) -> Html:
    """The newest previews; those of two runs of one sound stand beside each other."""
    first = subjects[0]
    if len(subjects) == 1:
        return join(*(_one(preview, media) for preview in first.previews), _scale_note(first.previews))
    by_name = [{preview.name: preview for preview in one.previews} for one in subjects]
    names = list(dict.fromkeys(name for one in by_name for name in one))
    return join(*(_several(name, subjects, by_name, media) for name in names), _scale_note(first.previews))


def _one(preview: Preview, media: Media) -> Html:
    below = [_row("by its first levels", preview.levels, media), _row("as it was learned", preview.earlier, media)]
    return _beside(preview.name, [preview.original, preview.made], media, below)


def _several(name: str, subjects: Sequence[Subject], previews: Sequence[dict[str, Preview]], media: Media) -> Html:
    """A sound, and what each of these made of it."""
    known = [(one, found[name]) for one, found in zip(subjects, previews, strict=True) if name in found]
    versions = [known[0][1].original]
    for subject, preview in known:
        made = preview.made
        versions.append(Version(made.path, made.distance, made.words, f"{subject.name}: {made.title}"))
    return _beside(name, versions, media)


def _beside(name: str, versions: Sequence[Version], media: Media, below: Sequence[Child] = ()) -> Html:
    if versions[0].path.suffix == IMAGE:
        heard = [Heard(one.title, "", _distance(one), _picture(one.path, f"{one.title} of {name}")) for one in versions]
        return side_by_side(name, heard)
    images = spectrogram.pictures([one.path for one in versions])
    heard = []
    for one, image in zip(versions, images, strict=True):
        source, why = media.sound(one.path)
        note = join(_distance(one), " ", role(why, "dim") if why else None)
        heard.append(
            Heard(one.title, source, note.strip() and note, spectrogram.figure(image, f"{one.title} of {name}"))
        )
    return side_by_side(name, heard, *below)


def _row(title: str, versions: Sequence[Version], media: Media) -> Html:
    """Small pictures with players; nothing for nothing, and only those that can be heard."""
    sounds = [one for one in versions if one.path.suffix != IMAGE]
    images = spectrogram.pictures([one.path for one in sounds], *THUMBNAIL)
    cells = []
    for one, image in zip(sounds, images, strict=True):
        if image.error:
            continue
        source, _ = media.sound(one.path)
        words = f"spectrogram, {one.title}"
        picture = element("img", src=data_uri(spectrogram.png(image), "image/png"), alt=words, class_="thumbnail")
        heard = player(one.title, source) if source else None
        cells.append(element("figure", picture, heard, element("figcaption", one.title, ", ", _distance(one))))
    return join(element("h4", title), element("div", *cells, class_="film")) if cells else Html()


def _distance(one: Version) -> Html:
    """`distance 0.21, buzzes`."""
    if one.distance is None:
        return Html()
    words = role(f", {one.words}", "fair") if one.words else None
    return join(f"distance {sound_quality.value_text('distance', one.distance)}", words)


def _picture(path: Path, name: str) -> Html:
    """A portable grey map of a preview as a PNG picture."""
    from distill_tui.data.spectrogram import SpectrogramImage

    try:
        head, _, rest = read_bytes(path, 1 << 20).partition(b" 255\n")
        kind, width, height = head.split()
        size = int(width), int(height)
        if kind != b"P5" or not 0 < size[0] * size[1] == len(rest):
            raise ValueError("not a portable grey map")
    except (OSError, ValueError):
        return element("p", "The picture cannot be read.", class_="dim")
    import numpy as np

    levels = np.frombuffer(rest, np.uint8).reshape(size[1], size[0])
    source = data_uri(spectrogram.png(SpectrogramImage(levels)), "image/png")
    return element("img", src=source, alt=name, class_="pixels")


def _scale_note(previews: Sequence[Preview]) -> Html:
    heard = any(preview.original.path.suffix != IMAGE for preview in previews)
    return element("p", spectrogram.scale_note(), class_="dim") if heard else Html()
