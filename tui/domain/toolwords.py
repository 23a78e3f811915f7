"""Words that a person gives to a package manager, looked at before any host hears of them. Pure.

Specs, channels, requirements and names travel as data, one argument each. What a tool would read as something else
(an option, a file, two lines) is refused here, and so is what is a secret: arguments
are seen in the list of processes, and written down with the task.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence

from tui.domain.changes import Concern, ConcernKind
from tui.domain.errors import UsageError
from tui.domain.packages import canonical_name
from tui.domain.phrases import phrase
from tui.domain.redact import PLACEHOLDER, redact
from tui.domain.text import encode, printable

__all__ = [
    "archive_stem",
    "check_archives",
    "check_channels",
    "check_requirements",
    "check_specs",
    "name_problem",
    "prefix_concern",
    "requirement_name",
    "spec_name",
]

LONGEST_WORD = 500
LONGEST_URL = 4000
MOST_WORDS = 5000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SPEC = re.compile(
    r"(?:(?P<channel>[A-Za-z0-9_./:%~+-]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*|\*)"
    r"(?P<rest>\s*(?:[=<>!~ ][A-Za-z0-9_.+!*=<>~|,()^$ -]*)?(?:\[[^\[\]]*\])?)\Z",
    re.ASCII,
)
_BACKWARDS = re.compile(r"(?:^|[^<>=!~])(?P<found>=[<>])")
_CHANNEL = re.compile(r"[A-Za-z0-9_/.][!-~]*\Z")
_ARCHIVE = re.compile(
    r"(?:https?|file|ftp|s3)://[!\"$-~]*/(?P<file>[A-Za-z0-9_.+!~-]+)(?:\.conda|\.tar\.bz2)"
    r"(?:#(?:[0-9a-f]{32}|(?:sha256:)?[0-9a-f]{64}))?\Z"
)
_REQUIREMENT = re.compile(
    # In pip's files, options may stand behind a requirement, a backslash joins lines, and variables are filled in.
    r"(?!.*(?:[ ][-#]|\\|\$\{))(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[A-Za-z0-9._, -]*\])?\s*"
    r"(?:@\s*(?:git\+)?(?:https?|file|ssh|git)://[!-:<-~]+\s*|\(?(?:[<>=!~][A-Za-z0-9.*+!<>=~, -]*)\)?\s*)?"
    r"(?:;[ -~]*)?\Z",
    re.ASCII,
)
_NOT_IN_NAMES = '/ :#"'
"""conda's own list, and the double quote that breaks what it writes for shells."""
_LONGEST_NAME = 200


def check_specs(specs: Sequence[str]) -> None:
    """Whether each of *specs* is one package spec for conda, and nothing else. Raises UsageError."""
    _few(specs)
    for spec in specs:
        _plain(spec, LONGEST_WORD)
        found = _SPEC.match(spec)
        if found is None:
            raise UsageError(
                phrase("{spec} is no package that conda could be asked for.", spec=_shown(spec)),
                phrase("Write it like numpy, numpy=1.26, 'numpy>=1.26,<2' or conda-forge::numpy."),
            )
        backwards = _BACKWARDS.search(found["rest"])
        if backwards is not None:
            # conda reads it as another version, and installs that.
            raise UsageError(
                phrase("{spec} does not mean what it looks like.", spec=_shown(spec)),
                phrase("Write {right} instead of {found}.", right=backwards["found"][::-1], found=backwards["found"]),
            )
        _no_secret(spec)


def check_channels(channels: Sequence[str]) -> None:
    """Whether each of *channels* is a channel's name or address without a secret. Raises UsageError."""
    _few(channels)
    for channel in channels:
        _plain(channel, LONGEST_URL)
        if _CHANNEL.match(channel) is None:
            raise UsageError(
                phrase("{channel} is no channel.", channel=_shown(channel)),
                phrase("Write a name such as conda-forge, or an address."),
            )
        _no_secret(channel)


def check_archives(lines: Sequence[str]) -> None:
    """Whether each of *lines* is the address of a conda package, with or without a hash. Raises UsageError."""
    _few(lines)
    for line in lines:
        _plain(line, LONGEST_URL)
        if _ARCHIVE.match(line) is None:
            raise UsageError(
                phrase("{line} is no address of a conda package.", line=_shown(line)),
                phrase("An explicit list holds addresses that end in .conda or .tar.bz2, with #MD5 or #sha256:SHA256."),
            )
        _no_secret(line)


