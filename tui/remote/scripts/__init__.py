"""The shell scripts that hosts run: plain POSIX sh, kept as files of this package."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["script"]


@cache
def script(name: str) -> bytes:
    """The script ``NAME.sh``, without its comment lines and blank lines, to send less.

    A line counts as a comment when its first visible character is ``#``: scripts hold no such line
    inside a quoted string.
    """
    text = files(__name__).joinpath(f"{name}.sh").read_bytes()
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(b"#"))
    return b"\n".join(lines) + b"\n"
