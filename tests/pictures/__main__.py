"""Train in a home of its own, and write the README's pictures beside this file: ten minutes on two cores."""

import argparse
import asyncio
from pathlib import Path

from tests.pictures import film
from tests.pictures.drawing import write_svg
from tests.pictures.pages import PAGES, page
from tests.pictures.place import Place
from tests.pictures.stills import STILLS, still
from tests.pictures.trained import finished, train

FOLDER = Path(__file__).parent
MOVING = "training"


def main() -> None:
    """Train what the home lacks, then write the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--home", type=Path, required=True, help="a folder of its own; what was trained there is kept")
    parser.add_argument("--data", type=Path, help="sounds to train on; else the demo's")
    parser.add_argument("--only", choices=(MOVING, *STILLS, *PAGES), help="write this picture alone")
    options = parser.parse_args()
    place = Place(options.home.absolute())
    place.enter()
    train(place, options.data)
    runs = finished(place)
    for name in [options.only] if options.only else [MOVING, *STILLS, *PAGES]:
        if name == MOVING:
            views = [asyncio.run(still(place, view, runs)) for view in film.AFTERWARDS]
            seen = film.read_film(place)
            write(f"{name}.svg", film.moving_picture(seen, views))
            for size, frame in seen.stills.items():
                write(f"{size}.svg", write_svg([frame], film.TITLE))
        elif name in PAGES:
            page(place, name, runs["codec"], FOLDER / f"{name}.png")
        else:
            write(f"{name}-120x35.svg", write_svg([asyncio.run(still(place, name, runs))], STILLS[name].title))


def write(name: str, svg: str) -> None:
    (FOLDER / name).write_text(svg)
    print(f"{FOLDER / name}: {len(svg) / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
