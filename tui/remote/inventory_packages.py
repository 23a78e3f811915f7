"""The packages of a host's environments: asked only for those that are new or changed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace

from tui.domain.packages import PackageInterner
from tui.remote.environments import PrefixSeen
from tui.remote.lane import Lane
from tui.remote.packages import PackagesRead, parse_packages
from tui.remote.scripts import script
from tui.remote.turns import next_slice, slice_over

__all__ = ["PackageCache"]

AT_ONCE = 64
"""Environments in one request, so that no answer grows beyond what one record may hold."""
PACKAGES_S = 120.0
SILENCE_S = 30.0
END_BYTES = 1500
"""conda and micromamba write a record's keys in order: address and requested spec stand in its last bytes."""
BEGINNING_BYTES = 6000
"""Other tools write the address before the list of files."""
SETTLED_S = 2.0
"""What changed less than this before it was read may have changed again in the same second."""

Key = tuple[object, ...]


class PackageCache:
    """What each environment holds, by its digest."""

    def __init__(self, interner: PackageInterner) -> None:
        self._interner = interner
        self._known: dict[Key, PackagesRead] = {}
        self._unsettled: set[Key] = set()

    def get(self, seen: PrefixSeen) -> PackagesRead | None:
        """What is known of *seen* as it is now; None when it was never read in this state."""
        digest = seen.digest
        return self._known.get(digest) if digest is not None else None

    async def renew(self, lane: Lane, environments: Iterable[PrefixSeen], host_now: float) -> None:
        """Read those that are not known in their present state. *host_now* is the host's clock, in Unix seconds.

        Raises as :meth:`Lane.stream` does; what was read until then is kept.
        """
        due: dict[Key, PrefixSeen] = {}
        for seen in environments:
            digest = seen.digest
            if digest is not None and (digest not in self._known or digest in self._unsettled):
                due.setdefault(digest, seen)
        todo = list(due.items())
        for start in range(0, len(todo), AT_ONCE):
            part = todo[start : start + AT_ONCE]
            found = await self._ask(lane, [seen.prefix for _, seen in part], END_BYTES)
            again = [prefix for prefix, read in found.items() if read.without_channel]
            if again:
                for prefix, read in (await self._ask(lane, again, -BEGINNING_BYTES)).items():
                    if slice_over():
                        await next_slice()
                    found[prefix] = _with_channels(found[prefix], read, self._interner)
            for digest, seen in part:
                if seen.prefix in found:
                    self._known[digest] = found[seen.prefix]
                    self._unsettled.discard(digest)
                    if seen.changed_at() > host_now - SETTLED_S:
                        self._unsettled.add(digest)

    def keep_only(self, environments: Iterable[PrefixSeen] | None) -> None:
        """Forget all others; None forgets nothing."""
        if environments is None:
            return
        alive = {seen.digest for seen in environments}
        self._known = {digest: read for digest, read in self._known.items() if digest in alive}
        self._unsettled &= self._known.keys()

    async def _ask(self, lane: Lane, prefixes: Sequence[str], size: int) -> dict[str, PackagesRead]:
        args = (secrets.token_hex(8), str(size), *prefixes)
        body = b""
        stream = lane.stream(
            script("inventory_packages"), args, timeout=PACKAGES_S, idle=SILENCE_S, limit=64 << 20, compress=True
        )
        async with aclosing(stream) as records:
            async for record in records:
                if record.tag == "pk" and record.fields:
                    body = record.fields[0]
        return await parse_packages(body, prefixes, self._interner)


def _with_channels(ends: PackagesRead, beginnings: PackagesRead, interner: PackageInterner) -> PackagesRead:
    """*ends* with the channels that only the beginnings of the records told."""
    channels = {(p.name, p.version, p.build): p.channel for p in beginnings.packages.packages}
    packages = []
    for package in ends.packages.packages:
        channel = package.channel or channels.get((package.name, package.version, package.build))
        if channel is not None and package.channel is None:
            package = interner.package(package.name, package.version, package.build, channel, package.manager)
        packages.append(package)
    return replace(ends, packages=interner.package_set(packages), without_channel=0)
