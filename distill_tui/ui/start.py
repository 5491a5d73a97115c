"""Opening the app."""

import os

from distill_tui.paths import Home
from distill_tui.runs.folder import RunFolder

FRAMES_PER_SECOND = "200"
"""How long Textual waits between two frames: a key right after new numbers were drawn does not wait for 1/60 s."""


def run_app(home: Home, run: RunFolder | None, explore: bool = False) -> int:
    """Open the app on the Training screen of `run`, or of the newest active run, or else on Config; its exit code.

    To `explore`, the run is shown on the Explorer.
    """
    # Textual reads it when it is imported
    os.environ.setdefault("TEXTUAL_FPS", FRAMES_PER_SECOND)
    from distill_tui.ui.app import DistillApp
    from distill_tui.ui.terminal.hangup import leave_on_hangup

    app = DistillApp(home, run, explore)
    leave_on_hangup(app)
    app.run(mouse=False)
    return app.return_code or 0
