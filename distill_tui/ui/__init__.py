"""The app: screens, dialogs and widgets, and what they follow a run with."""

import os

# For so long Textual waits between two frames. A key just after new numbers were drawn is not to wait for a sixtieth of
# a second; nothing is drawn oftener for it.
os.environ.setdefault("TEXTUAL_FPS", "200")
