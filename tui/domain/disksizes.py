"""What a disk table says of each environment, in a form that stays beside the inventory and is kept. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tui.domain.diskbounds import bound_of
from tui.domain.diskplaces import OwnerKind
from tui.domain.disktable import DiskTable, OwnerState
from tui.domain.environments import DiskSize, Environment

__all__ = ["carried_sizes", "environment_size", "environment_sizes", "with_sizes"]

_COUNTED = frozenset({OwnerState.READ, OwnerState.SAME})


def environment_sizes(table: DiskTable, time: float, bases: Collection[str] = ()) -> dict[str, DiskSize]:
    """The size of each environment that *table* counted at *time*, by its prefix as it was asked for.

    *bases*: prefixes in whose directories other environments and caches usually lie. Nobody removes those, so they
    have what they hold themselves; of any other environment all counts that lies in its directory.
    """
    sizes = {}
    for number, owner in enumerate(table.owners):
        if owner.kind is OwnerKind.ENVIRONMENT:
            size = environment_size(table, number, time, owner.path in bases)
            if size is not None:
                sizes[owner.path] = size
    return sizes


def environment_size(table: DiskTable, number: int, time: float, base: bool) -> DiskSize | None:
    """The size of the environment that is owner *number*, as :func:`environment_sizes`; None if it was not counted."""
    owner = table.owners[number]
    if owner.state not in _COUNTED:
        return None
    if owner.state is OwnerState.SAME and owner.same_as is None:
        return None  # it is counted as something else than an environment
    if base:
        return _base_size(table, number, time)
    held = table.holding(number)
    return DiskSize(held.bytes, held.exclusive_bytes, held.shared_bytes, held.files, time, bound_of(held.reasons))


def _base_size(table: DiskTable, number: int, time: float) -> DiskSize:
    same = table.owners[number].same_as
    real = table.owners[number if same is None else same]
    own = 1 << ((number if same is None else same) + 1)
    held = [row for row in table.rows if row.owners & own]
    total = sum(row.bytes for row in held)
    alone = sum(row.bytes for row in held if row.owners == own and not row.users & ~own)
    reasons = real.reasons | (table.devices[real.device].reasons if real.device is not None else frozenset())
    return DiskSize(total, alone, total - alone, sum(row.files for row in held), time, bound_of(reasons))


def with_sizes(environments: Iterable[Environment], sizes: Mapping[str, DiskSize]) -> tuple[Environment, ...]:
    """*environments* with these sizes; those that were not counted have none. Soft-linked prefixes hold nothing."""
    return tuple(
        env if env.size == (size := sizes.get(env.prefix)) else replace(env, size=size) for env in environments
    )


def carried_sizes(
    environments: tuple[Environment, ...], known: Iterable[Environment] | None
) -> tuple[Environment, ...]:
    """*environments* with the sizes that the same ones had when they were *known*: an inventory brings none.

    Another environment at the same path has none. The very tuple comes back when nothing is to be carried.
    """
    sized = {env.prefix: env for env in known or () if env.size is not None}
    if not sized:
        return environments
    carried = []
    for env in environments:
        before = sized.get(env.prefix)
        same = before is not None and env.size is None and _same(before, env)
        carried.append(replace(env, size=before.size) if before is not None and same else env)
    return tuple(carried)


def _same(before: Environment, now: Environment) -> bool:
    """Whether it may be the one that was counted: what is unknown on either side tells nothing."""
    return all(
        old is None or new is None or old == new
        for old, new in ((before.fs_id, now.fs_id), (before.created, now.created))
    )
