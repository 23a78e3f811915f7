"""Whatever a table says of a row's state is found by typing it, and a filter that nothing can be told by says so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.driving import front, quiet, running, until
from tests.ui.fake_fleet import NOW, FakeFleet, environment, fault, session, usual_fleet
from tests.ui.test_views import text
from tui.domain.environments import DiskSize, EnvKind, Use
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.sessions import Pane, Window
from tui.domain.snapshot import Part
from tui.ui.present.faults import FAULT_WORDS

KINDS = [kind for kind in FaultKind if kind in (FaultKind.GHOST, FaultKind.INCOMPLETE, FaultKind.PERMISSION)]


def special() -> FakeFleet:
    """An environment in each state that there is."""
    made = FakeFleet([HostSpec("alpha"), HostSpec("beta")])
    one = environment("alpha", "x", fs_id="m:1")
    states = {
        "gone": replace(one, fault=fault(FaultKind.GHOST, "It went away.")),
        "incomplete": replace(one, fault=fault(FaultKind.INCOMPLETE, "Half of it is there.")),
        "not permitted": replace(one, fault=fault(FaultKind.PERMISSION, "Shut.")),
        "frozen": replace(one, frozen=True),
        "soft link": replace(one, linked_to="/far/away"),
        "protected": replace(one, protected=True, kind=EnvKind.NAMED),
        "read-only": replace(one, writable=False),
        "pip over conda": replace(one, clobbered=frozenset({"numpy"})),
        "running": replace(one, in_use=(Use(7, "ada", "python", "exe"),)),
    }
    rows = tuple(replace(env, prefix=f"/envs/{number}") for number, env in enumerate(states.values()))
    made.words = tuple(states)  # type: ignore[attr-defined]  # for the test alone
    made.state("alpha", HostState.UP)
    made.put("alpha", environments=Part(rows, NOW))
    made.state("beta", HostState.UP)
    made.put("beta", environments=Part((environment("beta", "y"),), NOW))
    return made


async def test_the_words_of_the_state_column_find_their_environment() -> None:
    made = special()
    async with running(made, (160, 40)) as (app, pilot):
        await pilot.press("2")
        await quiet(pilot)
        for number, word in enumerate(made.words):  # type: ignore[attr-defined]
            front(app).filter_bar_set(word)
            await until(pilot, lambda word=word: front(app).drawn_for == word)  # type: ignore[misc]
            await quiet(pilot)
            found = [row.key for row in front(app).grid.rows]
            assert ("alpha", f"/envs/{number}") in found, word
            assert ("beta", "/data/conda/envs/y") not in found, word


@pytest.mark.parametrize("mode", ["1", "6"])
@pytest.mark.parametrize(
    ("words", "hosts"),
    [
        ("no answer", ["bastion-lab"]),
        ("connecting", ["newbox"]),
        ("host key changed", ["oldkey"]),
        ("needs you", ["oldkey"]),
        ("tool hung", ["local"]),
        ("refused", ["attic"]),
        ("1 part missing", ["local"]),
    ],
)
async def test_the_words_of_a_hosts_state_find_it(mode: str, words: str, hosts: list[str]) -> None:
    async with running(usual_fleet(), (120, 30)) as (app, pilot):
        await pilot.press(mode)
        await quiet(pilot)
        front(app).filter_bar_set(words)
        await until(pilot, lambda: front(app).drawn_for == words)
        assert [row.key for row in front(app).grid.rows] == hosts


async def test_every_fault_of_a_host_is_found_by_its_words() -> None:
    made = FakeFleet([HostSpec("alpha"), HostSpec("beta")])
    async with running(made, (120, 30)) as (app, pilot):
        for kind in FaultKind:
            made.state("alpha", HostState.DOWN, fault(kind, "It is what it is."))
            front(app).filter_bar_set(FAULT_WORDS[kind])
            await until(pilot, lambda kind=kind: front(app).drawn_for == FAULT_WORDS[kind])  # type: ignore[misc]
            await until(pilot, lambda: [row.key for row in front(app).grid.rows] == ["alpha"])


async def test_the_words_of_what_a_session_runs_find_it() -> None:
    made = FakeFleet([HostSpec("alpha")])
    made.state("alpha", HostState.UP)
    idle = replace(session("alpha", "one"), windows=(Window("@1", 0, "w", True, (Pane("%1", 1, "bash"),)),))
    dead = (Pane("%1", 1, "python", dead=True, exit_status=3),)
    ended = replace(session("alpha", "two", 1), windows=(Window("@1", 0, "w", True, dead),))
    made.put("alpha", sessions=Part((idle, ended), NOW))
    async with running(made) as (app, pilot):
        await pilot.press("4")
        for words, name in (("idle", "$0"), ("ended with 3", "$1"), ("1 client", "$1")):
            front(app).filter_bar_set(words)
            await until(pilot, lambda words=words: front(app).drawn_for == words)  # type: ignore[misc]
            assert [row.key[2] for row in front(app).grid.rows] == [name]  # type: ignore[index]


async def test_a_size_that_nobody_measured_is_said_to_be_the_reason() -> None:
    async with running(special(), (100, 30)) as (app, pilot):
        await pilot.press("2", "slash", *"size>5G")
        await until(pilot, lambda: "size is not known of any yet  0 of 10" in text(app))
        assert "None of 10 environments matches “size>5G”" in text(app)
        assert "such a filter keeps only what is known" in text(app)
        await pilot.press("escape", "slash", *"host:zzz")
        await until(pilot, lambda: "matches “host:zzz”" in text(app))
        assert "not known" not in text(app)


async def test_rows_left_out_because_something_is_not_known_of_them_are_counted() -> None:
    made = special()
    big = environment("beta", "big", size=DiskSize(6 << 30, 1, 1, 1, NOW))
    made.put("beta", environments=Part((big, environment("beta", "y")), NOW))
    async with running(made, (100, 30)) as (app, pilot):
        await pilot.press("2", "slash", *"size>5G")
        await until(pilot, lambda: "size not known of 10  1 of 11" in text(app))
        await pilot.press("escape", "slash", *"host:beta")
        await until(pilot, lambda: front(app).drawn_for == "host:beta")
        assert "not known of" not in text(app)


async def test_hosts_that_wait_for_a_person_are_said_to_be_left_alone() -> None:
    made = special()
    shut = fault(FaultKind.AUTH_FAILED, "No key fits.")
    async with running(made, (100, 30)) as (app, pilot):
        for host, words in (
            (None, "Asking all hosts again"),
            ("beta", "Asking all hosts again but 1 that waits for you: r on it tries it"),
            ("alpha", "Each host waits for you: r on one tries it"),
        ):
            if host is not None:
                made.state(host, HostState.DOWN, shut)
            await pilot.press("R")
            await until(pilot, lambda words=words: words in [note.message for note in app._notifications])  # type: ignore[misc]  # mypy infers none


async def test_an_environment_that_several_hosts_show_is_found_as_shared() -> None:
    made = special()
    env = environment("alpha", "x", fs_id="export:/1")
    async with running(made, (100, 30)) as (app, pilot):
        await pilot.press("2", "slash", *"is:shared")
        await until(pilot, lambda: front(app).drawn_for == "is:shared")
        made.put("alpha", environments=Part((env, environment("alpha", "own", fs_id="m:2")), NOW))
        await until(pilot, lambda: not front(app).grid.rows)
        assert "not known of any yet" not in text(app)
        made.put("beta", environments=Part((replace(env, host="beta"),), NOW))
        await until(pilot, lambda: {row.key[0] for row in front(app).grid.rows} == {"alpha", "beta"})  # type: ignore[index]
        made.put("alpha", environments=Part((environment("alpha", "own"),), NOW))
        made.put("beta", environments=Part((environment("beta", "own"),), NOW))
        await until(pilot, lambda: "is:shared is not known of any yet" in text(app))