def check_requirements(requirements: Sequence[str]) -> None:
    """Whether each of *requirements* is one requirement for pip: no option, no file of the host. Raises UsageError."""
    _few(requirements)
    for each in requirements:
        _plain(each, LONGEST_URL)
        if _REQUIREMENT.match(each) is None:
            raise UsageError(
                phrase("{requirement} is no requirement that pip could be asked for here.", requirement=_shown(each)),
                phrase("Write it like tqdm, tqdm==4.66 or 'tqdm @ https://…'; options and paths are not taken."),
            )
        _no_secret(each)


def spec_name(spec: str) -> str | None:
    """The package that *spec* asks for, as conda spells names; None for ``*``."""
    found = _SPEC.match(spec)
    return None if found is None or found["name"] == "*" else found["name"].lower()


def archive_stem(line: str) -> str | None:
    """``NAME-VERSION-BUILD`` of an address in an explicit list: what the package's record will be called."""
    found = _ARCHIVE.match(line)
    return found["file"] if found is not None and found["file"].count("-") >= 2 else None


def requirement_name(requirement: str) -> str | None:
    """The package that *requirement* asks pip for, in its canonical spelling."""
    found = _REQUIREMENT.match(requirement)
    return canonical_name(found["name"]) if found is not None else None


def name_problem(name: str) -> str | None:
    """Why no new environment can be called *name*, a phrase; None when it can."""
    shown = printable(name)
    if not name or name in (".", "..") or name.isspace():
        return phrase("An environment needs a name.")
    if name in ("base", "root"):
        return phrase("{name} is what an install itself is called.", name=shown)
    held = next((char for char in name if char in _NOT_IN_NAMES), None)
    if held is not None:
        return phrase("{name} holds {sign}, which conda takes in no name.", name=shown, sign=repr(held))
    if _CONTROL.search(name):
        return phrase("{name} holds signs that cannot be seen or are no text.", name=shown)
    if name.startswith(("-", ".")):
        return phrase("{name} begins with {sign}: tools take it for something else.", name=shown, sign=repr(name[0]))
    if len(encode(name)) > _LONGEST_NAME:
        return phrase("{name} is too long for a name.", name=f"{shown[:60]}…")
    return None


def prefix_concern(prefix: str, envs_dirs: Iterable[str], *, named: bool = True) -> Concern | None:
    """What forbids a new environment at *prefix*; None when its name and place are well.

    *named*: it must lie right in one of *envs_dirs*, so that its last part is its name.
    """
    folder, name = posixpath.split(prefix)
    if not prefix.startswith("/") or posixpath.normpath(prefix) != prefix or prefix.startswith("//"):
        return Concern.of(
            ConcernKind.BAD_NAME, phrase("{prefix} is no absolute path in plain form.", prefix=printable(prefix))
        )
    problem = name_problem(name)
    if problem is None and _CONTROL.search(folder):
        problem = phrase("{name} holds signs that cannot be seen or are no text.", name=printable(folder))
    if problem is not None:
        return Concern.of(ConcernKind.BAD_NAME, problem)
    dirs = tuple(each.rstrip("/") or "/" for each in envs_dirs)
    if named and folder not in dirs:
        place = phrase("{folder} is no directory of environments of that install.", folder=printable(folder))
        return Concern.of(ConcernKind.BAD_NAME, place, map(printable, dirs))
    return None


def _few(words: Sequence[str]) -> None:
    if len(words) > MOST_WORDS:
        raise UsageError(phrase("{n} words are too many for one command.", n=len(words)))


def _plain(word: str, longest: int) -> None:
    if not word or word != word.strip() or word.startswith("-") or len(word) > longest or _CONTROL.search(word):
        raise UsageError(
            phrase("{word} would not be read as what it is meant to be.", word=_shown(word)),
            phrase("A word may not be empty, begin with '-', or hold line breaks and control characters."),
        )


def _no_secret(word: str) -> None:
    if redact(word) != word or f"/t/{PLACEHOLDER}" in word or f"//{PLACEHOLDER}" in word:
        raise UsageError(
            phrase("{word} needs a password or a token, which no command line may hold.", word=_shown(redact(word))),
            phrase("Let the host's own conda log in to that channel, and name the channel without its secret."),
        )


def _shown(word: str) -> str:
    try:
        text = printable(word)
    except UnicodeEncodeError:
        text = ascii(word)
    return repr(text if len(text) <= 100 else f"{text[:100]}…") if text.strip() != text or not text else text[:100]
