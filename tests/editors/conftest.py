"""What the tests of more than one file of an editor share."""

from tests.editors.vscode_window import opened_window, window

__all__ = ["opened_window", "window"]
