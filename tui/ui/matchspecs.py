"""Whether words are specs that conda could be asked for: judged as they are typed, by the one who also solves them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from tui.domain.errors import UsageError
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.domain.toolwords import check_specs

__all__ = ["spec_problem", "warm"]


def warm() -> None:
    """Load what judges specs: a tenth of a second, which nobody shall feel while typing. For a thread."""
    import rattler  # noqa: F401  # off the start path: most people only look


def spec_problem(words: Sequence[str]) -> str | None:
    """What is wrong with the first of *words* that is no spec, a phrase in printed form; None when all are."""
    return next((problem for word in words if (problem := _problem(word)) is not None), None)


@lru_cache(maxsize=512)
def _problem(word: str) -> str | None:
    try:
        check_specs([word])
    except UsageError as error:
        return error.message
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        # conda's older form, with blanks, is no strict one; what has none is judged strictly.
        MatchSpec(word, strict=" " not in word)
    except InvalidMatchSpecError as error:
        return phrase("{spec}: {problem}", spec=printable(word), problem=printable(str(error)))
    return None
