"""What hosts of the twins say of their disks, and what is made of it: counts, plans, reports, what was put aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.ui.fake_fleet import GIB, NOW, FakeFleet, fault
from tui.domain.caches import CacheItem, CacheKind, Caches
from tui.domain.changes import Concern, ConcernKind
from tui.domain.diskcount import DiskCount
from tui.domain.diskplaces import CACHE_PARTS, OwnerKind
from tui.domain.diskrows import host_tables
from tui.domain.disktable import Device, DiskTable, Owner, OwnerState, Row
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.planitems import HostTables, ItemKind
from tui.domain.planreport import MountActual, PlanReport, Removed
from tui.domain.plans import Changed, Difference, HostOutlook, Outlook, Plan, Refusal, outlook
from tui.domain.text import printable
from tui.domain.trash import Aside, AsideState
from tui.services.plans import ReadyPlan
from tui.services.store import HostView

__all__ = ["Word", "asides", "count_disks", "ready", "report"]

Word = Callable[[int], str]


def _bit(*numbers: int) -> int:
    return sum(1 << (number + 1) for number in numbers)


def _table(view: HostView, word: Word) -> DiskTable:
    """Three environments that share files with each other and a cache, an install, what was put aside."""
    envs = [env.prefix for env in view.snapshot.environments.value or ()][:3]
    owners = [Owner(OwnerKind.ENVIRONMENT, path, OwnerState.READ, 0) for path in envs]
    owners += [Owner(kind, f"/{word(100)}", OwnerState.READ, 0) for kind in CACHE_PARTS]
    owners += [
        Owner(OwnerKind.OTHER, f"/{word(23)}", OwnerState.READ, 0, mounts=(f"/{word(101)}",), crossed=1),
        Owner(OwnerKind.ASIDE, f"/{word(102)}", OwnerState.READ, 0),
    ]
    rows = [Row(_bit(number), 0, (14 - number) * GIB // 4, 10) for number in range(len(owners))]
    rows += [Row(_bit(0, 1), 0, GIB, 5), Row(_bit(0, 2, 4), _bit(0, 2), GIB, 5)]
    return DiskTable((Device("8:1", f"/{word(11)}", word(13)),), tuple(owners), tuple(rows))


def _caches(word: Word) -> Caches:
    """One of every kind; the names of the first two are read further."""
    heads = {CacheKind.HUB: "models--", CacheKind.OTHER: ""}
    return Caches(
        tuple(
            CacheItem(
                kind, f"/home/{word(110 + at)}/{heads.get(kind, '')}{word(130 + at)}", word(25), GIB // 2, GIB // 2,
                GIB // (3 + at), 4, NOW - 90 * 86400, (f"/{word(150 + at)}",), 1,
            )
            for at, kind in enumerate(CacheKind)
        )
    )  # fmt: skip


def count_disks(fleet: FakeFleet, word: Word) -> None:
    """Let two hosts be counted; of one the other caches could not be."""
    for number, host in enumerate(("alpha", "beta")):
        view = fleet.store.host(host)
        own = lambda each, number=number: word(100 * number + each)  # noqa: E731 # as short as what it stands for
        why = fault(FaultKind.TOOL_MISSING, printable(word(160)), printable(word(161))) if number else None
        caches = None if number else _caches(word)
        fleet.store.set_disk(host, DiskCount(_table(view, own), NOW - 60, (), caches, why), {})


def _known(fleet: FakeFleet) -> HostTables:
    view = fleet.store.host("alpha")
    assert view.disk is not None
    return host_tables(view.snapshot, view.disk)


def ready(fleet: FakeFleet, word: Word) -> ReadyPlan:
    """All that there is on a host, looked at: some of it goes, some is refused, some changed."""
    known = _known(fleet)
    items = tuple(known.items(ItemKind))
    found = outlook(items, {"alpha": known})
    (host,) = found.hosts
    against = Concern.of(ConcernKind.IN_USE, printable(word(162)), (printable(word(163)),))
    guarded = Refusal(host.items[0], (against,))
    host = replace(host, items=host.items[1:], refused=(*host.refused, guarded))
    changed = Changed(host.items[-1], (Difference.GREW,), None)
    error = HostFaultError(fault(FaultKind.LOST, printable(word(164))))
    plan = Plan(items, NOW, word(165))
    return ReadyPlan(plan, {"alpha": known}, Outlook((host,)), (changed,), faults={"alpha": error})


def report(fleet: FakeFleet, word: Word) -> PlanReport:
    """What became of it."""
    made = ready(fleet, word).report
    (host,) = made.hosts
    removed = tuple(
        Removed(item, at % 2 == 0, f"20260921-141300-{at:08x}", note=printable(word(166 + at)))
        for at, item in enumerate(host.outlook.items)
    )
    outlook_of: HostOutlook = host.outlook
    actual = tuple(MountActual(each.mount, each.bytes - 4096, each.files, 4096) for each in outlook_of.mounts)
    return replace(made, hosts=(replace(host, removed=removed, actual=actual),), ran=NOW)


def asides(word: Word) -> list[tuple[Aside, float]]:
    """What was put aside: one to come back, one of somebody else, one that a removal left."""
    kept = Aside("20260921-141300-00000001", "alpha", f"/{word(1)}", AsideState.KEPT, True, f"/envs/{word(2)}",
                 NOW - 9000, NOW + 9000, word(3), GIB)  # fmt: skip
    others = replace(kept, mine=False, prefix=f"/envs/{word(4)}", operator=word(5))
    return [(kept, NOW), (others, NOW), (replace(kept, state=AsideState.LEFT, prefix=None, path=f"/{word(6)}"), NOW)]
