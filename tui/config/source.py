"""A configuration file as text and as PyYAML's nodes, with every way in which it can fail to be one."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import yaml

from tui.domain.errors import ConfigError, ConfigProblem

__all__ = ["MAX_BYTES", "compose", "decode_text", "is_missing", "read_bytes"]

MAX_BYTES = 1 << 20
_WANTED = re.compile(r"expected (?P<wanted>.+?),? but (?:found|got) (?P<found>.+)", re.DOTALL)
_WORDS = {
    "'<stream end>'": "the end of the file",
    "'\\x00'": "the end of the file",
    "unexpected end of stream": "the end of the file",
    "'\\n'": "the end of the line",
    "'<block mapping start>'": "a line with another indentation",
    "'?'": "a key",
    "<block end>": "the indentation of the lines before",
    "'<document start>'": "nothing more",
    "the node content": "a value",
}
"""PyYAML's names for things, as people call them."""


def is_missing(path: Path) -> bool:
    """Whether nothing at all is at *path*; a soft link that leads nowhere, or a folder that hides it, is something."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False  # reading it will say why
    return False


def read_bytes(path: Path) -> bytes:
    """The bytes of the file. Raises ConfigError when it is no readable file of a sensible size.

    Never blocks on a named pipe; the null device is an empty file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _problem(path, error.strerror or str(error)) from error
    try:
        status = os.fstat(descriptor)
        null = stat.S_ISCHR(status.st_mode) and os.path.samestat(status, Path(os.devnull).stat())
        if not stat.S_ISREG(status.st_mode) and not null:
            kind = "a folder" if stat.S_ISDIR(status.st_mode) else "something that is no regular file"
            raise _problem(path, kind)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _problem(path, error.strerror or str(error)) from error
    finally:
        os.close(descriptor)
    if len(raw) > MAX_BYTES:
        raise _problem(path, "more than 1 MiB", "a configuration file of at most 1 MiB")
    return raw


def decode_text(raw: bytes, file: str) -> str:
    """*raw* as text, its line endings kept. Raises ConfigError with the line of the first byte that is not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{raw[error.start]:02x}"
        raise ConfigError([ConfigProblem(file, line, "", found, "UTF-8 text")]) from error


def compose(text: str, file: str) -> yaml.Node | None:
    """The root node of the one document in *text*; None when there is none. Raises ConfigError."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        found = f"the control character U+{code:04X}"
        raise ConfigError([ConfigProblem(file, line, "", found, "printable text")]) from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_syntax(error, file)]) from error
    except RecursionError:
        raise ConfigError([ConfigProblem(file, None, "", "values nested too deeply", "at most a few levels")]) from None
    return node if isinstance(node, yaml.Node) else None


def _syntax(error: yaml.MarkedYAMLError, file: str) -> ConfigProblem:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else _line(mark)
    problem = (error.problem or "").strip()
    if "'\\t'" in problem or (mark is not None and mark.buffer is not None and _at_tab(mark)):
        return ConfigProblem(file, line, "", "a tab", "spaces (YAML takes no tab for indentation)")
    if "expected a single document" in str(error.context):
        return ConfigProblem(file, line, "", "a second document (`---`)", "a single one")
    begun = ""
    if error.context and error.context_mark is not None and (start := _line(error.context_mark)) != line:
        begun = f" for what begins in line {start}"
    told = _WANTED.fullmatch(problem)
    if told is not None:
        found, wanted = (_WORDS.get(each, each) for each in (told["found"], told["wanted"]))
        return ConfigProblem(file, line, "", found, f"{wanted}{begun}")
    if problem.startswith("mapping values"):
        return ConfigProblem(file, line, "", "a `:` where no value can begin", "quotes around text that holds `: `")
    found = problem.removeprefix("found ") or "a mistake"
    return ConfigProblem(file, line, "", _WORDS.get(found, found), f"an end{begun}" if begun else "correct YAML")


def _line(mark: yaml.Mark) -> int:
    """The line of *mark*, from 1. Behind the last line there is none: an error at the end is the last line's."""
    text = mark.buffer
    if text is None or text[mark.pointer :].strip("\0\r\n \t"):
        return mark.line + 1
    written = text[: mark.pointer].rstrip("\0\r\n \t")
    return written.count("\n") + 1


def _at_tab(mark: yaml.Mark) -> bool:
    return bool(mark.buffer and mark.pointer < len(mark.buffer) and mark.buffer[mark.pointer] == "\t")


def _problem(path: Path, found: str, expected: str = "a readable file") -> ConfigError:
    return ConfigError([ConfigProblem(str(path), None, "", found, expected)])
