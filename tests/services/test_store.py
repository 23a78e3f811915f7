"""The store: one value for each host, an event for each change, and nothing recomputed that did not change."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tui.domain.environments import Environment, EnvKind, Manager
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Load
from tui.domain.snapshot import Part
from tui.services.events import Bus, Event, HostChanged, HostLogged, SnapshotChanged
from tui.services.schedule import PARTS_OF, Ask, asks_for
from tui.services.store import LOG_LINES, Store


def made() -> tuple[Store, list[Event]]:
    bus = Bus()
    events: list[Event] = []
    bus.subscribe(events.append)
    return Store([HostSpec("a"), HostSpec("b")], bus), events


def environment(host: str, name: str) -> Environment:
    return Environment(host, f"/e/{name}", name, EnvKind.NAMED, None, Manager.CONDA)


def test_each_change_is_published_once_and_no_change_is_not() -> None:
    store, events = made()
    fault = Fault(FaultKind.TIMEOUT, "late", "")
    store.set_state("a", HostState.WAITING, fault, 5.0)
    store.set_state("a", HostState.WAITING, fault, 6.0)
    store.set_parts("a", {"load": Part(Load(1.0), 7.0)}, 7.0)
    store.set_parts("a", {}, 8.0)
    store.write_log("a", "resolving", 9.0)
    assert events == [
        HostChanged("a", 5.0), SnapshotChanged("a", 7.0, frozenset({"load"})), HostLogged("a", 9.0, "resolving")
    ]  # fmt: skip


def test_hosts_keep_the_order_of_the_configuration_and_are_immutable_values() -> None:
    store, _ = made()
    before = store.host("a")
    store.set_parts("b", {"load": Part(Load(1.0), 7.0)}, 7.0)
    store.set_parts("a", {"load": Part(Load(2.0), 7.0)}, 7.0)
    assert [view.name for view in store.hosts()] == ["a", "b"]
    assert before.snapshot.load.value is None


def test_joined_lists_are_the_same_object_until_one_of_them_changes() -> None:
    store, _ = made()
    store.set_parts("b", {"environments": Part((environment("b", "x"),), 1.0)}, 1.0)
    joined = store.environments()
    store.set_parts("a", {"load": Part(Load(2.0), 7.0)}, 7.0)
    assert store.environments() is joined
    store.set_parts("a", {"environments": Part((environment("a", "y"),), 2.0)}, 2.0)
    assert [env.host for env in store.environments()] == ["a", "b"]


def test_a_host_is_kept_from_an_earlier_start_until_anything_arrives_for_it() -> None:
    store, _ = made()
    assert not store.host("a").kept, "nothing is known, so nothing is old"
    old: dict[str, Part[Any]] = {"load": Part(Load(1.0), 3.0), "environments": Part((environment("a", "x"),), 3.0)}
    store.set_parts("a", old, 5.0, stale=True)
    assert store.host("a").kept
    store.set_parts("a", {"load": Part(Load(2.0), 7.0)}, 7.0)
    view = store.host("a")
    assert not view.kept
    assert view.stale_parts == {"environments"}
    assert view.snapshot.stale
    store.set_parts("a", {"environments": Part((environment("a", "x"),), 8.0)}, 8.0)
    assert not store.host("a").snapshot.stale


def test_a_hosts_log_is_bounded() -> None:
    store, _ = made()
    for number in range(LOG_LINES + 10):
        store.write_log("a", str(number), float(number))
    assert len(store.log("a")) == LOG_LINES
    assert store.log("a")[-1] == (LOG_LINES + 9.0, str(LOG_LINES + 9))


def test_a_subscriber_that_raises_keeps_nothing_from_the_others(caplog: pytest.LogCaptureFixture) -> None:
    bus = Bus()
    events: list[Event] = []

    def broken(event: Event) -> None:
        raise RuntimeError("screen gone")

    bus.subscribe(broken)
    stop = bus.subscribe(events.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(HostChanged("a", 1.0))
    stop()
    stop()
    bus.publish(HostChanged("a", 2.0))
    assert events == [HostChanged("a", 1.0)]
    assert "screen gone" in caplog.text


def test_every_part_belongs_to_exactly_one_question() -> None:
    assert asks_for({"sessions", "mounts"}) == {Ask.STATUS, Ask.MOUNTS}
    for ask, parts in PARTS_OF.items():
        for part in parts:
            assert asks_for([part]) == {ask}
