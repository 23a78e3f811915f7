"""Cells, columns, words and the bridge: what holds for any input."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.ui.fake_fleet import HOSTILE, NOW, environment, fault, session
from tui.domain.environments import Use
from tui.domain.faults import FaultKind
from tui.domain.gpus import Gpu, GpuProcess
from tui.domain.hosts import HostSpec, HostState
from tui.domain.sessions import Pane, Window
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.steps import finish
from tui.domain.text import parse_printed
from tui.services.events import Bus, HostChanged, HostLogged, SnapshotChanged
from tui.services.store import HostView
from tui.ui.bridge import PERIOD_S, Bridge, Changes
from tui.ui.present.cell import LONGEST, Tone, cell, fit, plain, remote, shown, width, wrap
from tui.ui.present.faults import FAULT_WORDS
from tui.ui.present.notes import empty_note, missing_cell
from tui.ui.present.sessions import detail
from tui.ui.present.table import Column, Row, fit_columns, matching
from tui.ui.present.words import ago, countdown, percent_bar, size, size_long, span

texts = st.one_of(st.text(max_size=60), st.sampled_from(HOSTILE), st.text("深度学习👩‍🔬🚀e\u0301ab ", max_size=40))
cells = st.lists(st.tuples(texts.map(shown), st.sampled_from(Tone)), max_size=4).map(tuple)


@settings(max_examples=200)
@given(cells, st.integers(0, 50), st.booleans())
def test_a_fitted_cell_has_exactly_its_width(spans: tuple[tuple[str, Tone], ...], columns: int, right: bool) -> None:
    assert width(fit(spans, columns, right=right)) == columns


@settings(max_examples=200)
@given(cells, st.integers(4, 50), st.integers(0, 10))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(
    spans: tuple[tuple[str, Tone], ...], columns: int, hang: int
) -> None:
    lines = wrap(spans, columns, hang)
    assert all(width(line) <= columns for line in lines)
    assert "".join("".join(map(plain, lines)).split()) == "".join(plain(spans).split())


@given(st.one_of(st.text(st.characters(), max_size=200), st.sampled_from(HOSTILE)))
def test_a_remote_cell_holds_nothing_that_a_terminal_obeys(text: str) -> None:
    kinds = {unicodedata.category(char) for char in plain(remote(text)) if char not in "\u200c\u200d"}
    assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text("👩‍🔬🚀ab\u200d\ufe0f\\ ", max_size=20))
def test_what_is_shown_can_be_typed_back(text: str) -> None:
    assert parse_printed(shown(text)) == text


def test_joiners_stay_between_pictures_alone() -> None:
    assert shown("👩‍🔬") == "👩‍🔬"
    assert shown("a\u200db") == "a\\xe2\\x80\\x8db"


def test_a_gigantic_name_is_cut() -> None:
    assert len(plain(remote("n" * 1_000_000))) == LONGEST + 1


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 30), st.integers(0, 60)), min_size=1, max_size=9),
    st.integers(4, 200),
)
def test_columns_never_overflow_and_the_least_important_go_first(spec: list[tuple[int, int, int]], room: int) -> None:
    columns = [Column(str(place), "T", place, least, 60) for place, (_, least, _) in enumerate(spec)]
    widths = fit_columns(columns, [natural for *_, natural in spec], room)
    kept = [each for each in widths if each]
    assert sum(widths[1:]) == 0 or sum(kept) + 2 * (len(kept) - 1) <= room
    assert widths == [*kept, *[0] * (len(widths) - len(kept))]


def test_every_kind_of_fault_has_words() -> None:
    assert set(FAULT_WORDS) == set(FaultKind)
    assert all(cell_len(words) <= 22 for words in FAULT_WORDS.values())


def test_a_filter_wants_all_words() -> None:
    rows = [
        Row(name, (cell(name), lambda now: cell("live")), also="Extra") for name in ("Alpha one", "alpha two", "beta")
    ]
    assert [row.key for row in finish(matching(rows, "ALPHA two"))] == ["alpha two"]
    assert [row.key for row in finish(matching(rows, "extra beta"))] == ["beta"]
    assert len(finish(matching(rows, "  "))) == 3


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (7300, "2h"), (86400 * 3, "3d"), (86400 * 800, "2y"), (-5, "0s")],
)
def test_spans_are_told_in_their_largest_unit(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_unknown_is_never_zero() -> None:
    assert ago(None, NOW) == size(None) == size_long(None) == "–"
    assert plain(percent_bar(None)) == "–"


def test_sizes_keep_their_width() -> None:
    assert [size(value) for value in (0, 999, 1023, 1024, 10 << 20, 999 << 30, 1023 << 30, 4 << 40)] == [
        "0B", "999B", "1.0K", "1.0K", "10M", "999G", "1.0T", "4.0T",
    ]  # fmt: skip
    assert size_long(1536 << 20) == "1.5 GiB"


def test_a_due_try_says_now() -> None:
    assert countdown(NOW - 3, NOW) == "now"
    assert countdown(NOW + 75, NOW) == "in 1m"


def test_a_run_that_ended_says_when_where_that_is_known() -> None:
    def told(ended: float | None) -> list[str]:
        pane = Pane("%1", 7, "python", dead=True, exit_status=3, ended=ended)
        made = session("alpha", "one", windows=(Window("@1", 0, "w", True, (pane,)),))
        return [plain(line.value) for line in detail(made, _view("alpha", HostState.UP), NOW)]

    assert told(NOW - 7200)[-1] == "%1  ended with 3  2h ago  pid 7"
    assert told(None)[-1] == "%1  ended with 3  pid 7"


@pytest.mark.parametrize(
    ("pid", "command", "told"),
    [
        (7, "/envs/a b/bin/python train.py --lr 1", "python"),  # which of these words is the program cannot be known
        (7, "/envs/a/bin/python train.py --lr 1\x1b[2J", "python train.py --lr 1\\x1b[2J"),
        (7, "python", "python"),
        (7, "/bin/bash -l", "python"),  # it was a shell, and another program is in front
        (7, None, "python"),
        (8, "/envs/a/bin/python train.py", "python"),
    ],
)
@pytest.mark.parametrize("on_gpu", [True, False])
def test_a_run_is_told_with_its_script_where_its_command_line_is_known(
    pid: int, command: str | None, told: str, on_gpu: bool
) -> None:
    made = session("alpha", "one", windows=(Window("@1", 0, "w", True, (Pane("%1", 7, "python"),)),))
    gpus = (Gpu("alpha", 0, processes=(GpuProcess(pid, command=command),)),) if on_gpu else ()
    uses = () if on_gpu else (environment("alpha", "a", in_use=(Use(pid, "ada", command),)),)
    view = _view("alpha", HostState.UP, gpus=Part(gpus, NOW), environments=Part(uses, NOW))
    assert plain(detail(made, view, NOW)[-1].value) == f"%1  {told}  pid 7"
    old = replace(view, stale_parts=frozenset({"gpus", "environments"}))
    assert plain(detail(made, old, NOW)[-1].value) == "%1  python  pid 7"


def _view(name: str, state: HostState, kind: FaultKind | None = None, **parts: Part[object]) -> HostView:
    why = fault(kind, f"{name} failed.") if kind else None
    return HostView(HostSpec(name), state, HostSnapshot(name, **parts), why)  # type: ignore[arg-type]  # names from PARTS


def test_an_empty_list_says_whether_it_waits_failed_or_is_empty() -> None:
    waiting = _view("a", HostState.CONNECTING)
    failed = _view("b", HostState.DOWN, FaultKind.AUTH_FAILED)
    empty = _view("c", HostState.UP, sessions=Part((), NOW))
    broken = _view("d", HostState.UP, sessions=Part(None, None, fault(FaultKind.TOOL_MISSING, "d has no tmux.")))

    def headline(*views: HostView) -> str:
        return empty_note(views, "sessions", "sessions", NOW).headline

    assert headline() == "There are no hosts in the fleet yet"
    assert headline(empty) == "No sessions on c"
    assert headline(empty, empty) == "No sessions on the 2 hosts"
    assert headline(failed, broken) == "No host could tell its sessions"
    assert headline(empty, failed) == "No sessions found; 1 host could not say"
    assert headline(waiting, failed) == "Waiting for sessions"
    said = plain(missing_cell([waiting, failed, broken, empty], "sessions", NOW))
    assert "b: login refused, not tried again before you act" in said
    assert "d: tool missing" in said
    assert "1 host not answered yet" in said


class _Time:
    """A timer and a clock by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None]]] = []

    def later(self, seconds: float, callback: Callable[[], None]) -> None:
        self.due.append((self.now + seconds, callback))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.due and min(self.due, key=lambda item: item[0])[0] <= end:
            item = min(self.due, key=lambda item: item[0])
            self.due.remove(item)
            self.now = max(self.now, item[0])
            item[1]()
        self.now = end


