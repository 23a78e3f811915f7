"""Plans: what they give back, what of them is refused, and what changed since they were made."""

from __future__ import annotations

import posixpath
from dataclasses import replace

import pytest

from tui.domain.caches import CacheItem, CacheKind
from tui.domain.changes import NAMED, ConcernKind, Severity
from tui.domain.diskbounds import Bound, Reason
from tui.domain.diskplaces import CACHE_PARTS, OwnerKind
from tui.domain.disktable import OUTSIDE, Device, DiskTable, Owner, OwnerState, Row
from tui.domain.environments import Environment, EnvKind, Manager, Use
from tui.domain.machine import Mount
from tui.domain.planitems import DEFAULT_KINDS, TOOL_CACHES, HostTables, Item, ItemKind
from tui.domain.plans import Changed, Difference, Plan, outlook, recheck
from tui.domain.text import printable

ONE, TWO, BASE = "/c/envs/one", "/c/envs/two", "/c"
CACHE = "/c/pkgs"


def env(prefix: str, **fields: object) -> Environment:
    kind = EnvKind.BASE if prefix == BASE else EnvKind.NAMED
    name = prefix.rpartition("/")[2]
    made = Environment("gpu01", prefix, name, kind, BASE, Manager.CONDA, in_use_complete=True, fs_id=f"m:1:{prefix}")
    return replace(made, **fields)  # type: ignore[arg-type]  # by name


def bit(number: int) -> int:
    return 1 << (number + 1)


def tables(*environments: Environment, host: str = "gpu01", **fields: object) -> HostTables:
    """Owners 0 and 1 are environments, 2 the base, 3 to 8 the parts of a cache."""
    owners = [Owner(OwnerKind.ENVIRONMENT, path, OwnerState.READ, 0, 2) for path in (ONE, TWO)]
    owners.append(Owner(OwnerKind.ENVIRONMENT, BASE, OwnerState.READ, 0))
    owners += [Owner(kind, CACHE, OwnerState.READ, 0, 2) for kind in CACHE_PARTS]
    packages, tarballs = 4, 3
    rows = (
        Row(bit(0), 0, 100, 1),
        Row(bit(1), 0, 200, 2),
        Row(bit(0) | bit(1) | bit(packages), bit(0) | bit(1), 1000, 10),
        Row(bit(0) | bit(packages), bit(0), 5000, 5),
        Row(bit(packages), 0, 70, 1),
        Row(bit(tarballs), 0, 9000, 3),
        Row(bit(1) | OUTSIDE, 0, 40, 1),
        Row(bit(2), 0, 1, 1),
    )
    table = DiskTable((Device("8:1", "/", "ext4"),), tuple(owners), rows)
    made = HostTables(host, table, 1000.0, environments or (env(ONE), env(TWO), env(BASE)), frozenset({BASE}))
    return replace(made, **fields)  # type: ignore[arg-type]  # by name


def item(kind: ItemKind, path: str, known: HostTables | None = None) -> Item:
    found = (known or tables()).item(kind, path)
    assert found is not None
    return found


def test_marks_are_answered_together_and_not_one_by_one() -> None:
    known = tables()
    one, two = item(ItemKind.ENVIRONMENT, ONE), item(ItemKind.ENVIRONMENT, TWO)
    packages, tarballs = item(ItemKind.PACKAGES, CACHE), item(ItemKind.TARBALLS, CACHE)
    said = {
        (one,): (100, 1),
        (one, two): (300, 3),
        (packages,): (70, 1),
        (one, packages): (100 + 5000 + 70, 7),
        (one, two, packages): (300 + 6000 + 70, 19),
        (one, two, packages, tarballs): (300 + 6000 + 70 + 9000, 22),
    }
    for marks, (size, files) in said.items():
        found = outlook(marks, {"gpu01": known})
        assert (found.bytes, found.files, found.bound) == (size, files, Bound.EXACT)
        assert [(each.mount, each.bytes) for each in found.hosts[0].mounts] == [("/", size)]
        assert found.items == marks
    assert (one.bytes, one.exclusive_bytes, one.files) == (6100, 100, 16)


