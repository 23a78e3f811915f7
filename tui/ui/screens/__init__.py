"""One screen a file; what they share is in :mod:`tui.ui.screens.table`."""
