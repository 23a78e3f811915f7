"""Files to make environments again from, on the operator's machine."""

from __future__ import annotations

from pathlib import Path

from tui.domain.errors import StorageError
from tui.domain.text import encode, printable

__all__ = ["write_export"]


def write_export(path: Path, text: str) -> None:
    """Write *text*, byte for byte what the host has, to a new file.

    Raises StorageError: something stands there already and is left as it is, or the file cannot be written; then
    nothing of it stays.
    """
    shown = printable(str(path))
    try:
        with path.open("xb") as out:
            try:
                out.write(encode(text))
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError:
        raise StorageError(f"{shown} is there already.", "It was left as it is; name another file.") from None
    except OSError as error:
        raise StorageError(f"{shown} could not be written: {error.strerror}.", "Nothing was written.") from None
