"""No output, however broken, takes the reading down, and nothing of it grows without bound."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.remote.recordings import Recording, everything
from tui.domain.planned import MOST_PACKAGES
from tui.remote.condasays.cleaning import read_cleaning
from tui.remote.condasays.document import document
from tui.remote.condasays.matters import LONGEST_LINE, MOST_LINES
from tui.remote.condasays.outcome import read_outcome
from tui.remote.condasays.plan import read_plan
from tui.remote.condasays.progress import Phase, Progress, ProgressReader

CONTROLS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\udc80-\\udcff]")
KEYS = [
    *("success", "error", "message", "exception_name", "solver_problems", "actions", "LINK", "UNLINK", "FETCH"),
    *("PREFIX", "prefix", "name", "version", "size", "channel", "result", "msg", "dependencies"),
    *("tarballs", "pkg_sizes", "total_size", "index_cache", "files"),
]
SCRAPS = [
    *("\r", "\n", "\b", "\x1b[A", "\x1b[2K", "\x1b[31m", "\x1b]0;t\x07", "\x1b[", "\x1b", "\x00", "\x9b", "\udcff"),
    *("{", "}", "[", "]", '"', ":", ",", '{"success": true}', '{"actions": {"LINK": [{"name": 3}]}}', '{"error": []}'),
    *("error    libmamba ", "critical libmamba ", "trace    libmamba x", "SomeError: x", "[Y/n] ", "Aborted."),
    *("  + numpy 1 h0 c 2kB\n", "  - a", "  a b --> c::d\n", "The following packages will be UPDATED:\n", "│  └─ x"),
    *("Solving environment: ", "Downloading  (5) ━━╸━━ 12.1MB / 124.3MB @ 6.8MB/s pytorch 1.6s", "Linking a-1-2"),
    *("numpy-2 | 20.2 MB | ### |  50% ", "Package file  Size", "  Total size:  3MB", "Will remove 9 (3) tarball(s)."),
]
noise = st.lists(st.one_of(st.sampled_from(SCRAPS), st.text(max_size=8)), max_size=40).map("".join)
codes = st.one_of(st.none(), st.sampled_from([0, 0, 0, 1, 2, 109, 127, 130, -2, -6, -9, -15]), st.integers())
argvs = st.one_of(
    st.sampled_from([each.argv for each in everything()]),
    st.lists(st.one_of(st.sampled_from(["conda", "micromamba", "create", "env", "-y", "-n", "--dry-run"]), st.text())),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=25,
)
documents = values.map(json.dumps)


@settings(deadline=None, max_examples=300)
@given(argvs, codes, st.one_of(noise, documents), noise, st.sampled_from([None, True, False]))
def test_any_words_give_a_bounded_outcome(
    argv: list[str] | tuple[str, ...], code: int | None, stdout: str, stderr: str, existed: bool | None
) -> None:
    outcome = read_outcome(argv, code, stdout, stderr, existed=existed)
    assert len(outcome.lines) <= MOST_LINES
    assert all(len(line) <= LONGEST_LINE for line in outcome.lines)
    assert not CONTROLS.search("".join(outcome.lines))
    assert not (outcome.is_success and code != 0)
    assert outcome.is_success == (outcome.kind is None)


@settings(deadline=None, max_examples=300)
@given(st.one_of(noise, documents))
def test_any_words_give_a_plan_or_none(stdout: str) -> None:
    found = read_plan(stdout)
    if found is not None:
        assert all(each.name for each in (*found.link, *found.unlink))
        assert found.download_bytes is None or found.download_bytes >= 0
    for part in read_cleaning(stdout):
        assert part.count >= 0


@settings(deadline=None, max_examples=300)
@given(st.one_of(noise, st.sampled_from([each.stdout for each in everything() if each.tty])), st.data())
def test_progress_is_the_same_however_it_arrives(text: str, data: st.DataObject) -> None:
    whole = ProgressReader()
    whole.feed(text)
    cut = ProgressReader()
    at = 0
    while at < len(text):
        size = data.draw(st.integers(1, max(1, len(text) // 3)))
        cut.feed(text[at : at + size])
        at += size
    assert cut.progress == whole.progress


@settings(deadline=None, max_examples=100)
@given(st.sampled_from(everything()), st.data())
def test_a_recording_that_is_cut_off_is_no_surprise(each: Recording, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(each.stdout)))
    read_outcome(each.argv, each.exit_code, each.stdout[:end], each.stderr)
    read_plan(each.stdout[:end])


def test_deep_and_wide_documents_are_bounded() -> None:
    assert document("[" * 200_000) is None
    assert document('{"a":' * 200_000) is None
    assert document("{ " * 300_000) is None
    many = [{"name": f"p{at}", "version": "1", "size": 1} for at in range(MOST_PACKAGES + 5)]
    found = read_plan(json.dumps({"success": True, "actions": {"LINK": many, "FETCH": many}}))
    assert found is not None
    assert (len(found.link), found.cut, found.download_bytes) == (MOST_PACKAGES, True, None)


def test_a_flood_of_progress_keeps_little() -> None:
    reader = ProgressReader()
    for _ in range(200):
        reader.feed("x" * 10_000)
    assert reader.progress is None
    assert reader.feed("\rSolving environment: ") == Progress(Phase.SOLVING)


REPEATED = [
    *(" ", "\t", "1", "1 ", "━", "::", "a::", "-", "~", "[Y/n] ", "{", "\b"),
    *("Error in file ", "CondaToS", "spec file '"),
]
STARTS = ("", "Downloading ", "Extracting  (1) ", "  + a ", "  - ", "numpy | ", "  Package", "dependencies:", "error ")


@pytest.mark.parametrize("start", STARTS)
def test_no_line_costs_more_than_its_length(start: str) -> None:
    """What would take the cube of these lengths, or the square of the long one, would not come to its end."""
    for part in REPEATED:
        line = start + part * (200_000 // len(part)) + "x"
        short = start + part * (4000 // len(part)) + "x"
        read_outcome(("conda", "create", "-y"), 1, line, line)
        read_outcome(("micromamba", "env", "export"), 0, line)
        for text in (line, f"The following packages will be UPDATED:\n{short}\n"):
            read_plan(text)
            read_cleaning(text)
        ProgressReader().feed(f"{short}\r")


def test_a_document_beyond_all_measure_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert document('{"a": 1}') == {"a": 1}
    monkeypatch.setattr("tui.remote.condasays.document.MOST_JSON", 4)
    assert document('{"a": 1}') is None
