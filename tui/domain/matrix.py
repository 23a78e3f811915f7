"""Which hosts have an environment of a name, and are they the same: names by hosts. And other groupings. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.compare import by_digest
from tui.domain.environments import Environment
from tui.domain.faults import FaultKind

__all__ = ["Cell", "CellState", "Group", "MatrixRow", "by_install", "by_name", "by_owner", "matrix"]


class CellState(StrEnum):
    """What is known of a name on a host."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"
    """The host has not answered, or the packages could not be read."""
    BROKEN = "broken"
    """It is half-made, or listed but gone: whatever others hold, it is not the same."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A name on a host."""

    state: CellState
    letter: str = ""
    """``A`` for what most hold, ``B`` and so on for the next; equal letters are equal packages. ``AB`` where a
    host has several environments of that name."""
    environments: tuple[Environment, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether it holds something else than the majority."""
        return self.letter not in ("", "A")


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One name on all hosts, in the order of the hosts given."""

    name: str
    cells: tuple[Cell, ...]
    classes: int
    """How many different sets of packages go by this name."""

    @property
    def hosts(self) -> int:
        """On how many hosts it is known to be."""
        return sum(bool(cell.environments) for cell in self.cells)

    @property
    def broken(self) -> int:
        """On how many hosts it is half-made or gone."""
        return sum(cell.state is CellState.BROKEN for cell in self.cells)

    @property
    def same(self) -> bool | None:
        """Whether it is the same wherever it is; None when some of it is not known."""
        if self.classes > 1 or self.broken:
            return False
        unknown = any(cell.state is CellState.UNKNOWN for cell in self.cells)
        return None if unknown or not self.classes else True


@dataclass(frozen=True, slots=True)
class Group:
    """Environments that have something in common; ``key`` is None for those of which it is not known."""

    key: tuple[str, ...] | None
    environments: tuple[Environment, ...]


def matrix(environments: Iterable[Environment], hosts: Sequence[str], answered: Collection[str]) -> list[MatrixRow]:
    """A row for each name, sorted: first what differs, then what is on most hosts, then by name.

    *answered* are the hosts whose environments are known (an old answer counts); on all others a name that was
    not seen is unknown, not absent. Environments without a name are left out.
    """
    named: dict[str, list[Environment]] = {}
    for env in environments:
        if env.name is not None:
            named.setdefault(env.name, []).append(env)
    rows = [_row(name, members, hosts, answered) for name, members in named.items()]
    return sorted(rows, key=lambda row: (row.same is not False, -row.hosts, row.name))


def _row(name: str, members: list[Environment], hosts: Sequence[str], answered: Collection[str]) -> MatrixRow:
    groups = by_digest([env for env in members if not _is_broken(env) or env.packages.packages])
    letters = {group.digest: _letter(at) for at, group in enumerate(groups)}
    by_host: dict[str, list[Environment]] = {}
    for env in members:
        by_host.setdefault(env.host, []).append(env)
    cells = []
    for host in hosts:
        here = by_host.get(host)
        if not here:
            cells.append(Cell(CellState.ABSENT if host in answered else CellState.UNKNOWN))
            continue
        known = [letters[env.packages.digest] for env in here if env.packages_known and env.packages.digest in letters]
        state = CellState.PRESENT if len(known) == len(here) else CellState.UNKNOWN
        if any(map(_is_broken, here)):
            state = CellState.BROKEN
        cells.append(Cell(state, "".join(sorted(set(known), key=_letter_order)), tuple(here)))
    return MatrixRow(name, tuple(cells), len(groups))


def _is_broken(env: Environment) -> bool:
    return env.fault is not None and env.fault.kind in (FaultKind.INCOMPLETE, FaultKind.GHOST)


def _letter(at: int) -> str:
    """A to Z, then A1, B1, …: letters stay readable however many there are."""
    return chr(65 + at % 26) + (str(at // 26) if at >= 26 else "")


def _letter_order(letter: str) -> tuple[int, str]:
    return int(letter[1:] or 0), letter[0]


def by_install(environments: Iterable[Environment]) -> tuple[Group, ...]:
    """Groups with the key (host, root of the install)."""
    return _grouped(environments, lambda env: None if env.install is None else (env.host, env.install))


def by_owner(environments: Iterable[Environment]) -> tuple[Group, ...]:
    """Groups with the key (owner,)."""
    return _grouped(environments, lambda env: None if env.owner is None else (env.owner,))


def by_name(environments: Iterable[Environment]) -> tuple[Group, ...]:
    """Groups with the key (name,)."""
    return _grouped(environments, lambda env: None if env.name is None else (env.name,))


def _grouped(
    environments: Iterable[Environment], key: Callable[[Environment], tuple[str, ...] | None]
) -> tuple[Group, ...]:
    """The groups sorted by their keys, the unknown last; members stay in their order."""
    groups: dict[tuple[str, ...] | None, list[Environment]] = {}
    for env in environments:
        groups.setdefault(key(env), []).append(env)
    ordered = sorted(groups.items(), key=lambda item: (item[0] is None, item[0] or ()))
    return tuple(Group(each, tuple(members)) for each, members in ordered)
