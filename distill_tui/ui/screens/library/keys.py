"""The keys of the Library screen, and which models allow which."""

from textual.binding import Binding


def _b(key: str, action: str, name: str, id: str, tooltip: str, show: bool = False, display: str = "") -> Binding:
    """A key of the Library screen; `id` is what a person's own settings call it."""
    return Binding(key, action, name, show=show, id=f"library.{id}", tooltip=tooltip, key_display=display or None)


LIST_KEYS = (
    _b("slash", "filter", "Filter", "filter", "Filter by name, kind, run, tag or note", True, "/"),
    _b("s", "sort", "Sort", "sort", "Sort by the next column", True),
    _b("U", "model('use')", "Use", "use", "Put sounds through the chosen model", True),
    _b("space", "mark", "Mark", "mark", "Mark the chosen model, to compare two", True),
    _b("equals_sign", "compare", "Compare", "compare", "Compare the two marked models", True, "="),
)
MODEL_KEYS = (
    _b("g", "model('generate')", "Generate", "generate", "Make new sounds with the chosen model", True),
    _b("n", "model('new_run')", "New run", "begin", "Start a new run with the chosen model's recipe", True),
    _b("t", "model('fine_tune')", "Fine-tune", "continue", "Start a new run from the chosen model's weights", True),
    _b("T", "model('train_prior')", "Prior", "prior", "Train a generator of new sounds for the chosen codec", True),
    _b("R", "model('resume')", "Resume", "go-on", "Resume the interrupted run of the chosen model"),
    _b("w", "model('watch')", "Its run", "watch", "Show the run that made the chosen model", True),
    _b("o", "model('original')", "Original", "original", "Listen to the original of the chosen model's preview"),
    _b("m", "model('measure')", "Measure", "measure", "Measure the chosen model on sounds", True),
    # its id is from when it did no more
    _b("e", "model('edit')", "Edit", "rename", "Edit the name, note and tags of the chosen model", True),
    _b("x", "model('delete')", "Delete", "delete", "Move the chosen model to the trash (asks first)"),
    _b("X", "model('trash')", "Trash", "trash", "Restore a deleted model from the trash"),
    _b("K", "model('verify')", "Verify", "verify", "Check the chosen model's whole file"),
    _b("E", "model('export')", "Export", "export", "Copy the chosen model to a file"),
    _b("i", "model('import_file')", "Import", "import", "Copy a model file into the library"),
    _b("escape", "clear_filter", "Clear filter", "clear", "Show every model again"),
)
NO_MODEL = (("trash",), ("import_file",))
"""Parameters of the actions that need no chosen model."""
OF_A_CODEC = (("train_prior",),)
"""Parameters of the actions that a codec alone allows."""
NOT_OF_A_GENERATOR = (("new_run",), ("fine_tune",))
"""Parameters of the actions that a generator does not allow: its recipe is one of a prior for that very codec."""
DAMAGED_TOO = (("edit",), ("delete",), ("verify",), ("export",))
"""Parameters of the actions that a damaged model allows too."""
