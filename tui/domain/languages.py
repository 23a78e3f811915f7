"""Which language the screen speaks: those that there are, and the one that a locale asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CHINESE", "ENGLISH", "LANGUAGES", "language_of", "nearest_language"]

ENGLISH = "en"
CHINESE = "zh_CN"
LANGUAGES = (ENGLISH, CHINESE)
"""What the configuration's ``language:`` may name."""

_SIMPLIFIED = frozenset({"", "cn", "sg", "my", "hans"})
"""What may follow ``zh`` where people read simplified characters; Taiwan, Hong Kong and ``Hant`` do not."""

_MEANT = {ENGLISH: ("en",), CHINESE: ("zh", "ch", "cn", "中", "简", "汉")}


def language_of(environ: Mapping[str, str]) -> str:
    """The language for messages by the rules of GNU gettext; English wherever there is no better one.

    The first of LC_ALL, LC_MESSAGES and LANG that is set is the locale. Unless it is C or POSIX, LANGUAGE may list
    languages in order of preference before it.
    """
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environ.get(name, ""))), "C")
    if _bare(locale) in ("c", "posix"):
        return ENGLISH
    wanted = [each for each in environ.get("LANGUAGE", "").split(":") if each]
    return next((known for each in (*wanted, locale) if (known := _known(each))), ENGLISH)


def nearest_language(written: str) -> str:
    """The language that *written*, which names none, may mean; empty when there is no telling."""
    bare = _bare(written)
    return next((known for known, starts in _MEANT.items() if bare.startswith(starts)), "")


def _bare(locale: str) -> str:
    """Without charset and modifier, in small letters: ``zh_cn`` of ``zh_CN.UTF-8@pinyin``."""
    return locale.partition("@")[0].partition(".")[0].casefold().replace("-", "_")


def _known(locale: str) -> str | None:
    language, _, rest = _bare(locale).partition("_")
    if language in ("en", "c", "posix"):
        return ENGLISH
    return CHINESE if language == "zh" and rest.partition("_")[0] in _SIMPLIFIED else None
