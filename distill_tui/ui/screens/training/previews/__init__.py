"""The Previews view: one sound through the steps of a training, beside its original."""

from distill_tui.ui.screens.training.previews.view import PreviewsView

__all__ = ["PreviewsView"]
