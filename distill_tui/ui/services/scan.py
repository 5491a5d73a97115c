"""Scanning a folder of sounds in a process of its own, which neither holds up the screen nor outlives it."""

from collections.abc import Sequence

from distill_tui.data.corpus import Corpus
from distill_tui.errors import DistillError, RequestError
from distill_tui.foreign import MalformedError
from distill_tui.paths import Home
from distill_tui.ui.services.programs import Progress, call


async def scan(home: Home, paths: Sequence[str], progress: Progress) -> Corpus:
    """Run `distill-tui data PATHS`. `progress` is called with (files done, files in all). Cancelling ends the process.

    Raises:
        RequestError: there is nothing usable at `paths`, with the reason in words.
        DistillError: the scan broke.
    """
    # a path may begin with a dash
    answer = await call(home, "data", "--json", "--progress", "--pack", "--", *paths, progress=progress)
    if answer.document.strip():
        try:
            corpus = Corpus.from_json(answer.document)
        except MalformedError as error:
            raise DistillError(f"the scan of {', '.join(paths)} gave something unreadable: {error}") from None
        if not corpus.sounds:
            raise corpus.no_sounds()
        return corpus
    if answer.code == 2 and answer.said:
        raise RequestError(answer.problem)
    # what else was printed is a traceback: its last line says what it was
    raise DistillError(
        f"the scan broke: {answer.said[-1] if answer.said else f'it ended with code {answer.code}'}",
        "Try: distill-tui doctor",
    )
