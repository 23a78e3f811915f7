"""Whether all users of a package cache were seen. Pure.

A hard link is counted by the file system: whoever made it, a package with one is in use. A soft link is not: an
environment that nobody saw may stand on a package that looks unused, and would break when the package goes. So a
cache's packages can only be told apart, used from unused, where every environment that may lead into it was seen:

- only its account can get in, and we are that account (or root, who looked into that account's home), or
- everybody can, and we are root, who looked into the home of every account there is,

and in both cases no other host mounts the file system and no part of the inventory is missing. Root's own environments
count as seen for a private cache: root needs no leave, and nothing that an account could see would tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.assemble import mount_of
from tui.domain.environments import Environment
from tui.domain.faults import FaultKind
from tui.domain.hosts import SearchPlaces
from tui.domain.machine import Machine, Mount
from tui.domain.phrases import Phrase, mark, phrase
from tui.domain.snapshot import HostSnapshot

__all__ = [
    "AccountsSeen",
    "CacheAccess",
    "CacheUsers",
    "Unseen",
    "UsersSeen",
    "cache_users",
    "users_seen",
    "why_unseen",
]


class Unseen(StrEnum):
    """Why somebody may use a cache who was not seen. A closed list; the values are what ``--json`` shows."""

    OTHER_ACCOUNTS = "other_accounts"
    OTHER_HOSTS = "other_hosts"
    ONLY_CONFIGURED = "only_configured"
    """The configuration names all places to look at."""
    LIST_UNREADABLE = "list_unreadable"
    HOMES_UNSEEN = "homes_unseen"
    ACCOUNTS_UNKNOWN = "accounts_unknown"
    INVENTORY_INCOMPLETE = "inventory_incomplete"
    ENVIRONMENT_UNREADABLE = "environment_unreadable"
    """Directories of an environment could not be read while counting: what they lead to is unknown."""
    NOT_LEARNT = "not_learnt"
    """The host could not say who may get into the cache."""


@dataclass(frozen=True, slots=True)
class CacheAccess:
    """Who may get into a cache, as its host says."""

    path: str
    real: str | None = None
    """Without soft links; None when this account does not get there."""
    keeper: int | None = None
    """The one account, root apart, that can get in; None when others can, too."""
    keeper_name: str | None = None
    keeper_home: str | None = None


@dataclass(frozen=True, slots=True)
class AccountsSeen:
    """What a host says of its accounts and of who gets into which cache."""

    uid: int | None = None
    list_readable: bool = False
    """Our own list of environments can be read, or there is none."""
    all_accounts: bool = False
    """Every account of the host can be enumerated."""
    homes_unseen: tuple[str, ...] = ()
    """Homes that may hold environments and are not looked into."""
    caches: tuple[CacheAccess, ...] = ()
    homes: tuple[str, ...] = ()
    """Other accounts' homes that we may look into, for root."""
    login: int | None = None
    """The account that asks as root, and whose home counts as our own."""


@dataclass(frozen=True, slots=True)
class CacheUsers:
    """Whether all users of the cache at :attr:`path` were seen, and why not."""

    path: str
    unseen: tuple[Unseen, ...] = ()
    private: bool = False
    """Only our own account gets in."""
    keeper: str | None = None
    """The account that alone gets in, where there is one."""

    @property
    def seen(self) -> bool:
        """True when a package that nothing seen uses is used by nobody."""
        return not self.unseen

    def also(self, reason: Unseen) -> CacheUsers:
        """The same with one more reason."""
        if reason in self.unseen:
            return self
        return CacheUsers(self.path, (*self.unseen, reason), self.private, self.keeper)


@dataclass(frozen=True, slots=True)
class UsersSeen:
    """For the count: of which caches every package is to count as used."""

    unseen: frozenset[str] | None = frozenset()
    """Paths of caches; None: of every cache."""
    private: frozenset[str] = frozenset()
    """Caches into which our own account alone gets: what others have cannot lead there."""
    strangers: frozenset[str] = frozenset()
    """Environments of other accounts."""

    @classmethod
    def nobody(cls) -> UsersSeen:
        """Nothing is known: every package counts as used."""
        return cls(None)


def cache_users(
    paths: Iterable[str], accounts: AccountsSeen | None, snapshot: HostSnapshot, search: SearchPlaces
) -> tuple[CacheUsers, ...]:
    """For each cache of *paths* whether all its users are among the environments of *snapshot*.

    *accounts*: what the host says; None when it could not be asked.
    """
    if accounts is None or accounts.uid is None:
        return tuple(CacheUsers(path, (Unseen.NOT_LEARNT,)) for path in paths)
    known = {access.path: access for access in accounts.caches}
    general = _general(snapshot, search)
    return tuple(_of_cache(path, known.get(path), accounts, general, snapshot, search) for path in paths)


