"""The handler and the formatter behind :mod:`tui.storage.logfile`."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import stat
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tui.domain.redact import redact
from tui.domain.text import printable

__all__ = ["FileHandler", "Formatter"]

MAX_BYTES = 1 << 20
FILES = 5
MAX_MESSAGE = 16_000
"""Characters kept of one message or traceback; a host may say anything at any length."""

_ODD = re.compile(r"[^ -~]")


class Formatter(logging.Formatter):
    """``TIME LEVEL logger: message``, redacted and harmless; the lines of a traceback follow, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """One record. Never raises, whatever the arguments of the record are."""
        try:
            message = record.getMessage()
        except Exception as error:  # arguments are anybody's objects, and their __str__ may raise anything
            message = f"{record.msg!s} (its arguments cannot be shown: {type(error).__name__})"
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        lines = [f"{when}.{int(record.msecs):03d}Z {record.levelname} {_line(record.name)}: {_clean(message)}"]
        if record.exc_info and record.exc_info[0] is not None:
            lines += _indented(self.formatException(record.exc_info))
        if record.stack_info:
            lines += _indented(record.stack_info)
        return "\n".join(lines)


class FileHandler(RotatingFileHandler):
    """A rotating file of mode 0600 that several clients may write to; what goes wrong stays silent."""

    def __init__(self, path: Path) -> None:
        """Opens the file. Raises OSError."""
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=FILES - 1, encoding="utf-8", errors="backslashreplace")
        self.setFormatter(Formatter())

    def _open(self) -> io.TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self.baseFilename, flags, 0o600)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"{self.baseFilename} is no plain file")
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, 0o600)
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)  # noqa: PTH123  # kept open

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* to the file that has the name now: another client may have rotated it away."""
        try:
            if self.stream is not None and not self._is_current(self.stream):
                old, self.stream = self.stream, None  # opened anew by the next lines of logging's own
                old.close()
        except OSError:
            return  # a disk that fails is not told on the screen
        super().emit(record)

    def _is_current(self, stream: io.TextIOWrapper) -> bool:
        try:
            return os.path.samestat(os.fstat(stream.fileno()), Path(self.baseFilename).lstat())
        except FileNotFoundError:
            return False

    def handleError(self, record: logging.LogRecord) -> None:  # the name is logging's
        """Say nothing: logging would print a traceback over the screen."""


def _clean(text: str) -> str:
    # Cut twice: before redaction, so that its cost is bounded, and after it, where nothing is half a secret.
    cut = _line(redact(text[: 4 * MAX_MESSAGE]))
    return cut if len(cut) <= MAX_MESSAGE else f"{cut[:MAX_MESSAGE]}… (cut)"


def _indented(text: str) -> list[str]:
    if len(text) > 4 * MAX_MESSAGE:  # the end says most; the first line of what is kept may begin inside a secret
        text = "…\n" + text[-4 * MAX_MESSAGE :].partition("\n")[2]
    return [f"    {_line(line)}" for line in redact(text).splitlines()]


def _line(text: str) -> str:
    return _ODD.sub(lambda match: printable(match[0]), text)
