"""The log file: rotating, private, without secrets, and never a word on the terminal.

A screen is drawn on the terminal, so nothing that is logged may reach stderr: not by asyncssh's logger, not by
a record that cannot be formatted, not by a disk that is full. What hosts said is shown as data: one record is
one line (a traceback's lines follow, indented), control characters are written ``\\xNN``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tui.storage.paths import log_path

if TYPE_CHECKING:
    import logging

__all__ = ["configure_logging", "log_path", "log_problem"]

_installed: logging.Handler | None = None
_problem: str | None = None


def configure_logging(debug: bool = False) -> Path:
    """Send every log record to the log file and nowhere else; returns the file's path.

    INFO and above, with *debug* everything (of asyncssh WARNING and above, with *debug* INFO). Warnings of
    Python go there too. A folder that cannot be used is no error: then nothing is logged, and :func:`log_problem`
    says why. Calling it again replaces what the first call set up.
    """
    import logging

    from tui.domain.errors import StorageError
    from tui.storage.loghandler import FileHandler
    from tui.storage.paths import private_dir

    global _installed, _problem
    path = log_path()
    handler: logging.Handler
    try:
        private_dir(path.parent)
        handler = FileHandler(path)
        _problem = None
    except (OSError, StorageError) as error:
        handler = logging.NullHandler()
        _problem = f"Nothing is logged: {error}"
    root = logging.getLogger()
    if _installed is not None:
        root.removeHandler(_installed)
        _installed.close()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    _installed = handler
    logging.lastResort = logging.NullHandler()
    logging.captureWarnings(True)
    asyncssh = logging.getLogger("asyncssh")
    asyncssh.setLevel(logging.INFO if debug else logging.WARNING)
    return path


def log_problem() -> str | None:
    """Why nothing is logged, for a person; None when all is well."""
    return _problem