def test_what_may_not_go_is_in_no_number_and_says_why() -> None:
    busy = env(ONE, in_use=(Use(7, "ada", "python train.py"),))
    known = tables(busy, env(TWO, protected=True), env(BASE))
    marks = [Item("gpu01", ItemKind.ENVIRONMENT, path) for path in (ONE, TWO, BASE, "/gone")]
    marks.append(Item("gpu01", ItemKind.TARBALLS, CACHE))
    found = outlook(marks, {"gpu01": known})
    assert (found.bytes, [each.kind for each in found.items]) == (9000, [ItemKind.TARBALLS])
    reasons = {each.item.path: [one.kind for one in each.concerns] for each in found.refused}
    assert reasons == {
        ONE: [ConcernKind.IN_USE],
        TWO: [ConcernKind.PROTECTED],
        BASE: [ConcernKind.BASE, ConcernKind.NESTED, ConcernKind.PROTECTED],
        "/gone": [ConcernKind.MISSING],
    }
    assert [each.severity for each in found.refused] == [Severity.NAME, *[Severity.FORBIDDEN] * 3]
    allowed = {marks[0].key: {ConcernKind.IN_USE}, marks[1].key: {ConcernKind.IN_USE}}
    again = outlook(marks, {"gpu01": known}, allowed)
    assert (again.bytes, again.bound, len(again.items)) == (9100, Bound.AT_MOST, 2)
    assert again.hosts[0].reasons == {Reason.OPEN_FILES}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"in_use_complete": False}, ConcernKind.USE_UNKNOWN),
        ({"in_use_complete": None}, ConcernKind.USE_UNKNOWN),
        ({"frozen": True}, ConcernKind.FROZEN),
        ({"writable": False}, ConcernKind.NOT_WRITABLE),
        ({"linked_to": "/elsewhere"}, ConcernKind.SOFT_LINK),
    ],
)
def test_each_guard_of_an_environment_holds(fields: dict[str, object], kind: ConcernKind) -> None:
    known = tables(env(ONE, **fields), env(TWO), env(BASE))
    found = outlook([item(ItemKind.ENVIRONMENT, ONE)], {"gpu01": known})
    assert found.bytes == 0
    assert [each.kind for each in found.refused[0].concerns] == [kind]


def test_an_environment_goes_with_those_in_it_unless_one_of_them_stays() -> None:
    inner = ONE + "/inner"
    known = tables(env(ONE), env(inner), env(TWO), env(BASE))
    owners = (*known.table.owners, Owner(OwnerKind.ENVIRONMENT, inner, OwnerState.READ, 0, 0))
    table = replace(known.table, owners=owners, rows=(*known.table.rows, Row(bit(9), 0, 9, 1)))
    known = replace(known, table=table)
    outer, both = Item("gpu01", ItemKind.ENVIRONMENT, ONE), Item("gpu01", ItemKind.ENVIRONMENT, inner)
    assert [each.kind for each in outlook([outer], {"gpu01": known}).refused[0].concerns] == [ConcernKind.NESTED]
    assert outlook([outer, both], {"gpu01": known}).bytes == 109
    frozen = replace(known, environments=(env(ONE), env(inner, frozen=True), env(TWO), env(BASE)))
    assert [each.item for each in outlook([outer, both], {"gpu01": frozen}).refused] == [outer, both]


def test_packages_whose_users_cannot_all_be_seen_are_refused() -> None:
    known = tables()
    blind = replace(known, table=known.table.with_users_unseen())
    found = outlook([item(ItemKind.PACKAGES, CACHE), item(ItemKind.TARBALLS, CACHE)], {"gpu01": blind})
    assert [each.item.kind for each in found.refused] == [ItemKind.PACKAGES]
    assert found.refused[0].severity is Severity.FORBIDDEN
    assert found.bytes == 9000


