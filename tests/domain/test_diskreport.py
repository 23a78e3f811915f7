"""What a host's disk holds is said so that everything adds up, and what is unknown stays unknown."""

from __future__ import annotations

from dataclasses import replace

from tests.domain.diskvalues import (
    ASIDE,
    CACHE,
    COUNT,
    ENVIRONMENTS,
    ITEMS,
    MIB,
    OLD,
    PACKAGES,
    PKGS,
    ROOT,
    SNAPSHOT,
    TABLE,
    bits,
)
from tui.domain.cacheusers import CacheUsers, Unseen
from tui.domain.diskplaces import OwnerKind
from tui.domain.diskreport import SliceKind, host_disk
from tui.domain.disktable import Device, DiskTable, Owner, OwnerState, Row
from tui.domain.snapshot import Part

DISK = host_disk(SNAPSHOT, COUNT)


def test_a_file_system_is_cut_into_slices_that_add_up_to_what_is_used() -> None:
    (mount,) = DISK.mounts
    assert {each.kind: each.bytes // MIB for each in mount.slices} == {
        SliceKind.ENVIRONMENTS: 9 + 60 + 80,
        SliceKind.SHARED: 120,
        SliceKind.PACKAGES: 6,
        SliceKind.UNUSED: 30,
        SliceKind.TARBALLS: 50,
        SliceKind.CACHE: 8,
        SliceKind.ASIDE: 12,
        SliceKind.TOOLS: 40 + 10 + 500,  # of uv only what no environment holds, too
        SliceKind.ELSE: 3000 - 375 - 550,
    }
    assert mount.mount is not None
    assert sum(each.bytes for each in mount.slices) == mount.mount.used_bytes
    assert mount.held_bytes == 925 * MIB


def test_without_the_file_systems_figures_the_rest_of_it_is_not_made_up() -> None:
    (mount,) = host_disk(replace(SNAPSHOT, mounts=Part()), COUNT).mounts
    assert (mount.path, mount.mount) == ("/", None)
    assert SliceKind.ELSE not in {each.kind for each in mount.slices}
    assert SliceKind.TOOLS not in {each.kind for each in mount.slices}


def test_an_environment_says_what_it_has_alone_and_with_whom() -> None:
    order = [use.environment.label for use in DISK.environments]
    assert order == ["busy", "old", "base", "gone"]
    old = DISK.environment(f"{ROOT}/envs/old")
    assert old is not None and old.size is not None
    assert (old.size.total_bytes, old.size.exclusive_bytes) == (180 * MIB, 60 * MIB)
    assert [(each.kind, each.label, each.bytes) for each in old.shared_with] == [
        (OwnerKind.PACKAGES, PKGS, 120 * MIB),
        (OwnerKind.ENVIRONMENT, "busy", 100 * MIB),
    ]
    assert (old.exclusive_files, old.outside_bytes, old.mount, old.number) == (6, 0, "/", OLD)


def test_a_base_has_its_own_files_and_shares_with_nothing_that_lies_in_it() -> None:
    base = DISK.environment(ROOT)
    assert base is not None and base.size is not None
    assert (base.size.total_bytes, base.size.files) == (9 * MIB, 9)
    assert base.shared_with == ()


def test_what_was_not_counted_has_no_size_and_says_why() -> None:
    gone = DISK.environment(f"{ROOT}/envs/gone")
    assert gone is not None
    assert (gone.size, gone.state) == (None, OwnerState.ABSENT)
    later = replace(SNAPSHOT, environments=Part((*ENVIRONMENTS, replace(ENVIRONMENTS[1], prefix="/new")), 1.0))
    new = host_disk(later, COUNT).environment("/new")
    assert new is not None
    assert (new.size, new.state, new.number) == (None, None, None)


def test_a_cache_is_told_part_by_part_with_what_each_gives_back() -> None:
    (cache,) = DISK.caches
    parts = {part.kind: (part.bytes // MIB, part.freed_bytes) for part in cache.parts}
    assert parts == {
        OwnerKind.TARBALLS: (50, 50 * MIB),
        OwnerKind.PACKAGES: (156, 30 * MIB),
        OwnerKind.INDEX: (7, 7 * MIB),
        OwnerKind.PARTIAL: (0, 0),
        OwnerKind.LOGS: (0, 0),
        OwnerKind.REST: (1, 0),
    }
    assert (cache.installs, cache.mount, cache.users.seen) == ((ROOT,), "/", True)
    assert cache.freed_bytes == 87 * MIB


def test_where_users_are_unseen_unused_packages_are_unknown_and_not_nothing() -> None:
    blind = replace(COUNT, table=TABLE.with_users_unseen([PKGS]), users=(CacheUsers(PKGS, (Unseen.OTHER_HOSTS,)),))
    disk = host_disk(SNAPSHOT, blind)
    packages = disk.caches[0].part(OwnerKind.PACKAGES)
    assert packages is not None
    assert (packages.bytes, packages.freed_bytes, packages.freed_files) == (156 * MIB, None, None)
    assert SliceKind.UNUSED not in {each.kind for each in disk.mounts[0].slices}
    assert disk.caches[0].users.unseen == (Unseen.OTHER_HOSTS,)


def test_a_directory_that_could_not_be_read_is_the_reason_where_no_other_is() -> None:
    disk = host_disk(SNAPSHOT, replace(COUNT, table=TABLE.with_users_unseen()))
    assert disk.caches[0].users.unseen == (Unseen.ENVIRONMENT_UNREADABLE,)
    assert host_disk(SNAPSHOT, replace(COUNT, users=())).caches[0].users.unseen == (Unseen.NOT_LEARNT,)


def test_only_the_caches_named_have_unseen_users() -> None:
    owners = (Owner(OwnerKind.PACKAGES, "/a", device=0), Owner(OwnerKind.PACKAGES, "/b", device=0))
    table = DiskTable((Device("1", "/", "ext4"),), owners, (Row(bits(0), 0, 5, 1), Row(bits(1), 0, 7, 1)))
    half = table.with_users_unseen(["/a"])
    assert (half.freed([0]).bytes, half.freed([1]).bytes) == (0, 7)
    assert (half.users_seen(0), half.users_seen(1), half.all_users_seen) == (False, True, False)
    assert half.with_users_unseen(["/b"]) == table.with_users_unseen()


def test_a_cache_by_two_paths_is_told_once() -> None:
    twins = tuple(Owner(kind, "/link", OwnerState.SAME, same_as=number) for kind, number in CACHE.items())
    count = replace(COUNT, table=replace(TABLE, owners=(*TABLE.owners, *twins)))
    assert [cache.path for cache in host_disk(SNAPSHOT, count).caches] == [PKGS]


def test_what_was_put_aside_and_other_caches_are_told() -> None:
    (aside,) = DISK.places
    assert (aside.kind, aside.number, aside.bytes, aside.exclusive_bytes) == (
        OwnerKind.ASIDE,
        ASIDE,
        12 * MIB,
        12 * MIB,
    )
    assert DISK.items == (ITEMS[2], ITEMS[1], ITEMS[0], ITEMS[3])
    assert host_disk(SNAPSHOT, replace(COUNT, caches=None)).items is None


def test_packages_linked_from_outside_are_not_unused() -> None:
    assert TABLE.freed([PACKAGES]).bytes == 30 * MIB