def _general(snapshot: HostSnapshot, search: SearchPlaces) -> list[Unseen]:
    """What holds for every cache of the host."""
    reasons = []
    # On a demo's host, and nowhere else, the places named are all there is.
    if search.only and not _played(snapshot.machine.value):
        reasons.append(Unseen.ONLY_CONFIGURED)
    parts = (snapshot.installs, snapshot.environments)
    harmless = (None, FaultKind.PERMISSION, FaultKind.TOOL_MISSING)
    if any(part.value is None or (part.fault and part.fault.kind) not in harmless for part in parts):
        reasons.append(Unseen.INVENTORY_INCOMPLETE)
    return reasons


def _of_cache(
    path: str,
    access: CacheAccess | None,
    accounts: AccountsSeen,
    general: Sequence[Unseen],
    snapshot: HostSnapshot,
    search: SearchPlaces,
) -> CacheUsers:
    if access is None or access.real is None:
        return CacheUsers(path, (*general, Unseen.NOT_LEARNT))
    reasons = list(general)
    if _shared(access.real, snapshot.mounts.value):
        reasons.append(Unseen.OTHER_HOSTS)
    ours = access.keeper is not None and access.keeper in (accounts.uid, accounts.login)
    if ours:
        if not accounts.list_readable:
            reasons.append(Unseen.LIST_UNREADABLE)
    elif accounts.uid != 0:
        reasons.append(Unseen.OTHER_ACCOUNTS)
    elif access.keeper is None:
        if not accounts.all_accounts:
            reasons.append(Unseen.ACCOUNTS_UNKNOWN)
        if accounts.homes_unseen:
            reasons.append(Unseen.HOMES_UNSEEN)
        if _denied(snapshot):
            reasons.append(Unseen.INVENTORY_INCOMPLETE)
    elif not _home_seen(access.keeper_home, accounts, search):
        reasons.append(Unseen.HOMES_UNSEEN)
    return CacheUsers(path, tuple(dict.fromkeys(reasons)), ours, access.keeper_name)


def _played(machine: Machine | None) -> bool:
    return machine is not None and machine.played


def _shared(real: str, mounts: Sequence[Mount] | None) -> bool:
    """Whether another host may mount what *real* lies on; unknown counts as that."""
    mount = mount_of(real, mounts or ())
    return mount is None or mount.network or mount.export_id is not None


def _denied(snapshot: HostSnapshot) -> bool:
    faults = (snapshot.installs.fault, snapshot.environments.fault)
    return any(fault is not None and fault.kind is FaultKind.PERMISSION for fault in faults)


def _home_seen(home: str | None, accounts: AccountsSeen, search: SearchPlaces) -> bool:
    """Whether the inventory looked into that home: those of ``/home``, root's, and the configured places."""
    if home is None or home in accounts.homes_unseen:
        return False
    usual = home == "/root" or (home.startswith("/home/") and "/" not in home.removeprefix("/home/"))
    return (usual and not search.only) or home in search.paths


def users_seen(users: Iterable[CacheUsers], environments: Iterable[Environment], account: str | None) -> UsersSeen:
    """What a count needs to know; *account* is who we are on the host."""
    users = tuple(users)
    strangers = (env.prefix for env in environments if account and env.owner is not None and env.owner != account)
    return UsersSeen(
        frozenset(each.path for each in users if not each.seen),
        frozenset(each.path for each in users if each.private),
        frozenset(strangers),
    )


_WHY = {
    Unseen.OTHER_ACCOUNTS: mark("other accounts can read it, and what they keep cannot be seen"),
    Unseen.OTHER_HOSTS: mark("other hosts may use it over the network"),
    Unseen.ONLY_CONFIGURED: mark("only the configured places are looked at"),
    Unseen.LIST_UNREADABLE: mark("the account's own list of environments cannot be read"),
    Unseen.HOMES_UNSEEN: mark("some accounts' homes are not looked into"),
    Unseen.ACCOUNTS_UNKNOWN: mark("a directory service may hold more accounts than can be listed"),
    Unseen.INVENTORY_INCOMPLETE: mark("some places could not be looked at"),
    Unseen.ENVIRONMENT_UNREADABLE: mark("some directories of environments could not be read"),
    Unseen.NOT_LEARNT: mark("who may use it could not be learnt"),
}


def why_unseen(reason: Unseen) -> Phrase:
    """*reason* in words, to continue "its packages count as used: …"."""
    return phrase(_WHY[reason])
