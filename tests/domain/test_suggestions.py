"""Suggested is what nobody has to be asked about, best first, and each says why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.domain.diskvalues import CACHE, COUNT, DAY, ITEMS, MIB, NOW, OLD, PKGS, ROOT, SNAPSHOT, TABLE, environment
from tui.domain.caches import CacheKind, Caches
from tui.domain.cacheusers import CacheUsers, Unseen
from tui.domain.diskbounds import Bound
from tui.domain.diskplaces import OwnerKind
from tui.domain.diskreport import HostDisk, host_disk
from tui.domain.environments import EnvKind, UsageSignal
from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Machine
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.suggestions import Suggestion, sensible_plan, suggestions, why_not

DISK = host_disk(SNAPSHOT, COUNT)


def with_old(**fields: Any) -> HostDisk:
    """The same host whose environment ``old`` is different."""
    known = SNAPSHOT.environments.value or ()
    changed = tuple(replace(env, **fields) if env.name == "old" else env for env in known)
    return host_disk(replace(SNAPSHOT, environments=Part(changed, NOW)), COUNT)


def by_what(disk: HostDisk = DISK) -> dict[Any, Suggestion]:
    return {each.what: each for each in suggestions(disk, NOW)}


def test_what_costs_little_comes_first_then_bytes_by_disuse() -> None:
    order = [(each.what, each.label) for each in suggestions(DISK, NOW)]
    assert order == [
        (CacheKind.PIP, ITEMS[0].path),
        (OwnerKind.TARBALLS, PKGS),
        (OwnerKind.PACKAGES, PKGS),
        (CacheKind.UV, ITEMS[1].path),
        (OwnerKind.ASIDE, f"{ROOT}/envs/.condafleet-trash/1"),
        (OwnerKind.INDEX, PKGS),
        (OwnerKind.ENVIRONMENT, "old"),
    ]


def test_of_two_environments_the_one_longer_unused_outweighs_a_somewhat_larger_one() -> None:
    def order(old: float, busy: float) -> list[str]:
        environments = (environment("old", last_used=NOW - old * DAY), environment("busy", last_used=NOW - busy * DAY))
        disk = host_disk(replace(SNAPSHOT, environments=Part(environments, NOW)), COUNT)
        return [each.label for each in suggestions(disk, NOW) if each.what is OwnerKind.ENVIRONMENT]

    assert order(40, 20) == ["old", "busy"]  # 60 × 40 against 80 × 20
    assert order(24, 20) == ["busy", "old"]
    assert order(13, 20) == ["busy"]


def test_an_environment_says_how_long_it_rests_and_whose_it_is() -> None:
    old = next(s for s in suggestions(DISK, NOW) if s.label == "old")
    assert (old.bytes, old.idle_days, old.owner, old.bound) == (60 * MIB, 212, OLD, Bound.EXACT)
    assert old.reasons == ("not used for 212 days",)
    orphan = next(s for s in suggestions(with_old(owner="1234"), NOW) if s.label == "old")
    assert orphan.reasons == ("not used for 212 days", "owner's account is gone")
    changed = next(s for s in suggestions(with_old(last_used_signal=UsageSignal.HISTORY), NOW) if s.label == "old")
    assert changed.reasons == ("not changed for 212 days, and no trace of use since",)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": EnvKind.BASE},
        {"prefix": ROOT, "install": ROOT},
        {"protected": True},
        {"in_use_complete": False},
        {"in_use_complete": None},
        {"in_use": ("somebody",)},
        {"frozen": True},
        {"frozen": None},
        {"linked_to": "/elsewhere"},
        {"fault": Fault(FaultKind.INCOMPLETE, "x", "")},
        {"last_used": None},
    ],
)
def test_what_a_person_must_be_asked_about_is_never_suggested(fields: dict[str, Any]) -> None:
    found = suggestions(with_old(**fields), NOW)
    assert "old" not in [each.label for each in found]
    assert ROOT not in [each.path for each in found]


def test_what_other_hosts_see_may_be_in_use_there() -> None:
    mounts = (replace((SNAPSHOT.mounts.value or ())[0], network=True),)
    disk = host_disk(replace(SNAPSHOT, mounts=Part(mounts, NOW)), COUNT)
    assert not [each for each in suggestions(disk, NOW) if each.what is OwnerKind.ENVIRONMENT]
    assert why_not(disk, disk.environments[0]) == "whether it is in use cannot be known"


def test_an_environment_with_another_in_it_is_not_suggested() -> None:
    table = replace(TABLE, owners=tuple(replace(each, within=OLD) if each.path.endswith("busy") else each
                                        for each in TABLE.owners))  # fmt: skip
    disk = host_disk(SNAPSHOT, replace(COUNT, table=table))
    assert "old" not in [each.label for each in suggestions(disk, NOW)]


def test_packages_are_suggested_only_where_all_users_were_seen() -> None:
    blind = replace(COUNT, table=TABLE.with_users_unseen(), users=(CacheUsers(PKGS, (Unseen.OTHER_ACCOUNTS,)),))
    found = by_what(host_disk(SNAPSHOT, blind))
    assert OwnerKind.PACKAGES not in found
    assert found[OwnerKind.TARBALLS].bytes == 50 * MIB


def test_cleaning_says_what_it_costs_and_how_its_own_tool_does_it() -> None:
    found = by_what()
    assert "offline" in str(found[OwnerKind.TARBALLS].price)
    assert found[OwnerKind.INDEX].price is None
    assert "pip cache purge" in str(found[CacheKind.PIP].way)
    assert found[CacheKind.PIP].owner is None


def test_what_may_be_the_only_copy_or_is_unknown_is_not_suggested() -> None:
    items = (replace(ITEMS[2], kind=CacheKind.RUNS), ITEMS[2], ITEMS[3])
    disk = host_disk(SNAPSHOT, replace(COUNT, caches=Caches(items)))
    assert not [each for each in suggestions(disk, NOW) if each.owner is None]


def test_small_things_are_left_alone() -> None:
    items = (replace(ITEMS[0], freed_bytes=1000),)
    disk = host_disk(SNAPSHOT, replace(COUNT, caches=Caches(items)))
    assert CacheKind.PIP not in by_what(disk)


def test_a_sensible_plan_gives_back_together_what_each_alone_does_not() -> None:
    plan = sensible_plan(DISK, suggestions(DISK, NOW))
    assert [each.what for each in plan.suggestions] == [
        CacheKind.PIP,
        OwnerKind.TARBALLS,
        OwnerKind.PACKAGES,
        OwnerKind.INDEX,
        OwnerKind.ENVIRONMENT,
    ]
    alone = sum(each.bytes for each in plan.suggestions)
    # The packages that only this environment uses go with it: 20 MiB that nothing gives back alone.
    assert (alone, plan.bytes) == ((40 + 50 + 30 + 7 + 60) * MIB, (40 + 50 + 30 + 7 + 60 + 20) * MIB)
    chosen = [CACHE[OwnerKind.TARBALLS], CACHE[OwnerKind.PACKAGES], CACHE[OwnerKind.INDEX], OLD]
    assert plan.bytes - 40 * MIB == TABLE.freed(chosen).bytes
    assert plan.bound is Bound.EXACT


def test_a_plan_holds_nothing_that_this_account_cannot_remove() -> None:
    installs = tuple(replace(each, writable=False) for each in SNAPSHOT.installs.value or ())
    snapshot = replace(SNAPSHOT, installs=Part(installs, NOW), machine=Part(Machine(user="eve"), NOW))
    disk = host_disk(replace(snapshot, environments=Part((environment("old", writable=False),), NOW)), COUNT)
    found = suggestions(disk, NOW)
    assert found
    assert all("this account can't remove it" in each.reasons for each in found if each.what is not OwnerKind.ASIDE)
    assert sensible_plan(disk, found).suggestions == ()


def test_a_host_without_anything_has_no_suggestions() -> None:
    empty = HostSnapshot("gpu01")
    disk = host_disk(empty, replace(COUNT, table=replace(TABLE, owners=(), rows=(), devices=()), caches=None))
    assert suggestions(disk, NOW) == ()
    assert sensible_plan(disk, ()).bytes == 0
