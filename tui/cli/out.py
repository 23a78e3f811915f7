"""Standard output: results and nothing else."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from tui.domain.errors import CondafleetError

__all__ = ["Out"]


class Out:
    """Writes results. A reader that went away (``| head``) is no error: the rest is dropped quietly."""

    def __init__(self, stream: TextIO | None = None) -> None:
        # Whoever started us may have closed standard output: then Python has none.
        self._stream = stream or sys.stdout or io.StringIO()
        self.broken = False
        """True once the reader is gone."""

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it."""
        try:
            return self._stream.isatty()
        except ValueError:  # closed by whoever started us
            return False

    @property
    def width(self) -> int | None:
        """The terminal's columns; None when everything is to be written in full."""
        if not self.is_terminal:
            return None
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            return None
        return columns or None

    def json(self, value: Mapping[str, object], *, one_line: bool = False) -> None:
        """One JSON object: indented, or on one line."""
        if one_line:
            text = json.dumps(value, ensure_ascii=self._ascii, allow_nan=False, separators=(",", ":"))
        else:
            text = json.dumps(value, ensure_ascii=self._ascii, allow_nan=False, indent=2)
        self.text(text)

    def text(self, text: str) -> None:
        """Lines of text; what the stream's encoding lacks is shown as an escape.

        Raises CondafleetError, once, when they can't be written for another reason than a reader that left.
        """
        if self.broken:
            return
        encoding = self._stream.encoding or "utf-8"
        safe = text.encode(encoding, "backslashreplace").decode(encoding)
        try:
            self._stream.write(safe + "\n" if safe else "")
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self._give_up()
        except OSError as error:
            self._give_up()
            raise CondafleetError(
                f"Standard output can't be written: {error.strerror}.", "See where it goes."
            ) from error

    def raw(self, data: bytes) -> None:
        """Bytes as they are, for a file or another program; never for a terminal. Raises as :meth:`text`."""
        if self.broken:
            return
        buffer = getattr(self._stream, "buffer", None)
        if buffer is None:
            self.text(data.decode("utf-8", "backslashreplace").removesuffix("\n"))
            return
        try:
            self._stream.flush()
            buffer.write(data)
            buffer.flush()
        except (BrokenPipeError, ValueError):
            self._give_up()
        except OSError as error:
            self._give_up()
            raise CondafleetError(
                f"Standard output can't be written: {error.strerror}.", "See where it goes."
            ) from error

    def finish(self) -> None:
        """Flush, so that nothing is left to fail while the interpreter ends."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._give_up()

    @property
    def _ascii(self) -> bool:
        return (self._stream.encoding or "utf-8").lower().replace("-", "") != "utf8"

    def _give_up(self) -> None:
        self.broken = True
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # a stream without a descriptor has nothing left to flush
            return
