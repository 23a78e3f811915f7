"""Packages count as unused only where everyone who may use them was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui.domain.cacheusers import AccountsSeen, CacheAccess, CacheUsers, Unseen, UsersSeen, cache_users, users_seen
from tui.domain.cacheusers import why_unseen as why
from tui.domain.environments import Environment, EnvKind, Manager
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import SearchPlaces
from tui.domain.machine import Machine, Mount
from tui.domain.snapshot import HostSnapshot, Part

ADA, BOB, ROOT = 1000, 1001, 0
CACHE = "/home/ada/miniconda3/pkgs"
PRIVATE = CacheAccess(CACHE, CACHE, ADA, "ada", "/home/ada")
OPEN = CacheAccess("/opt/conda/pkgs", "/opt/conda/pkgs")
LOCAL_DISK = Mount("/", "/dev/sda1", "ext4")
SNAPSHOT = HostSnapshot(
    "gpu01",
    machine=Part(Machine(user="ada", uid=ADA), 1.0),
    mounts=Part((LOCAL_DISK, Mount("/nas", "nas:/x", "nfs4", network=True, export_id="nas:/x")), 1.0),
    installs=Part((), 1.0),
    environments=Part((), 1.0),
)
ANYWHERE = SearchPlaces()
NOWHERE_ELSE = SearchPlaces(("/home/ada",), only=True)


def decided(
    access: CacheAccess,
    uid: int | None = ADA,
    snapshot: HostSnapshot = SNAPSHOT,
    search: SearchPlaces = ANYWHERE,
    **accounts: object,
) -> CacheUsers:
    values: dict[str, object] = {"list_readable": True, "all_accounts": True, **accounts}
    seen = AccountsSeen(uid, caches=(access,), **values)  # type: ignore[arg-type]  # by name
    (found,) = cache_users([access.path], seen, snapshot, search)
    return found


def test_a_cache_that_its_account_has_for_itself_has_no_unseen_users() -> None:
    found = decided(PRIVATE)
    assert found == CacheUsers(CACHE, (), private=True, keeper="ada")
    assert found.seen


def test_a_cache_that_others_can_read_has_unless_root_looked_everywhere() -> None:
    assert decided(OPEN).unseen == (Unseen.OTHER_ACCOUNTS,)
    assert decided(OPEN, ROOT).seen
    assert not decided(OPEN, ROOT).private
    assert decided(OPEN, ROOT, all_accounts=False).unseen == (Unseen.ACCOUNTS_UNKNOWN,)
    assert decided(OPEN, ROOT, homes_unseen=("/data/bob",)).unseen == (Unseen.HOMES_UNSEEN,)


def test_of_somebody_elses_private_cache_root_has_to_have_seen_that_home() -> None:
    assert decided(PRIVATE, BOB).unseen == (Unseen.OTHER_ACCOUNTS,)
    assert decided(PRIVATE, ROOT, all_accounts=False).seen
    assert decided(PRIVATE, ROOT, homes_unseen=("/home/ada",)).unseen == (Unseen.HOMES_UNSEEN,)
    elsewhere = replace(PRIVATE, keeper_home="/data/homes/ada")
    assert decided(elsewhere, ROOT).unseen == (Unseen.HOMES_UNSEEN,)
    assert decided(elsewhere, ROOT, search=SearchPlaces(("/data/homes/ada",))).seen
    assert decided(replace(PRIVATE, keeper_home=None), ROOT).unseen == (Unseen.HOMES_UNSEEN,)


@pytest.mark.parametrize("path", ["/nas/pkgs", "/nas"])
def test_over_the_network_other_hosts_may_use_it(path: str) -> None:
    assert decided(replace(PRIVATE, path=path, real=path)).unseen == (Unseen.OTHER_HOSTS,)


def test_where_the_file_systems_are_not_known_it_may_be_over_the_network() -> None:
    blind = replace(SNAPSHOT, mounts=Part())
    assert decided(PRIVATE, snapshot=blind).unseen == (Unseen.OTHER_HOSTS,)


def test_a_list_of_places_leaves_others_out_but_on_a_demo_host() -> None:
    assert decided(PRIVATE, search=NOWHERE_ELSE).unseen == (Unseen.ONLY_CONFIGURED,)
    played = replace(SNAPSHOT, machine=Part(Machine(user="ada", uid=ADA, played=True), 1.0))
    assert decided(PRIVATE, snapshot=played, search=NOWHERE_ELSE).seen


@pytest.mark.parametrize("part", ["installs", "environments"])
@pytest.mark.parametrize("kind", list(FaultKind))
def test_what_the_inventory_misses_may_be_a_user(part: str, kind: FaultKind) -> None:
    snapshot = replace(SNAPSHOT, **{part: Part((), 1.0, Fault(kind, "x", ""))})  # type: ignore[arg-type]  # by name
    ours, everybodys = decided(PRIVATE, snapshot=snapshot), decided(OPEN, ROOT, snapshot=snapshot)
    # What this account may not look into belongs to others, who cannot get into what it has for itself.
    assert ours.seen is (kind in (FaultKind.PERMISSION, FaultKind.TOOL_MISSING))
    assert everybodys.seen is (kind is FaultKind.TOOL_MISSING)
    unknown = replace(SNAPSHOT, **{part: Part()})  # type: ignore[arg-type]  # by name
    assert decided(PRIVATE, snapshot=unknown).unseen == (Unseen.INVENTORY_INCOMPLETE,)


def test_a_hidden_list_of_environments_hides_users() -> None:
    assert decided(PRIVATE, list_readable=False).unseen == (Unseen.LIST_UNREADABLE,)


def test_what_the_host_did_not_say_counts_as_unseen() -> None:
    assert decided(PRIVATE, None).unseen == (Unseen.NOT_LEARNT,)
    assert decided(replace(PRIVATE, real=None)).unseen == (Unseen.NOT_LEARNT,)
    (silent,) = cache_users([CACHE], None, SNAPSHOT, SearchPlaces())
    (other,) = cache_users([CACHE], AccountsSeen(ADA, True, True), SNAPSHOT, SearchPlaces())
    assert silent.unseen == other.unseen == (Unseen.NOT_LEARNT,)


def test_a_count_is_told_which_caches_and_whose_environments_are_which() -> None:
    mine, hers = (Environment("h", f"/e/{name}", name, EnvKind.NAMED, None, Manager.CONDA, owner=name) for name in
                  ("ada", "eve"))  # fmt: skip
    users = (CacheUsers("/a", private=True), CacheUsers("/b", (Unseen.OTHER_HOSTS,)))
    told = users_seen(users, [mine, hers], "ada")
    assert told == UsersSeen(frozenset({"/b"}), frozenset({"/a"}), frozenset({"/e/eve"}))
    assert users_seen(users, [mine, hers], None).strangers == frozenset()
    assert UsersSeen.nobody().unseen is None


def test_every_reason_has_words_and_is_added_once() -> None:
    assert len({why(reason) for reason in Unseen}) == len(Unseen)
    twice = CacheUsers("/a").also(Unseen.OTHER_HOSTS).also(Unseen.OTHER_HOSTS)
    assert twice.unseen == (Unseen.OTHER_HOSTS,)
