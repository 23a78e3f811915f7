"""How hosts are watched: what is asked when, and what one host's trouble costs the others (nothing)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time

import pytest

from tests.fakes import FakeClock, eventually
from tests.services.fakes_services import FakeSnapshots, FakeWorld, Reading, fault, running
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostState
from tui.domain.machine import Load
from tui.domain.snapshot import PARTS, Part
from tui.ports import ConnectionFacts, Notice
from tui.services.engine import FleetService
from tui.services.events import HostNoticed

ALL = frozenset(PARTS)


async def hang() -> None:
    await asyncio.Event().wait()


async def silence() -> Reading:
    await hang()
    raise AssertionError


def inventory_held_by(world: FakeWorld) -> asyncio.Event:
    """No inventory of the host ``a`` is answered before the event is set."""
    go = asyncio.Event()

    async def slow() -> Reading:
        await go.wait()
        return Reading(world["a"].usual("inventory"))

    world["a"].answers["inventory"] = slow
    return go


async def some_rounds() -> None:
    """Let the loop go round often enough for a loss and all that follows it."""
    for _ in range(30):
        await asyncio.sleep(0)


def state(service: FleetService, host: str) -> HostState:
    return service.store.host(host).state


async def test_every_part_arrives_and_status_comes_first() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        await service.settled(["a"], ALL)
        view = service.store.host("a")
        assert view.state is HostState.UP
        assert all(part.value is not None and part.time is not None for part in view.snapshot.parts().values())
        _, first = world["a"].asked[0]
        assert first == "status"
        assert view.facts.address == "a"


async def test_nothing_else_is_asked_before_the_first_status_is_there() -> None:
    world = FakeWorld(["a"])
    go = asyncio.Event()

    async def slow() -> Reading:
        await go.wait()
        return Reading(world["a"].usual("status"))

    world["a"].answers["status"] = slow
    async with running(world) as service:
        await eventually(lambda: world["a"].asked)
        await some_rounds()
        assert [what for _, what in world["a"].asked] == ["status"]
        go.set()
        await service.settled(["a"], ALL)


async def test_dead_hosts_do_not_delay_others() -> None:
    world = FakeWorld(["hangs", "refuses", "broken", "fine"])
    world["hangs"].connects = [hang]
    world["refuses"].connects = [fault(FaultKind.REFUSED)]
    world["broken"].answers["status"] = silence
    async with running(world) as service:
        await asyncio.wait_for(service.settled(["refuses", "fine"], ALL), 30)
        assert world.clock.monotonic() == 0
        assert state(service, "fine") is HostState.UP
        assert state(service, "refuses") is HostState.WAITING
        assert state(service, "hangs") is HostState.CONNECTING


async def test_a_hung_part_holds_up_no_other_and_is_given_up_at_its_limit() -> None:
    world = FakeWorld(["a"])
    world["a"].answers["mounts"] = silence
    async with running(world) as service:
        await service.settled(["a"], ALL - {"mounts"})
        assert service.store.host("a").busy == {"mounts"}
        await world.clock.advance(61)
        await service.settled(["a"], {"mounts"})
        mounts = service.store.host("a").snapshot.mounts
        assert mounts.value is None
        assert mounts.fault is not None and mounts.fault.kind is FaultKind.TOOL_HUNG
        assert state(service, "a") is HostState.UP
        assert len(world["a"].times("status")) > 10


async def test_a_status_that_never_comes_means_that_the_host_is_not_up() -> None:
    world = FakeWorld(["a"])
    world["a"].answers["status"] = silence
    async with running(world) as service:
        await eventually(lambda: world["a"].times("status"))
        await world.clock.advance(60)
        await service.settled(["a"], ALL)
        view = service.store.host("a")
        assert view.state is HostState.WAITING
        assert view.fault is not None and view.fault.kind is FaultKind.TIMEOUT


async def test_what_is_asked_already_is_not_asked_twice() -> None:
    world = FakeWorld(["a"])
    go = inventory_held_by(world)
    async with running(world) as service:
        await eventually(lambda: world["a"].times("inventory"))
        for _ in range(5):
            service.refresh(["a"], ["environments"])
        await world.clock.advance(1)
        go.set()
        await service.settled(["a"], ALL)
        await world.clock.advance(4)
        assert len(world["a"].times("inventory")) == 1
        assert world["a"].most["inventory"] == 1


async def test_after_a_change_an_answer_under_way_is_asked_once_more() -> None:
    world = FakeWorld(["a"])
    go = inventory_held_by(world)
    async with running(world) as service:
        await eventually(lambda: world["a"].times("inventory"))
        service.refresh(["a"], ["environments"], changed=True)
        service.refresh(["a"], ["environments"], changed=True)
        go.set()
        await eventually(lambda: len(world["a"].times("inventory")) == 2)
        await world.clock.advance(4)
        assert len(world["a"].times("inventory")) == 2
        assert world["a"].most["inventory"] == 1


async def test_refresh_asks_at_once_and_only_what_it_names() -> None:
    world = FakeWorld(["a", "b"])
    async with running(world) as service:
        await service.settled(["a", "b"], ALL)
        await world.clock.advance(1)
        service.refresh(["a"], ["gpus"])
        await eventually(lambda: len(world["a"].times("gpus")) == 2)
        assert world["a"].forced == [False, True]
        assert len(world["b"].times("gpus")) == 1
        assert len(world["a"].times("inventory")) == 1


async def test_a_part_is_asked_again_at_its_interval() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        await service.settled(["a"], ALL)
        await world.clock.advance(31)
        assert world["a"].times("status") == [0, 5, 10, 15, 20, 25, 30]
        assert world["a"].times("gpus") == [0, 5, 10, 15, 20, 25, 30]
        assert world["a"].times("mounts") == [0, 15, 30]
        assert world["a"].times("inventory") == [0]


async def test_what_nobody_looks_at_comes_later_and_less_often() -> None:
    world = FakeWorld(["seen", "hidden"])
    service = world.service()
    service.set_visible(["seen"], ["load", "gpus"])
    await service.start()
    await service.settled(["seen"], ["gpus"])
    await world.clock.advance(31)
    assert world["seen"].times("gpus") == [0, 5, 10, 15, 20, 25, 30]
    assert world["seen"].times("inventory") == [3]
    assert world["hidden"].times("status") == [0, 15, 30]
    assert world["hidden"].times("gpus") == [3]
    await service.close()


async def test_what_comes_into_sight_is_asked_when_it_is_too_old() -> None:
    world = FakeWorld(["a"])
    service = world.service()
    service.set_visible([], [])
    await service.start()
    await service.settled(["a"], ALL - {"environments", "installs", "mounts", "gpus"})
    await world.clock.advance(12)
    assert world["a"].times("gpus") == [3]
    service.set_visible(["a"], ["gpus"])
    await eventually(lambda: world["a"].times("gpus") == [3, 12])
    await service.close()


async def test_a_host_that_answers_slower_than_the_interval_gets_a_pause() -> None:
    world = FakeWorld(["a"])

    async def slow() -> Reading:
        await world.clock.sleep(9)
        return Reading(world["a"].usual("gpus"))

    world["a"].answers["gpus"] = slow
    async with running(world) as service:
        await service.settled(["a"], ["load"])
        await world.clock.advance(25)
        assert world["a"].times("gpus") == [0, 10.25, 20.5]


async def test_a_changed_host_gets_an_early_inventory_but_not_in_a_row() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        await service.settled(["a"], ALL)
        world["a"].due = True
        await world.clock.advance(29)
        assert world["a"].times("inventory") == [0, 10, 20]


async def test_a_part_that_fails_keeps_its_old_value_and_its_time() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        await service.settled(["a"], ALL)
        known = service.store.host("a").snapshot.gpus

        async def hung() -> Reading:
            return Reading({"gpus": Part(None, None, Fault(FaultKind.TOOL_HUNG, "nvidia-smi hangs", ""))})

        world["a"].answers["gpus"] = hung
        await world.clock.advance(6)
        gpus = service.store.host("a").snapshot.gpus
        assert (gpus.value, gpus.time) == (known.value, known.time)
        assert gpus.fault is not None and gpus.fault.message == "nvidia-smi hangs"


async def test_a_lost_connection_keeps_all_values_and_comes_back() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        await service.settled(["a"], ALL)
        connection = world["a"].connection
        assert connection is not None
        connection.lose()
        await eventually(lambda: state(service, "a") is HostState.WAITING)
        view = service.store.host("a")
        assert view.fault is not None and view.fault.kind is FaultKind.LOST
        assert view.fault.retry_at == world.clock.now() + 1.5
        assert view.snapshot.load.value == Load(load1=0.0)
        assert view.busy == frozenset()
        await world.clock.advance(2)
        await eventually(lambda: state(service, "a") is HostState.UP)
        assert service.store.host("a").fault is None
        assert world["a"].closed == 1
        assert world["a"].times("inventory") == [0], "what is fresh is not asked again after a short loss"


async def test_what_was_under_way_at_a_loss_is_asked_again_at_once() -> None:
    world = FakeWorld(["a"])
    world["a"].answers["inventory"] = silence
    async with running(world) as service:
        await eventually(lambda: world["a"].times("inventory"))
        del world["a"].answers["inventory"]
        connection = world["a"].connection
        assert connection is not None
        connection.lose()
        await eventually(lambda: state(service, "a") is HostState.WAITING)
        await world.clock.advance(2)
        await asyncio.wait_for(service.settled(["a"], ALL), 30)
        assert len(world["a"].times("inventory")) == 2


async def test_delays_grow_up_to_five_minutes_and_begin_anew_after_a_stable_minute() -> None:
    world = FakeWorld(["a"])
    world["a"].connects = [fault() for _ in range(10)]
    async with running(world) as service:
        await eventually(lambda: world["a"].tries)
        for _ in range(10):
            await world.clock.advance(300)
        gaps = [b - a for a, b in zip(world["a"].tries, world["a"].tries[1:], strict=False)]
        assert gaps == [1.5, 3, 6, 12, 24, 48, 96, 192, 225, 225]
        await eventually(lambda: state(service, "a") is HostState.UP)
        connection = world["a"].connection
        assert connection is not None
        await world.clock.advance(61)
        connection.lose()
        await eventually(lambda: state(service, "a") is HostState.WAITING)
        fault_now = service.store.host("a").fault
        assert fault_now is not None and fault_now.retry_at == world.clock.now() + 1.5


async def test_a_connection_that_breaks_at_once_again_and_again_is_tried_less_and_less() -> None:
    world = FakeWorld(["a"])

    async def broken() -> Reading:
        raise fault(FaultKind.SHELL_BROKEN)

    world["a"].answers["status"] = broken
    async with running(world):
        await eventually(lambda: world["a"].tries)
        for _ in range(46):
            await world.clock.advance(0.5)
            await some_rounds()
        assert world["a"].tries == [0, 1.5, 4.5, 10.5, 22.5]


@pytest.mark.parametrize(
    "why",
    [
        Fault(FaultKind.HOST_KEY_CHANGED, "m", "r"),
        Fault(FaultKind.AUTH_FAILED, "m", "r"),
        Fault(FaultKind.JUMP_FAILED, "m", "r", needs_person=True),
    ],
)
async def test_what_only_a_person_can_cure_is_not_tried_again_before_one_acts(why: Fault) -> None:
    world = FakeWorld(["a"])
    world["a"].connects = [HostFaultError(why)]
    async with running(world) as service:
        await service.settled(["a"], ALL)
        assert state(service, "a") is HostState.DOWN
        await world.clock.advance(4000)
        service.refresh()
        service.refresh(["a"], ["sessions"])
        service.refresh(["a"], changed=True)
        await some_rounds()
        assert len(world["a"].tries) == 1
        service.reconnect("a")
        await eventually(lambda: state(service, "a") is HostState.UP)


async def test_refreshing_a_host_that_waits_for_a_person_tries_it_as_reconnecting_does() -> None:
    world = FakeWorld(["a", "b"])
    refused = HostFaultError(Fault(FaultKind.HOST_KEY_UNKNOWN, "m", "r"))
    world["a"].connects, world["b"].connects = [refused, refused], [refused]
    async with running(world) as service:
        for tries in (1, 2):
            await service.settled(["a", "b"], ALL)
            assert (state(service, "a"), len(world["a"].tries)) == (HostState.DOWN, tries)
            service.refresh(["a"])
        await eventually(lambda: state(service, "a") is HostState.UP)
        assert [text for _, text in service.store.log("a")].count("trying again, as asked") == 2
        assert (state(service, "b"), len(world["b"].tries)) == (HostState.DOWN, 1)


async def test_where_a_host_was_tried_is_known_though_it_was_never_reached() -> None:
    world = FakeWorld(["a"])
    world["a"].connects = [fault()]
    async with running(world) as service:
        await service.settled(["a"], ALL)
        view = service.store.host("a")
        assert view.state is HostState.WAITING and view.fault is not None and view.fault.retry_at is not None
        assert view.facts == ConnectionFacts(address="a.example", port=2200, user="ada")


async def test_refreshing_a_waiting_host_tries_it_at_once() -> None:
    world = FakeWorld(["a"])
    world["a"].connects = [fault()]
    async with running(world) as service:
        await service.settled(["a"], ALL)
        service.refresh(["a"])
        await eventually(lambda: state(service, "a") is HostState.UP)
        assert world.clock.monotonic() == 0


async def test_reconnecting_drops_the_live_connection_and_waits_for_nothing() -> None:
    world = FakeWorld(["a"])
    async with running(world) as service:
        await service.settled(["a"], ALL)
        service.reconnect("a")
        await eventually(lambda: len(world["a"].tries) == 2 and state(service, "a") is HostState.UP)
        assert world.clock.monotonic() == 0
        assert world["a"].closed == 1


async def test_reconnecting_gives_up_an_attempt_that_hangs() -> None:
    world = FakeWorld(["a"])
    world["a"].connects = [hang]
    async with running(world) as service:
        await eventually(lambda: world["a"].tries)
        service.reconnect("a")
        await service.settled(["a"], ALL)
        assert state(service, "a") is HostState.UP
        assert world["a"].tries == [0, 0]


async def test_an_attempt_that_gets_through_after_it_was_given_up_is_closed() -> None:
    world = FakeWorld(["a"])

    async def stubborn() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await hang()

    world["a"].connects = [stubborn]
    async with running(world) as service:
        await eventually(lambda: world["a"].tries)
        service.reconnect("a")
        await service.settled(["a"], ALL)
        await eventually(lambda: world["a"].closed == 1)
        assert state(service, "a") is HostState.UP


async def test_a_defect_in_a_connector_is_a_fault_in_the_log_and_on_the_host(caplog: pytest.LogCaptureFixture) -> None:
    world = FakeWorld(["a", "b"])
    world["a"].connects = [ZeroDivisionError("\x1b[31mhost \udcff")]
    async with running(world) as service:
        await service.settled(["a", "b"], ALL)
        view = service.store.host("a")
        assert view.state is HostState.WAITING
        assert view.fault is not None and view.fault.kind is FaultKind.PROTOCOL
        assert "internal error" in view.fault.message and "\\x1b[31mhost \\xff" in view.fault.message
        assert "log" in view.fault.remedy
        assert state(service, "b") is HostState.UP
        await world.clock.advance(2)
        await eventually(lambda: state(service, "a") is HostState.UP)
    assert any(record.exc_info for record in caplog.records)


async def test_a_defect_in_reading_one_part_costs_that_part_alone(caplog: pytest.LogCaptureFixture) -> None:
    world = FakeWorld(["a"])

    async def defect() -> Reading:
        raise KeyError("surprise")

    world["a"].answers["gpus"] = defect
    with caplog.at_level(logging.ERROR):
        async with running(world) as service:
            await service.settled(["a"], ALL)
            view = service.store.host("a")
            assert view.state is HostState.UP
            assert view.snapshot.gpus.fault is not None and view.snapshot.gpus.fault.kind is FaultKind.PROTOCOL
            assert view.snapshot.mounts.fault is None
            await world.clock.advance(61)
            assert len(world["a"].times("gpus")) < 5, "asked less and less often"
    assert any(record.exc_info for record in caplog.records)


async def test_settled_asks_only_for_what_it_was_told() -> None:
    world = FakeWorld(["a"])
    world["a"].answers["gpus"] = silence
    async with running(world) as service:
        await asyncio.wait_for(service.settled(["a"], {"load"}), 30)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(service.settled(["a"], {"gpus"}), 0.05)
        with pytest.raises(KeyError):
            await service.settled(["a"], {"nonsense"})


async def test_hosts_that_nobody_selected_stay_idle_until_they_are_named() -> None:
    world = FakeWorld(["a", "b"])
    service = world.service()
    await service.start(["a"])
    await service.settled(["a", "b"], ALL)
    assert state(service, "b") is HostState.IDLE
    service.refresh()
    await world.clock.advance(400)
    assert world["b"].tries == []
    service.refresh(["b"])
    await service.settled(["b"], ALL)
    assert state(service, "b") is HostState.UP
    with pytest.raises(KeyError):
        await service.start(["c"])
    await service.close()


async def test_a_host_that_is_about_to_be_tried_is_never_shown_as_left_alone() -> None:
    release = threading.Event()

    class Slow(FakeSnapshots):
        def load_search(self, host: str) -> tuple[str, ...]:
            assert release.wait(5)
            return ()

    world = FakeWorld(["a", "b"])
    world.snapshots = Slow()
    service = world.service()
    starting = asyncio.ensure_future(service.start(["a"]))
    await some_rounds()
    assert not world["a"].tries
    assert (state(service, "a"), state(service, "b")) == (HostState.CONNECTING, HostState.IDLE)
    release.set()
    await starting
    await service.settled(["a"], ALL)
    assert state(service, "a") is HostState.UP
    await service.close()


async def test_closing_comes_to_an_end_whatever_hosts_do() -> None:
    world = FakeWorld(["up", "hangs", "deaf", "waits", "slow"])
    world["hangs"].connects = [hang]
    world["waits"].connects = [fault()]
    world["slow"].answers["inventory"] = silence
    world["deaf"].deaf = True
    service = world.service()
    await service.start()
    await service.settled(["up", "deaf", "waits"], ALL)
    began = time.monotonic()
    await service.close()
    assert time.monotonic() - began < 20
    assert world.connector_closed
    assert world["up"].closed == 1
    await asyncio.sleep(0)
    left = {task.get_name() for task in asyncio.all_tasks()} - {asyncio.current_task().get_name()}  # type: ignore[union-attr]
    assert not any(name.startswith(("watch", "status", "inventory", "load", "keep")) for name in left), left


async def test_two_hundred_hosts_settle_without_waiting_for_one_another() -> None:
    names = [f"h{n}" for n in range(200)]
    world = FakeWorld(names, FakeClock())
    for name in names[::2]:
        world[name].connects = [hang]
    async with running(world) as service:
        await asyncio.wait_for(service.settled(names[1::2], ALL), 20)
        assert all(state(service, name) is HostState.UP for name in names[1::2])


async def test_a_notice_among_the_steps_is_published_and_in_the_log() -> None:
    class Telling(FakeWorld):
        async def connect(self, spec, report=None, resolved=None):  # type: ignore[no-untyped-def]  # as FakeWorld's
            assert report is not None
            report("an ordinary step")
            report(Notice("The key of {host} is not saved\x1b.", {"host": spec.name}))
            return await super().connect(spec, report, resolved)

    world = Telling(["a"])
    async with running(world) as service:
        await service.settled(["a"], ALL)
        notices = [event for event in world.events if isinstance(event, HostNoticed)]
        assert [(event.host, event.text) for event in notices] == [("a", "The key of a is not saved\\x1b.")]
        assert notices[0].text in [text for _, text in service.store.log("a")]
