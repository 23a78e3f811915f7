"""What is typed into a field most likely goes on to be. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from tui.domain.packageindex import PackageIndex
from tui.domain.packagespec import read_package_spec
from tui.domain.text import printable

__all__ = ["RECIPES", "folder_of", "offer_paths", "offer_spec", "offer_word", "offered"]

RECIPES = (".yml", ".yaml", ".txt")
"""How the names end of files that an environment can be made from."""

_VERSION = re.compile(r"([A-Za-z0-9_.-]+)(==|>=|<=|~=|=|<|>)([^,|]*)\Z")


def offered(text: str, candidates: Callable[[str], Iterable[str]], *, commas: bool = False) -> str | None:
    """*text* with its last word written on as the first of *candidates* (given that word) that begins with it.

    What is typed stays, at most in another case. None when nothing fits, and for a word that is not begun.
    With *commas* they part words, too.
    """
    head, word = _last(text, commas=commas)
    if not word:
        return None
    folded = word.casefold()
    there = set((head.replace(",", " ") if commas else head).split())
    for each in candidates(word):
        if len(each) > len(word) and each.casefold().startswith(folded) and each not in there:
            return text + each[len(word) :]
    return None


def offer_word(text: str, known: Sequence[str], *, commas: bool = False) -> str | None:
    """*text* with its last word as one of *known*."""
    return offered(text, lambda _: known, commas=commas)


def offer_spec(text: str, index: PackageIndex, names: Sequence[str] | None = None) -> str | None:
    """*text* with its last word as a package that the fleet has, or as a version of it.

    *names*: of these packages alone.
    """

    def candidates(word: str) -> Iterable[str]:
        found = _VERSION.match(word)
        if found is None:
            folded = word.casefold()
            return index.names(folded) if names is None else [each for each in names if each.startswith(folded)]
        name, sign, _ = found.groups()
        try:
            spec = read_package_spec(name)
        except ValueError:
            return ()
        return [f"{name}{sign}{version}" for version in map(printable, index.versions(spec))]

    return offered(text, candidates)


def folder_of(text: str) -> tuple[str, str]:
    """The folder of a path as far as it is typed, with the slash behind it, and what of a name is begun in it."""
    end = text.rfind("/") + 1
    return text[:end], text[end:]


def offer_paths(text: str, there: Iterable[tuple[str, bool]]) -> list[str]:
    """What the path *text* may become: files that an environment can be made from, then folders.

    *there*: what the folder of *text* holds, as raw name and whether it is a folder. *text*, and what is returned, is
    in printed form. Hidden names are offered once their dot is typed.
    """
    folder, begun = folder_of(text)
    files, folders = [], []
    for raw, is_folder in there:
        name = printable(raw)
        if not name.startswith(begun) or (name.startswith(".") and not begun.startswith(".")):
            continue
        if is_folder:
            folders.append(f"{folder}{name}/")
        elif name.casefold().endswith(RECIPES):
            files.append(folder + name)
    return [*sorted(files, key=str.casefold), *sorted(folders, key=str.casefold)]


def _last(text: str, *, commas: bool) -> tuple[str, str]:
    at = len(text)
    while at and not (text[at - 1].isspace() or (commas and text[at - 1] == ",")):
        at -= 1
    return text[:at], text[at:]
