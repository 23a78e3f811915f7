"""The explicit list of conda packages: their addresses with hashes, in the order in which they can be linked. Pure."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping

from tui.domain.envrecord import CondaRecord, EnvironmentRecord
from tui.domain.text import printable

__all__ = ["address_of", "explicit_lines", "explicit_urls", "hash_of", "link_order"]

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|/)[!\"$-~]+\.(?:conda|tar\.bz2)\Z")
"""One word of printable ASCII without ``#``, behind which the hash stands."""
_MD5 = re.compile(r"[0-9a-f]{32}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


def address_of(record: CondaRecord) -> str | None:
    """Where the package's archive is; None when its record does not say so in one clear word."""
    for address in (
        record.url,
        f"{record.channel}/{record.file_name}" if record.channel and record.file_name else None,
    ):
        if address is not None and _ADDRESS.match(address):
            return address
    return None


def hash_of(record: CondaRecord) -> str | None:
    """What stands behind ``#``: the MD5, which every conda and micromamba takes, else ``sha256:…``; None without."""
    if record.md5 is not None and _MD5.match(record.md5):
        return record.md5
    if record.sha256 is not None and _SHA256.match(record.sha256):
        return f"sha256:{record.sha256}"
    return None


def explicit_urls(record: EnvironmentRecord) -> tuple[str, ...]:
    """The lines of the list that name a package; those without an address are left out."""
    return tuple(line for each in link_order(record.conda) if (line := _line(each)) is not None)


def explicit_lines(record: EnvironmentRecord) -> Iterator[str]:
    """The whole file."""
    yield "# This file may be used to create an environment using:"
    yield "# $ conda create --name <env> --file <this file>"
    if record.platform is not None:
        yield f"# platform: {printable(record.platform)}"
    yield "@EXPLICIT"
    for each in link_order(record.conda):
        yield _line(each) or f"# left out: {printable(each.stem)} (its record names no address)"


def _line(record: CondaRecord) -> str | None:
    address, known = address_of(record), hash_of(record)
    return address if address is None or known is None else f"{address}#{known}"


def link_order(records: Iterable[CondaRecord]) -> list[CondaRecord]:
    """*records* so that each stands behind what it depends on, else by name; a circle begins with its Python."""
    waiting = {each.name: each for each in sorted(records, key=lambda each: (each.name, each.stem))}
    twins = [each for each in records if waiting.get(each.name) is not each]
    needs = {name: {want for want in each.depends if want in waiting} - {name} for name, each in waiting.items()}
    wanted_by: dict[str, list[str]] = {}
    for name, wants in needs.items():
        for want in wants:
            wanted_by.setdefault(want, []).append(name)
    ready = [name for name, wants in needs.items() if not wants]
    heapq.heapify(ready)
    ordered: list[CondaRecord] = []
    while waiting:
        name = heapq.heappop(ready) if ready else _begin(min(waiting), needs)
        if name not in waiting:
            continue
        ordered.append(waiting.pop(name))
        for user in wanted_by.get(name, ()):
            needs[user].discard(name)
            if not needs[user]:
                heapq.heappush(ready, user)
    return [*ordered, *sorted(twins, key=lambda each: each.stem)]


def _begin(name: str, needs: Mapping[str, set[str]]) -> str:
    """Where to break the circle that *name* is in, or waits for: each of *needs* waits for another."""
    path: dict[str, None] = {}
    while name not in path:
        path[name] = None
        name = min(needs[name])
    circle = list(path)[list(path).index(name) :]
    return "python" if "python" in circle else min(circle)
