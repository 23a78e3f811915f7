"""Sizes of environments out of a disk table, and how they stay with an inventory that brings none."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.diskbounds import Bound, filesystem_reasons
from tui.domain.diskplaces import OwnerKind
from tui.domain.disksizes import carried_sizes, environment_sizes, with_sizes
from tui.domain.disktable import OUTSIDE, Device, DiskTable, Owner, OwnerState, Row
from tui.domain.environments import DiskSize, Environment, EnvKind, Manager

SIZE = DiskSize(10, 4, 6, 3, 100.0)
EXT4 = Device("1", "/", "ext4")


def environment(prefix: str, **fields: object) -> Environment:
    return replace(Environment("gpu01", prefix, None, EnvKind.PREFIX, None, Manager.CONDA), **fields)  # type: ignore[arg-type]  # by name


def owner(path: str, **fields: object) -> Owner:
    return replace(Owner(OwnerKind.ENVIRONMENT, path, device=0), **fields)  # type: ignore[arg-type]  # by name


def bits(*numbers: int) -> int:
    return sum(1 << (number + 1) for number in numbers)


def test_an_environment_has_what_it_holds_alone_and_with_others() -> None:
    table = DiskTable(
        (EXT4,),
        (owner("/e/a"), owner("/e/b")),
        (Row(bits(0), 0, 4, 1), Row(bits(0, 1), 0, 5, 1), Row(bits(0) | OUTSIDE, 0, 1, 1)),
    )
    sizes = environment_sizes(table, 100.0)
    assert sizes == {"/e/a": SIZE, "/e/b": DiskSize(5, 0, 5, 1, 100.0)}


def test_what_was_not_counted_has_no_size_and_another_path_to_the_same_has_its() -> None:
    table = DiskTable(
        (EXT4,),
        (
            owner("/e/a"),
            owner("/e/gone", state=OwnerState.ABSENT, device=None),
            owner("/e/closed", state=OwnerState.DENIED, device=None),
            owner("/e/link", state=OwnerState.LINK, device=None),
            owner("/mnt/a", state=OwnerState.SAME, device=None, same_as=0),
            owner("/mnt/pkgs", state=OwnerState.SAME, device=None),
        ),
        (Row(bits(0), 0, 4, 1),),
    )
    assert environment_sizes(table, 1.0) == dict.fromkeys(("/e/a", "/mnt/a"), DiskSize(4, 4, 0, 1, 1.0))


def test_a_base_has_its_own_files_alone_not_the_environments_below_it() -> None:
    owners = (owner("/c"), owner("/c/envs/a", within=0), owner("/d", state=OwnerState.SAME, device=None, same_as=0))
    rows = (Row(bits(0), 0, 4, 1), Row(bits(0, 1), 0, 6, 2), Row(bits(1), 0, 100, 9))
    table = DiskTable((EXT4,), owners, rows)
    sizes = environment_sizes(table, 100.0, {"/c", "/d"})
    assert sizes["/c"] == sizes["/d"] == SIZE
    assert environment_sizes(table, 100.0)["/c"] == DiskSize(110, 110, 0, 12, 100.0)


def test_the_bound_is_that_of_what_removing_it_gives_back() -> None:
    owners = (owner("/e/a"), owner("/e/b", unreadable=1))
    rows = (Row(bits(0), 0, 4, 1), Row(bits(1), 0, 4, 1))
    for bases in ((), ("/e/a", "/e/b")):
        sizes = environment_sizes(DiskTable((EXT4,), owners, rows), 1.0, bases)
        assert (sizes["/e/a"].bound, sizes["/e/b"].bound) == (Bound.EXACT, Bound.AT_LEAST)
        xfs = Device("1", "/", "xfs", filesystem_reasons("xfs"))
        assert environment_sizes(DiskTable((xfs,), owners, rows), 1.0, bases)["/e/a"].bound is Bound.BETWEEN


def test_a_count_replaces_every_size() -> None:
    before = (environment("/e/a", size=SIZE), environment("/e/b", size=SIZE), environment("/e/c"))
    newer = replace(SIZE, time=200.0)
    assert [env.size for env in with_sizes(before, {"/e/a": newer, "/e/c": newer})] == [newer, None, newer]


def test_sizes_stay_with_the_environment_and_not_with_its_path() -> None:
    known = [environment(path, size=SIZE, fs_id="m:1:7", created=5.0) for path in ("/e/a", "/e/b", "/e/c", "/e/d")]
    now = (
        environment("/e/a", fs_id="m:1:7", created=5.0, python="3.12"),
        environment("/e/b", fs_id="m:1:8", created=5.0),
        environment("/e/c", fs_id="m:1:7", created=6.0),
        environment("/e/d"),
        environment("/e/new"),
    )
    assert [env.size for env in carried_sizes(now, known)] == [SIZE, None, None, SIZE, None]


def test_a_size_that_arrives_is_not_replaced_by_an_older_one() -> None:
    newer = replace(SIZE, time=200.0)
    (env,) = carried_sizes((environment("/e/a", size=newer),), [environment("/e/a", size=SIZE)])
    assert env.size == newer


def test_without_sizes_the_very_list_comes_back() -> None:
    now = (environment("/e/a"),)
    assert carried_sizes(now, [environment("/e/a")]) is now
    assert carried_sizes(now, None) is now
