"""No remedy of a command promises what only a screen that stays open does."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from tests.cli.fakes import REFUSED, Answer, Run, fleet
from tests.messages import marked
from tui.cli.once import once

PROMISE = re.compile(r"\b(is|are) (tried|asked|looked at|read) again\b|\bby itself\b|\brefresh\b", re.I)
BELOW = ("tui/domain/", "tui/fleet/", "tui/remote/", "tui/services/")
PROMISES = sorted(
    text.text
    for text in marked().values()
    if any(file.startswith(BELOW) for file in text.files) and PROMISE.search(text.text)
)


def test_promises_are_found() -> None:
    assert "It is tried again by itself." in PROMISES
    assert len(PROMISES) > 5


@pytest.mark.parametrize("remedy", PROMISES)
def test_every_promise_has_words_of_its_own_for_a_run_that_is_over(remedy: str) -> None:
    assert not PROMISE.search(once(remedy)), once(remedy)
    assert once(remedy)[0].isupper()


def test_other_remedies_stay_as_they_are() -> None:
    assert once(REFUSED.remedy) == REFUSED.remedy
    assert once("") == ""


def test_a_command_promises_nothing_in_json_nor_on_stderr(run: Run) -> None:
    lost = replace(REFUSED, remedy="It is tried again; sshd's log on the host says why.")
    done = run(fleet({"gpu01": Answer(fault=lost)}), "envs", "--json")
    assert json.loads(done.out)["hosts"][0]["fault"]["remedy"] == "Try again; sshd's log on the host says why."
    assert "It is tried again" not in done.out + done.err
    assert "→ Try again; sshd's log" in done.err
