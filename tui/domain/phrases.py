"""Sentences that remember how they were made, so that the screen can say them in another language. Pure.

A fault is worded where it happens, far below the screen, and in English: logs, ``--json`` and the command line
speak English in every locale, because scripts and search engines read them. A :class:`Phrase` *is* that English
text. It also keeps its template and what filled it; :mod:`tui.ui.language` looks the template up and fills it
again. Whatever makes a plain ``str`` of it (slicing, an f-string, a snapshot read back from disk) leaves the
English words.

Values go in as data: a template holds plain names in braces and nothing else, so no value is ever read as a
template, and nothing behind a value (an attribute, an item) can be reached. Templates are literals of the code;
``tests/messages.py`` collects them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

__all__ = ["Phrase", "fill", "joined", "mark", "phrase", "plural", "worded"]

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def fill(template: str, values: Mapping[str, str]) -> str:
    """*template* with each ``{name}`` replaced by its value, once; a name without a value stays as it is."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), template) if values else template


class Phrase(str):
    """English text, with the template and the values that it was made of."""

    __slots__ = ("many", "number", "template", "values")

    template: str
    many: str | None
    """The template for several; None for a phrase that does not count."""
    number: int
    """What is counted."""
    values: Mapping[str, str]
    """Each in printed form wherever the text as a whole is; a value may be a phrase itself."""

    def __new__(
        cls, template: str, values: Mapping[str, str] | None = None, many: str | None = None, number: int = 0
    ) -> Phrase:
        values = {} if values is None else values
        made = super().__new__(cls, fill(template if many is None or number == 1 else many, values))
        made.template, made.values, made.many, made.number = template, values, many, number
        return made

    def __reduce__(self) -> tuple[type[Phrase], tuple[str, dict[str, str], str | None, int]]:
        return Phrase, (self.template, dict(self.values), self.many, self.number)

    def said(self, one: Callable[[str], str], several: Callable[[str, str, int], str]) -> str:
        """The text in the words of *one*, which translates a template, and *several*, which also chooses by number."""
        template = one(self.template) if self.many is None else several(self.template, self.many, self.number)
        return fill(template, {name: _said(value, one, several) for name, value in self.values.items()})


def _said(value: str, one: Callable[[str], str], several: Callable[[str, str, int], str]) -> str:
    return value.said(one, several) if isinstance(value, Phrase) else value


def phrase(template: str, /, **values: str | int) -> Phrase:
    """*template*, a literal, filled with *values*: ``phrase("{host} did not answer.", host=name)``."""
    return Phrase(template, _texts(values))


def plural(one: str, many: str, n: int, /, **values: str | int) -> Phrase:
    """*one* or *many*, by *n*, which fills ``{n}``: ``plural("{n} host", "{n} hosts", len(hosts))``."""
    return Phrase(one, {"n": f"{n:,}", **_texts(values)}, many, n)


def mark(template: str) -> str:
    """*template* itself, marked for translators: for tables of templates that :func:`phrase` fills later."""
    return template


def joined(template: str, parts: Iterable[str]) -> str:
    """*parts* as one text, two by two in *template*, which holds ``{before}`` and ``{next}``; empty ones left out."""
    text = ""
    for part in filter(None, parts):
        text = phrase(template, before=text, next=part) if text else part
    return text


def worded(error: Exception) -> str:
    """What *error* says; the phrase itself where it was raised with one."""
    first = error.args[0] if error.args else ""
    return first if isinstance(first, str) else str(error)


def _texts(values: Mapping[str, str | int]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else str(value) for name, value in values.items()}
