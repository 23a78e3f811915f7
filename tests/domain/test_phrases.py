"""Phrases: English everywhere, and sayable again in another language."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import Phrase, fill, joined, mark, phrase, plural

CHINESE = {
    "{host} did not answer.": "{host} 没有应答。",
    "{n} host": "{n} 台主机",
    "{before}, {next}": "{before}、{next}",
    "after {phase}: {what}": "{what}（{phase}之后）",
    "the login": "登录",
}


def one(template: str) -> str:
    return CHINESE.get(template, template)


def several(one_template: str, many: str, number: int) -> str:
    return CHINESE.get(one_template, one_template if number == 1 else many)


def said(text: str) -> str:
    assert isinstance(text, Phrase)
    return text.said(one, several)


def test_a_phrase_is_its_english_text() -> None:
    text = phrase("{host} did not answer.", host="gpu01")
    assert text == "gpu01 did not answer."
    assert hash(text) == hash("gpu01 did not answer.")
    assert f"{text}" == str(text) == "gpu01 did not answer."
    assert type(str(text)) is str
    assert text.startswith("gpu01")


def test_a_phrase_is_said_again_from_its_template() -> None:
    assert said(phrase("{host} did not answer.", host="gpu01")) == "gpu01 没有应答。"
    assert said(phrase("Nobody translated {this}.", this="one")) == "Nobody translated one."


def test_a_number_chooses_the_template() -> None:
    assert plural("{n} host", "{n} hosts", 1) == "1 host"
    assert plural("{n} host", "{n} hosts", 0) == "0 hosts"
    assert plural("{n} host", "{n} hosts", 1200) == "1,200 hosts"
    assert said(plural("{n} host", "{n} hosts", 1200)) == "1,200 台主机"


def test_phrases_within_phrases_are_said_again_too() -> None:
    text = phrase("after {phase}: {what}", phase=phrase("the login"), what=plural("{n} host", "{n} hosts", 2))
    assert text == "after the login: 2 hosts"
    assert said(text) == "2 台主机（登录之后）"


def test_parts_are_joined_piece_by_piece() -> None:
    parts = [phrase("the login"), "", "ssh", plural("{n} host", "{n} hosts", 2)]
    assert joined("{before}, {next}", parts) == "the login, ssh, 2 hosts"
    assert said(joined("{before}, {next}", parts)) == "登录、ssh、2 台主机"
    assert joined("{before}, {next}", []) == ""
    assert joined("{before}, {next}", ["alone"]) == "alone"


def test_a_marked_template_is_itself() -> None:
    assert mark("{host} did not answer.") == "{host} did not answer."


def test_a_fault_keeps_its_phrases_when_it_is_changed_copied_or_pickled() -> None:
    fault = Fault(FaultKind.TIMEOUT, phrase("{host} did not answer.", host="gpu01"), "")
    for kept in (fault.with_retry_at(5.0), replace(fault, remedy="x"), copy.deepcopy(fault)):
        assert said(kept.message) == "gpu01 没有应答。"
    again = pickle.loads(pickle.dumps(plural("{n} host", "{n} hosts", 3)))
    assert again == "3 hosts"
    assert said(again) == "3 台主机"


def test_what_makes_a_plain_text_of_it_leaves_the_english_words() -> None:
    text = phrase("{host} did not answer.", host="gpu01")
    for plain in (text[:5], text + "", text.upper(), f"{text}"):
        assert type(plain) is str


HOSTILE = st.one_of(
    st.text(),
    st.sampled_from(["{host}", "{host.__class__}", "{0}", "{}", "{host!r:>99999999}", "%s", "\\1", "{n}", "{{host}}"]),
)


@given(HOSTILE, HOSTILE)
def test_values_are_data_whatever_they_hold(host: str, reason: str) -> None:
    text = phrase("<{host}|{reason}|{host}>", host=host, reason=reason)
    assert text == f"<{host}|{reason}|{host}>"
    assert text.said(lambda template: "{reason}/{host}", several) == f"{reason}/{host}"


@given(st.text(alphabet="{}abc!.:0[] "), HOSTILE)
def test_a_template_reaches_nothing_behind_a_value(template: str, value: str) -> None:
    """A translation is a file: whatever stands in it, only the value as a whole goes in."""
    text = fill(template, {"a": value, "b": value})
    assert text == template.replace("{a}", "\0").replace("{b}", "\0").replace("\0", value)


def test_a_name_without_a_value_stays_as_it_is() -> None:
    assert phrase("{host} and {other}", host="a") == "a and {other}"
    assert phrase("no values: {host}") == "no values: {host}"
