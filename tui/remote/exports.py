"""What one environment can be made again from, asked of its host in one question: files are read, nothing is run."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping, Sequence

from tui.domain.envrecord import Condarc, CondaRecord, EnvironmentRecord, PipOrigin, PipRecord, Unread
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.history import History
from tui.domain.packages import PackageInterner, PackageManager, canonical_name
from tui.domain.phrases import phrase, worded
from tui.domain.text import printable
from tui.remote.history import history_of
from tui.remote.inventory_packages import END_BYTES
from tui.remote.jsontext import read_json
from tui.remote.lane import Lane
from tui.remote.packages import PackagesRead, parse_packages
from tui.remote.piporigins import read_origins
from tui.remote.recordlines import read_meta
from tui.remote.scripts import script
from tui.remote.wire import Record, WireError, records

__all__ = ["ask_export"]

ANSWER_LIMIT = 32 << 20
MOST_PLACES_BYTES = 2 << 20
"""Of the files that say where pip packages came from no more is sent."""
MOST_CHANNELS = 100


async def ask_export(
    lane: Lane, host: str, prefix: str, *, timeout: float, name: str | None = None
) -> EnvironmentRecord:
    """All that the files at *prefix* tell of how to make that environment again; *name*: what it is called.

    Which packages there are, and which of them are pip's, is decided as the inventory decides it. The record may hold
    secrets: see :mod:`tui.domain.envrecord`. Raises HostFaultError: ``ghost`` (the prefix is gone), ``incomplete`` (it
    holds no conda-meta), ``permission``, ``protocol`` (the answer makes no sense), or as :meth:`Lane.ask`.
    """
    # Each of the three scripts leaves its last arguments to the next.
    question = script("inventory_packages") + script("export") + script("history")
    args = (secrets.token_hex(8), str(END_BYTES), prefix)
    body = await lane.ask(question, args, timeout=timeout, limit=ANSWER_LIMIT, compress=True)
    try:
        found = await asyncio.to_thread(_by_tag, body)
        _check(found, host, prefix)
        inventory = found["pk"][0].fields[0] if found.get("pk") and found["pk"][0].fields else b""
        read = (await parse_packages(inventory, (prefix,), PackageInterner())).get(prefix, PackagesRead())
        # Off the loop: a file made up to be slow to read costs no other host's turn.
        return await asyncio.to_thread(_record, found, read, host, prefix, name)
    except WireError as error:
        message = phrase(
            "What {place} says of itself makes no sense: {reason}.", place=_place(host, prefix), reason=worded(error)
        )
        raise HostFaultError(Fault(FaultKind.PROTOCOL, message, phrase("Try again."))) from error


def _by_tag(body: bytes) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for record in records(body):
        found.setdefault(record.tag, []).append(record)
    return found


def _check(found: Mapping[str, Sequence[Record]], host: str, prefix: str) -> None:
    state = found["ex"][0].text(0) if found.get("ex") else None
    place = _place(host, prefix)
    if state == "g":
        message = phrase("{place} is not there any more.", place=place)
        raise HostFaultError(Fault(FaultKind.GHOST, message, phrase("Refresh to see what is there now.")))
    if state == "x":
        message = phrase("{place} may not be read by this account.", place=place)
        raise HostFaultError(Fault(FaultKind.PERMISSION, message, phrase("Ask its owner, or connect as another user.")))
    if state == "n":
        message = phrase("{place} has no conda-meta: no conda made it, or it is not whole.", place=place)
        raise HostFaultError(
            Fault(FaultKind.INCOMPLETE, message, phrase("No record says what it could be made again from."))
        )
    if state != "y" or any(not found.get(tag) for tag in ("meta", "places", "history")):
        raise WireError("it is not whole")


def _place(host: str, prefix: str) -> str:
    return f"{host}:{printable(prefix)}"


def _record(
    found: Mapping[str, Sequence[Record]], read: PackagesRead, host: str, prefix: str, name: str | None
) -> EnvironmentRecord:
    unread: set[Unread] = {Unread.PACKAGES} if read.troubles else set()
    places = found["places"][0].text(0) or ""
    if len(places) >= MOST_PLACES_BYTES:
        unread.add(Unread.ORIGINS)
    origins = read_origins(places, prefix)
    files = _Files(found.get("file", ()), unread)
    return EnvironmentRecord(
        host,
        prefix,
        name,
        _conda(read, found["meta"][0].text(0) or ""),
        _pip(read, origins.packages),
        _history(found["history"][0], host, prefix, unread),
        files.pins,
        files.frozen,
        files.variables,
        tuple(files.condarcs),
        tuple(origins.added_paths),
        tuple(part for part in Unread if part in unread),
    )


def _conda(read: PackagesRead, text: str) -> tuple[CondaRecord, ...]:
    known = read_meta(text)
    listed: list[CondaRecord] = []
    for package in read.packages.packages:
        if package.manager is not PackageManager.CONDA:
            continue
        parts = (package.name, package.version, package.build)
        stem = "-".join(part for part in parts if part is not None)
        said = known.get(stem)
        if said is None or (said.url is None and package.name in read.broken):
            listed.append(CondaRecord(stem, *parts, broken=True))
        else:
            listed.append(said)
    return tuple(sorted(listed, key=lambda each: (each.name, each.stem)))


def _pip(read: PackagesRead, origins: Mapping[str, tuple[PipOrigin, str | None]]) -> tuple[PipRecord, ...]:
    listed: list[PipRecord] = []
    for package in read.packages.packages:
        if package.manager is PackageManager.PIP:
            origin, address = origins.get(canonical_name(package.name), (PipOrigin.INDEX, None))
            listed.append(PipRecord(package.name, package.version, origin, address, package.name in read.clobbered))
    return tuple(sorted(listed, key=lambda each: (canonical_name(each.name), each.version or "")))


def _history(record: Record, host: str, prefix: str, unread: set[Unread]) -> History:
    """The history; an environment that has none is none the less what its records say."""
    try:
        return history_of(record, prefix, host)
    except HostFaultError as error:
        if error.fault.kind is FaultKind.PERMISSION:
            unread.add(Unread.HISTORY)
        return History()


class _Files:
    """The small files that travel whole."""

    def __init__(self, files: Iterable[Record], unread: set[Unread]) -> None:
        self.pins: tuple[str, ...] = ()
        self.frozen: str | None = None
        self.variables: tuple[tuple[str, str], ...] = ()
        self.condarcs: list[Condarc] = []
        for each in files:
            kind, path, state, text = (each.text(at) or "" for at in range(4))
            readable = state == "y"
            if kind == "frozen":
                self.frozen = _message(text) if readable else ""
            elif kind == "pinned":
                self.pins = tuple(_lines(text))
                unread |= set() if readable else {Unread.PINS}
            elif kind == "state":
                variables = _variables(text) if readable else None
                self.variables = variables or ()
                unread |= {Unread.VARIABLES} if variables is None else set()
            elif kind == "condarc" and readable:
                self.condarcs.append(Condarc(path, text, _channels(text)))
            elif kind == "condarc":
                unread.add(Unread.CONFIG)


def _lines(text: str) -> Iterable[str]:
    return (line.strip() for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#"))


def _message(text: str) -> str:
    data = read_json(text)
    message = data.get("message") if isinstance(data, dict) else None
    return message if isinstance(message, str) else ""


def _variables(text: str) -> tuple[tuple[str, str], ...] | None:
    """The variables that are set on activation; None when the file makes no sense."""
    data = read_json(text)
    variables = data.get("env_vars", {}) if isinstance(data, dict) else None
    if not isinstance(variables, dict):
        return None
    pairs = (pair for pair in variables.items() if isinstance(pair[1], str) and pair[1] != "***unset***")
    return tuple(sorted(pairs))


def _channels(text: str) -> tuple[str, ...]:
    """The channels that a configuration file names; none where it is no such file."""
    import yaml  # wanted here alone, and slow to import

    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        return ()
    named = data.get("channels") if isinstance(data, dict) else None
    return tuple(each for each in named if isinstance(each, str))[:MOST_CHANNELS] if isinstance(named, list) else ()
