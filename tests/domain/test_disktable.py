"""The disk table's answers against counting every file by itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.diskbounds import Bound, Reason, bound_of, filesystem_reasons
from tui.domain.diskplaces import CACHE_PARTS, DiskPlace, OwnerKind, PlaceKind, disk_places
from tui.domain.disktable import OUTSIDE, Device, DiskTable, Owner, OwnerState, Row
from tui.domain.environments import Environment, EnvKind, Install, Manager

ENVS = 5
PACKAGES = ENVS + CACHE_PARTS.index(OwnerKind.PACKAGES)
OWNERS = (
    *(Owner(OwnerKind.ENVIRONMENT, f"/envs/{number}", device=0) for number in range(ENVS)),
    *(Owner(kind, "/pkgs", device=0) for kind in CACHE_PARTS),
)
NUMBERS = [number for number, owner in enumerate(OWNERS) if owner.kind is not OwnerKind.REST]
EXT4 = Device("65024", "/", "ext4")


@dataclass(frozen=True)
class File:
    """One inode: who holds links to it, which package it belongs to, and whether there are links elsewhere."""

    owners: frozenset[int]
    package: int | None
    outside: bool
    size: int


@st.composite
def file(draw: st.DrawFn) -> File:
    package = draw(st.none() | st.integers(0, 3))
    least = 1 if package is None else 0
    parts = [number for number in range(len(OWNERS)) if number != PACKAGES]
    owners = draw(st.frozensets(st.sampled_from(parts), min_size=least, max_size=4))
    return File(owners, package, draw(st.booleans()), draw(st.integers(0, 1 << 40)))


def users(files: list[File], package: int) -> frozenset[int | None]:
    """The environments that use a package; None among them for something outside."""
    found: set[int | None] = set()
    for each in files:
        if each.package == package:
            found.update(number for number in each.owners if number < ENVS)
            if each.outside:
                found.add(None)
    return frozenset(found)


def holds(each: File, owner: int) -> bool:
    return owner in each.owners or (owner == PACKAGES and each.package is not None)


def bits(numbers: frozenset[int | None]) -> int:
    return sum(OUTSIDE if number is None else 1 << (number + 1) for number in numbers)


def table_of(files: list[File]) -> DiskTable:
    sums: dict[tuple[int, int], list[int]] = {}
    for each in files:
        held = bits(each.owners) | (OUTSIDE if each.outside else 0)
        using = 0
        if each.package is not None:
            held |= 1 << (PACKAGES + 1)
            using = bits(users(files, each.package)) & ~held
        row = sums.setdefault((held, using), [0, 0])
        row[0] += each.size
        row[1] += 1
    return DiskTable((EXT4,), OWNERS, tuple(Row(*key, *row) for key, row in sums.items()))


def goes(files: list[File], each: File, chosen: frozenset[int]) -> bool:
    if each.outside or not each.owners <= chosen:
        return False
    return each.package is None or (PACKAGES in chosen and users(files, each.package) <= chosen)


@given(st.lists(file(), max_size=12), st.frozensets(st.sampled_from(NUMBERS)))
def test_a_plan_gives_back_the_files_whose_every_link_goes(files: list[File], chosen: frozenset[int]) -> None:
    expected = [each.size for each in files if goes(files, each, chosen)]
    freed = table_of(files).freed(chosen)
    assert (freed.bytes, freed.files) == (sum(expected), len(expected))
    assert freed.bound is Bound.EXACT
    assert [each.bytes for each in freed.devices] == ([freed.bytes] if chosen else [])


@given(st.lists(file(), max_size=12), st.sampled_from(range(ENVS)))
def test_what_an_environment_holds_alone_and_with_whom(files: list[File], number: int) -> None:
    held = [each for each in files if number in each.owners]
    holding = table_of(files).holding(number)
    assert (holding.bytes, holding.files) == (sum(each.size for each in held), len(held))
    alone = [each.size for each in files if goes(files, each, frozenset({number}))]
    assert (holding.exclusive_bytes, holding.exclusive_files) == (sum(alone), len(alone))
    assert holding.shared_bytes == holding.bytes - holding.exclusive_bytes
    assert holding.outside_bytes == sum(each.size for each in held if each.outside)
    expected = {
        other: sum(each.size for each in held if holds(each, other))
        for other in range(len(OWNERS))
        if other != number and any(holds(each, other) for each in held)
    }
    assert dict(holding.shared_with) == expected
    assert [size for _, size in holding.shared_with] == sorted(expected.values(), reverse=True)


@given(st.lists(file(), max_size=8), st.frozensets(st.sampled_from(NUMBERS)), st.sampled_from(NUMBERS))
def test_a_larger_plan_never_gives_back_less(files: list[File], chosen: frozenset[int], more: int) -> None:
    table = table_of(files)
    assert table.freed(chosen | {more}).bytes >= table.freed(chosen).bytes


def test_where_users_of_a_cache_are_unseen_every_package_counts_as_used() -> None:
    table = table_of([File(frozenset(), 0, False, 100), File(frozenset({ENVS}), None, False, 7)])
    assert table.freed([PACKAGES, ENVS]).bytes == 107
    unseen = table.with_users_unseen()
    assert unseen.freed([PACKAGES, ENVS]).bytes == 7
    assert not unseen.all_users_seen
    assert unseen.holding(PACKAGES).bytes == 100


def nested() -> DiskTable:
    """An environment at 0 that holds another at 1, and the cache at 2 to 7; the environment at 8 uses its package."""
    owners = (
        Owner(OwnerKind.ENVIRONMENT, "/a", device=0),
        Owner(OwnerKind.ENVIRONMENT, "/a/b", device=0, within=0),
        *(Owner(kind, "/a/pkgs", device=0, within=0) for kind in CACHE_PARTS),
        Owner(OwnerKind.ENVIRONMENT, "/c", device=1),
        Owner(OwnerKind.ENVIRONMENT, "/link/a", OwnerState.SAME, same_as=0),
        Owner(OwnerKind.PACKAGES, "/link/a/pkgs", OwnerState.SAME, same_as=3),
    )
    rows = (
        Row(1 << 1, 0, 10, 1),
        Row(1 << 2, 0, 100, 1),
        Row(1 << 4, 1 << 9, 1000, 1),
        Row(1 << 8, 0, 5000, 1),
        Row(1 << 9, 0, 10_000, 1),
    )
    devices = (EXT4, Device("7", "/data", "xfs", filesystem_reasons("xfs")))
    return DiskTable(devices, owners, rows)


def test_what_lies_in_a_directory_goes_with_it_used_packages_too() -> None:
    table = nested()
    assert table.freed([1]).bytes == 100
    assert table.freed([0]).bytes == 10 + 100 + 1000 + 5000
    assert table.freed([9]) == table.freed([0])
    assert table.holding(0).bytes == 6110
    assert table.freed([3]).bytes == 0
    assert table.freed([10]).bytes == 0  # the same packages by another path: cleaning them is no removal of the cache
    assert table.freed([3, 8]).bytes == 11_000


def test_the_rest_of_a_cache_is_no_choice() -> None:
    with pytest.raises(ValueError, match="directory around it"):
        nested().freed([7])


def test_bytes_are_told_for_each_file_system_with_what_is_uncertain_there() -> None:
    freed = nested().freed([0, 8])
    assert [(each.device, each.bytes, each.files) for each in freed.devices] == [(0, 6110, 4), (1, 10_000, 1)]
    assert freed.bound is Bound.BETWEEN
    assert freed.reasons == {Reason.METADATA, Reason.REFLINKS}
    assert nested().freed([0]).bound is Bound.EXACT


def test_processes_and_unreadable_directories_make_bounds() -> None:
    table = nested()
    assert table.freed([0], in_use=[1]).bound is Bound.AT_MOST
    assert table.freed([0], in_use=[8]).bound is Bound.EXACT
    blind = Owner(OwnerKind.ENVIRONMENT, "/x", OwnerState.READ, 0, unreadable=1)
    assert DiskTable((EXT4,), (blind,)).freed([0]).bound is Bound.AT_LEAST
    assert DiskTable((EXT4,), (blind,)).freed([0], in_use=[0]).bound is Bound.BETWEEN
    moving = Owner(OwnerKind.ENVIRONMENT, "/x", OwnerState.READ, 0, changed=1)
    assert DiskTable((EXT4,), (moving,)).holding(0).bound is Bound.BETWEEN
    denied = DiskTable((), (Owner(OwnerKind.ENVIRONMENT, "/x", OwnerState.DENIED),))
    assert denied.holding(0).bound is Bound.AT_LEAST


@pytest.mark.parametrize(
    ("kind", "options", "bound"),
    [
        ("ext4", (), Bound.EXACT),
        ("tmpfs", (), Bound.EXACT),
        ("xfs", (), Bound.BETWEEN),
        ("btrfs", ("compress=zstd:3",), Bound.BETWEEN),
        ("overlay", (), Bound.AT_MOST),
        ("nfs4", (), Bound.BETWEEN),
        ("fuse.glusterfs", (), Bound.BETWEEN),
        ("never heard of", (), Bound.BETWEEN),
        (None, (), Bound.BETWEEN),
    ],
)
def test_what_a_file_system_makes_uncertain(kind: str | None, options: tuple[str, ...], bound: Bound) -> None:
    assert bound_of(filesystem_reasons(kind, options)) is bound


def test_every_reason_has_a_direction() -> None:
    assert all(bound_of({reason}) is not Bound.EXACT for reason in Reason)


def test_places_are_caches_environments_and_roots_each_once() -> None:
    install = Install("/opt/conda", Manager.CONDA, None, pkgs_dirs=("/opt/conda/pkgs", "/data/pkgs"))
    micromamba = Install("/home/ada/mm", Manager.MICROMAMBA, None, pkgs_dirs=("/data/pkgs",))
    envs = [
        Environment("h", "/opt/conda", "base", EnvKind.BASE, "/opt/conda", Manager.CONDA),
        Environment("h", "/opt/conda/envs/a", "a", EnvKind.NAMED, "/opt/conda", Manager.CONDA),
        Environment("h", "/opt/conda/envs/l", "l", EnvKind.NAMED, "/opt/conda", Manager.CONDA, linked_to="/x"),
    ]
    assert disk_places([install, micromamba], envs) == (
        DiskPlace(PlaceKind.CACHE, "/opt/conda/pkgs"),
        DiskPlace(PlaceKind.CACHE, "/data/pkgs"),
        DiskPlace(PlaceKind.ENVIRONMENT, "/opt/conda"),
        DiskPlace(PlaceKind.ENVIRONMENT, "/opt/conda/envs/a"),
        DiskPlace(PlaceKind.OTHER, "/home/ada/mm"),
    )