def test_an_environment_seen_from_two_hosts_counts_once() -> None:
    marks = [replace(item(ItemKind.ENVIRONMENT, ONE), host=host) for host in ("gpu01", "gpu02")]
    found = outlook(marks, {host: tables(host=host) for host in ("gpu01", "gpu02")})
    assert found.bytes == 100
    assert [len(host.items) for host in found.hosts] == [1, 0]
    assert found.hosts[1].twice == (marks[1],)


def test_hosts_of_which_nothing_is_known_promise_nothing() -> None:
    found = outlook([item(ItemKind.ENVIRONMENT, ONE)], {})
    assert (found.bytes, found.unknown, len(found.refused)) == (0, ("gpu01",), 1)


def test_other_tools_caches_join_by_their_own_count_or_by_the_table() -> None:
    own = CacheItem(CacheKind.UV, "/home/ada/.cache/uv", "ada", 500, 500, 300, 4)
    foreign = CacheItem(CacheKind.PIP, "/home/eve/.cache/pip/http", "eve", 50, 50, 50, 2)
    runs = CacheItem(CacheKind.RUNS, "/home/ada/wandb", "ada", 10, 10, 10, 1)
    mounts = (Mount("/", "sda", "ext4"), Mount("/home", "sdb", "xfs"))
    known = tables(caches=(own, foreign, runs), account="ada", mounts=mounts)
    marks = known.items(TOOL_CACHES)
    found = outlook([*marks, item(ItemKind.TARBALLS, CACHE)], {"gpu01": known})
    assert [(each.mount, each.bytes) for each in found.hosts[0].mounts] == [("/", 9000), ("/home", 300)]
    assert Reason.LINKED_CACHES in found.hosts[0].mounts[1].reasons
    assert {each.item.kind: each.concerns[0].kind for each in found.refused} == {
        ItemKind.PIP: ConcernKind.FOREIGN_OWNER,
        ItemKind.RUNS: ConcernKind.UNOWNED,
    }
    # What lies in our own home is for the host to decide.
    eves = replace(known, account="someone", home="/home/eve")
    assert [each.item.kind for each in outlook(marks, {"gpu01": eves}).refused] == [ItemKind.UV, ItemKind.RUNS]


def test_what_nobody_knows_is_guarded_and_never_holds_an_environment() -> None:
    def other(path: str) -> CacheItem:
        return CacheItem(CacheKind.OTHER, path, "ada", 500, 500, 300, 4)

    whisper, conda = other("/home/ada/.cache/whisper"), other(posixpath.dirname(ONE))
    known = tables(
        env(ONE), caches=(whisper, conda), account="ada", home="/home/ada", mounts=(Mount("/", "sda", "ext4"),)
    )
    marks = known.items((ItemKind.OTHER,))
    assert [each.label for each in marks] == ["whisper", posixpath.basename(conda.path)]
    found = outlook(marks, {"gpu01": known}).refused
    assert [each.severity for each in found] == [Severity.NAME, Severity.FORBIDDEN]
    assert printable(ONE) in found[1].concerns[-1].details
    accepted = dict.fromkeys((each.key for each in marks), NAMED)
    assert outlook(marks, {"gpu01": known}, accepted).items == (marks[0],)


def test_a_caches_trash_is_not_counted_again_beside_its_temporary_files() -> None:
    trash = CacheItem(CacheKind.TRASH, CACHE + "/.trash", "ada", 500, 500, 500, 4)
    known = tables(caches=(trash,), account="ada", mounts=(Mount("/", "sda", "ext4"),))
    both = [item(ItemKind.TRASH, CACHE + "/.trash", known), Item("gpu01", ItemKind.TEMP, CACHE)]
    assert outlook(both[:1], {"gpu01": known}).bytes == 500
    assert outlook(both, {"gpu01": known}).hosts[0].twice == (both[0],)