def test_a_storm_of_events_repaints_at_most_ten_times_a_second_and_loses_none() -> None:
    bus, by_hand, seen = Bus(), _Time(), list[Changes]()
    Bridge(bus, seen.append, by_hand.later, lambda: by_hand.now)
    for number in range(1000):
        bus.publish(SnapshotChanged(f"h{number}", NOW, frozenset({"load"})))
        bus.publish(HostLogged(f"h{number}", NOW, "line"))
        by_hand.run(0.001)
    by_hand.run(PERIOD_S)
    assert len(seen) <= 11
    assert set().union(*(changes.hosts for changes in seen)) == {f"h{number}" for number in range(1000)}
    assert set().union(*(changes.logged for changes in seen)) == {f"h{number}" for number in range(1000)}


def test_a_held_bridge_is_silent_and_then_delivers_what_came() -> None:
    bus, by_hand, seen = Bus(), _Time(), list[Changes]()
    bridge = Bridge(bus, seen.append, by_hand.later, lambda: by_hand.now)
    bridge.hold()
    bus.publish(HostChanged("a", NOW))
    by_hand.run(1)
    assert not seen
    bridge.release()
    by_hand.run(1)
    assert [changes.hosts for changes in seen] == [{"a"}]


def test_a_column_that_holds_nothing_leaves_its_room_to_the_others() -> None:
    columns = (Column("a", "A", 0, 4, 9), Column("b", "B", 1, 4, 9, sparse=True), Column("c", "C", 2, 4, 9))
    assert fit_columns(columns, [5, 0, 5], 12) == [5, 0, 5]
    assert fit_columns(columns, [5, 1, 5], 12) == [5, 1, 0]
