"""``packages HOST:ENV --history``."""

from __future__ import annotations

import pytest

from tests.cli.fakes import BUSY, HOSTILE, HOSTILE_SHOWN, Answer, FakeBackend, Run, environment, fleet
from tui.domain.faults import Fault, FaultKind
from tui.domain.history import Dist, History, Request, Revision

OLD, NEW = Dist("numpy", "1.25.0", "py311_0", "conda-forge"), Dist("numpy", "1.26.4", "py311_0", "conda-forge")
FIRST = Revision(0, 1.7e9, "conda create -n cv-resnet50 numpy=1.25", "26.7.1", (), (OLD,), ())
LAST = Revision(
    1, 1.71e9, f"conda install {HOSTILE}", None, (OLD,), (NEW, Dist("odd")), (Request("update", ("numpy=1.26",)),)
)
WHOLE = History((LAST, FIRST))
GHOST = Fault(FaultKind.GHOST, "gpu01:/gone is not there any more.", "Refresh.")


def backend(history: History | Fault | None) -> FakeBackend:
    known = {} if history is None else {BUSY.prefix: history}
    return fleet({"gpu01": Answer({"environments": (BUSY, environment("gpu01", None))}, histories=known)})


def test_json_has_the_history_beside_the_packages(run: Run) -> None:
    done = run(backend(WHOLE), "packages", "gpu01:cv-resnet50", "--history", "--json")
    assert done.code == 0
    assert len(done.json["packages"]) == 2
    assert done.json["history_complete"] is True
    last, first = done.json["history"]
    assert first == {
        "revision": 0,
        "time": "2023-11-14T22:13:20Z",
        "command": "conda create -n cv-resnet50 numpy=1.25",
        "conda_version": "26.7.1",
        "added": [{"name": "numpy", "version": "1.25.0", "build": "py311_0", "channel": "conda-forge"}],
        "removed": [],
        "requests": [],
    }
    assert last["command"] == f"conda install {HOSTILE_SHOWN}"
    assert last["added"][1] == {"name": "odd", "version": None, "build": None, "channel": None}
    assert last["requests"] == [{"action": "update", "specs": ["numpy=1.26"]}]


def test_without_the_option_nothing_is_asked_and_no_field_is_there(run: Run) -> None:
    done = run(backend(None), "packages", "gpu01:cv-resnet50", "--json")
    assert done.code == 0
    assert "history" not in done.json


def test_the_table_is_the_history_newest_first(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = run(backend(WHOLE), "packages", "gpu01:cv-resnet50", "--history").out.splitlines()
    assert lines[0].split() == ["REV", "TIME", "ADDED", "REMOVED", "COMMAND"]
    assert lines[1].split()[0] == "1" and lines[1].endswith(HOSTILE_SHOWN)
    assert lines[2].split()[0] == "0" and "conda create" in lines[2]


def test_json_lines_have_a_line_for_each_change(run: Run) -> None:
    done = run(backend(WHOLE), "packages", "gpu01:cv-resnet50", "--history", "--json-lines")
    assert [line["change"]["revision"] for line in done.json_lines if line["event"] == "revision"] == [1, 0]


def test_an_empty_or_cut_history_says_so(run: Run) -> None:
    assert "history is empty" in run(backend(History()), "packages", "gpu01:cv-resnet50", "--history").err
    cut = run(backend(History((LAST,), complete=False)), "packages", "gpu01:cv-resnet50", "--history")
    assert "its beginning was not read" in cut.err


def test_a_history_that_cannot_be_read_fails_with_its_reason(run: Run) -> None:
    done = run(backend(GHOST), "packages", "gpu01:cv-resnet50", "--history", "--json")
    assert done.code == 1
    assert done.json["error"]["kind"] == "ghost"


def test_a_history_that_never_arrives_is_given_up(run: Run) -> None:
    done = run(backend(None), "packages", "gpu01:cv-resnet50", "--history", "--json")
    assert done.code == 1
    assert done.json["error"]["kind"] == "timeout"
