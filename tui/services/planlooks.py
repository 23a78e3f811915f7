"""What a host's own look says of a plan, beside its disk table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from tui.domain.changes import Concern, ConcernKind
from tui.domain.diskbounds import Reason
from tui.domain.planitems import ENVIRONMENTS, HostTables, ItemKind
from tui.domain.plans import HostOutlook, MountFreed, Refusal, outlook
from tui.remote.changes.clean import CleanSaid
from tui.services.cleanings import looked_freed

__all__ = ["with_looks"]

Key = tuple[str, ItemKind, str]


def with_looks(
    found: HostOutlook,
    known: HostTables,
    look: CleanSaid | None,
    against: Mapping[Key, tuple[Concern, ...]],
    older_s: float | None,
    accepted: Mapping[Key, Collection[ConcernKind]],
) -> HostOutlook:
    """*found* less what the host itself speaks against, by *against*.

    Where some of it stays for reasons that no table knows, or only what has an age goes, what the look counted stands
    in place of the table.
    """
    stopped = [item for item in found.items if item.key in against]
    if stopped:
        going = [item for item in found.items if item.key not in against]
        again = outlook(going, {found.host: known}, accepted)
        fewer = again.hosts[0] if again.hosts else HostOutlook(found.host, counted=found.counted)
        refused = (*found.refused, *(Refusal(item, against[item.key]) for item in stopped), *fewer.refused)
        found = replace(fewer, refused=refused, twice=found.twice)
    if look is None:
        return found
    keys = {item.key for item in found.items}
    # What the table cannot know: what processes have, and what changed lately.
    held = any((found.host, each.kind, each.path) in keys and each.why != "used" for each in look.kept)
    if older_s is None and not held:
        return found
    rest = [item for item in found.items if item.kind in ENVIRONMENTS]
    if rest and older_s is None:
        # With the environments more packages go than the host can tell as long as they are there.
        mounts = (replace(each, reasons=each.reasons | {Reason.OPEN_FILES}) for each in found.mounts)
        return replace(found, mounts=tuple(mounts))
    environments = outlook(rest, {found.host: known}, accepted)
    most = next((each.held for each in found.mounts), None)
    sums = {each.mount: each for host in environments.hosts for each in host.mounts}
    for more in looked_freed(look, keys, known):
        had = sums.get(more.mount, MountFreed(more.mount, 0, 0))
        reasons = had.reasons | more.reasons | ({Reason.LINKED_CACHES} if rest else set())
        sums[more.mount] = MountFreed(more.mount, had.bytes + more.bytes, had.files + more.files, reasons, most)
    return replace(found, mounts=tuple(sums[mount] for mount in sorted(sums)))
