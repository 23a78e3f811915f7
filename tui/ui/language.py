"""The language of the screen: chosen once at the start, then asked for every text that is painted.

Texts are looked up in the catalogs below ``locale/`` by their English words. What has no translation is said in
English. The command line, ``--json`` and the log never come here: they stay English, for scripts.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

from tui.domain.languages import ENGLISH
from tui.domain.phrases import Phrase, fill

__all__ = ["said", "speak", "tr", "trn", "use"]

DOMAIN = "condafleet"
LOCALE = Path(__file__).parent / "locale"

_spoken: gettext.NullTranslations = gettext.NullTranslations()


def use(language: str) -> None:
    """Speak *language*, one of :data:`tui.domain.languages.LANGUAGES`, from now on."""
    if language == ENGLISH:
        speak(gettext.NullTranslations())
    else:
        speak(gettext.translation(DOMAIN, LOCALE, [language]))


def speak(translations: gettext.NullTranslations) -> None:
    """Take the words of *translations* from now on. What was painted before is not painted again by this."""
    global _spoken
    _spoken = translations
    _one.cache_clear()


@cache
def _one(template: str) -> str:
    return _spoken.gettext(template)


def _several(one: str, many: str, number: int) -> str:
    return _spoken.ngettext(one, many, number)


def tr(template: str, /, **values: str | int) -> str:
    """*template*, a literal of the code, in the language of the screen, filled with *values* as data."""
    if not values:
        return _one(template)
    return fill(_one(template), {name: said(value) for name, value in values.items()})


def trn(one: str, many: str, n: int, /, **values: str | int) -> str:
    """*one* or *many*, by *n*, which fills ``{n}``."""
    return fill(_several(one, many, n), {"n": f"{n:,}", **{name: said(value) for name, value in values.items()}})


def said(text: str | int) -> str:
    """A text of the layers below: a phrase in the language of the screen, anything else as it is."""
    if isinstance(text, Phrase):
        return text.said(_one, _several)
    return text if isinstance(text, str) else str(text)