def test_everything_of_some_kinds_is_found_where_it_holds_something() -> None:
    assert [(each.kind, each.path) for each in tables().items(DEFAULT_KINDS)] == [(ItemKind.TARBALLS, CACHE)]
    kinds = [each.kind for each in tables().items((ItemKind.PACKAGES, ItemKind.ENVIRONMENT))]
    assert kinds == [*[ItemKind.ENVIRONMENT] * 3, ItemKind.PACKAGES]


def test_what_changed_since_is_told_and_nothing_else() -> None:
    known = tables()
    one, tarballs = item(ItemKind.ENVIRONMENT, ONE), item(ItemKind.TARBALLS, CACHE)
    plan = Plan((one, tarballs), 1000.0)

    def changes(now: HostTables) -> dict[str, tuple[Difference, ...]]:
        return {each.item.path: each.differences for each in recheck(plan, {"gpu01": now})}

    def with_rows(*rows: Row) -> HostTables:
        return replace(known, table=replace(known.table, rows=rows))

    rows = known.table.rows
    assert changes(known) == {}
    assert changes(with_rows(*rows, Row(bit(0) | OUTSIDE, 0, 8, 1))) == {ONE: (Difference.GREW,)}
    assert changes(with_rows(*rows[1:])) == {ONE: (Difference.SHRANK,)}
    shared = (Row(bit(0) | bit(1), 0, 100, 1), *rows[1:])
    assert changes(with_rows(*shared)) == {ONE: (Difference.SHARED,)}
    assert changes(with_rows(*(row for row in rows if row.bytes != 9000))) == {CACHE: (Difference.GONE,)}
    replaced = replace(known, environments=(env(ONE, fs_id="m:1:other"),))
    assert changes(replaced) == {ONE: (Difference.REPLACED,)}
    used = replace(known, environments=(env(ONE, in_use=(Use(7, "ada", "x"),)),))
    assert changes(used) == {ONE: (Difference.USED,)}
    assert recheck(plan, {})[0] == Changed(one, (Difference.UNKNOWN,), None)
    assert plan.without([one]).items == (tarballs,)


@pytest.mark.parametrize(
    ("then", "now", "used"),
    [
        ({"last_used": 500.7}, {"last_used": 500.9}, False),
        ({"last_used": 500.7}, {"last_used": 501.0}, True),
        ({"last_used": 500.0}, {"last_used": 400.0}, False),
        ({"last_used": 500.0}, {}, False),
        ({}, {"last_used": 999.0}, False),  # before the plan was made
        ({}, {"last_used": 1500.0}, True),
        ({"in_use": (Use(1, "eve", "python"),)}, {"last_used": 1500.0}, False),  # chosen in spite of that
        ({"last_used": 500.0}, {"last_used": 500.0, "in_use": (Use(1, "eve", "python"),)}, True),
    ],
)
def test_what_was_used_since_the_plan_was_made_is_not_what_was_chosen(
    then: dict[str, object], now: dict[str, object], used: bool
) -> None:
    before, after = tables(env(ONE, **then), env(TWO)), tables(env(ONE, **now), env(TWO))
    plan = Plan((item(ItemKind.ENVIRONMENT, ONE, before), item(ItemKind.ENVIRONMENT, TWO, before)), 1000.0)
    found = [(each.item.path, each.differences) for each in recheck(plan, {"gpu01": after})]
    assert found == ([(ONE, (Difference.USED,))] if used else [])


def test_another_tools_cache_that_was_read_since_is_not_what_was_chosen() -> None:
    def held(used: float) -> HostTables:
        caches = tuple(
            CacheItem(kind, f"/home/ada/{kind.value}", "ada", 10, 10, 10, 1, used)
            for kind in (CacheKind.TORCH, CacheKind.CORE)
        )
        return tables(caches=caches)

    then, now = held(500.0), held(600.0)
    plan = Plan(tuple(item(kind, f"/home/ada/{kind.value}", then) for kind in (ItemKind.TORCH, ItemKind.CORE)), 1000.0)
    assert [each.item.kind for each in recheck(plan, {"gpu01": now})] == [ItemKind.TORCH]
    assert plan.items[0].last_used_signal == "files"
