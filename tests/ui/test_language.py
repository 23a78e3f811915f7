"""The language of the screen: what is said in it, and that values stay data."""

from __future__ import annotations

import gettext
from collections.abc import Iterator

import pytest

from tui.domain.languages import CHINESE, ENGLISH, LANGUAGES
from tui.domain.phrases import phrase, plural
from tui.ui import language
from tui.ui.language import said, speak, tr, trn, use


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    use(ENGLISH)


class Shouting(gettext.NullTranslations):
    """A language of its own for tests: what went through it is seen at once."""

    def gettext(self, message: str) -> str:
        return f"<{message.upper().replace('{HOST}', '{host}')}>"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"<{n}: {{n}}>"


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_can_be_spoken(name: str) -> None:
    use(name)
    assert tr("It is tried again.")


def test_a_text_is_said_in_the_language_chosen() -> None:
    use(CHINESE)
    assert tr("It is tried again.") == "会自动重试。"
    assert said(phrase("The connection to {host} was lost.", host="gpu01")) == "与 gpu01 的连接中断。"
    assert said(plural("{n} added", "{n} added", 1234)) == "新增 1,234 个"
    use(ENGLISH)
    assert tr("It is tried again.") == "It is tried again."
    assert said(phrase("The connection to {host} was lost.", host="gpu01")) == "The connection to gpu01 was lost."


def test_what_a_host_says_is_never_looked_up() -> None:
    use(CHINESE)
    assert said("It is tried again.") == "It is tried again."
    assert tr("{host} is connected", host="It is tried again.") == "It is tried again. 已连接"
    assert tr("{host} is connected", host="{host} {0.__class__}") == "{host} {0.__class__} 已连接"


def test_phrases_as_values_are_said_too() -> None:
    speak(Shouting())
    assert tr("at {host}", host=phrase("home")) == "<AT <HOME>>"
    assert trn("one", "many", 2, of=phrase("x")) == "<2: 2>"
    assert said(phrase("at {host}", host=phrase("home"))) == "<AT <HOME>>"


def test_numbers_can_be_told_apart() -> None:
    assert trn("{n} host", "{n} hosts", 1) == "1 host"
    assert trn("{n} host", "{n} hosts", 8000) == "8,000 hosts"
    assert tr("{n} of {all}", n=1, all=2) == "1 of 2"


def test_a_change_of_language_forgets_what_was_looked_up() -> None:
    assert tr("It is tried again.") == "It is tried again."
    use(CHINESE)
    assert tr("It is tried again.") != "It is tried again."


def test_the_catalogs_lie_beside_the_code() -> None:
    assert (language.LOCALE / CHINESE / "LC_MESSAGES" / f"{language.DOMAIN}.mo").is_file()
