"""The inventory of one host: its installs and environments, with packages, owners and uses.

Four questions over one lane: where to look (``inventory_places.sh``), what is there
(``inventory_scan.sh``), the packages of environments that are new or changed
(``inventory_packages.sh``), and who uses what (``inventory_uses.sh``). All decisions are taken here,
on what the scripts brought; packages of unchanged environments are not sent again.

A real environment reached by several paths is listed once: under the path found first, by the order
usual places, ``environments.txt``, configured places, processes. A soft link that is itself named in
a directory of environments is listed beside it, with ``linked_to``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from tui.domain.environments import Environment
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import SearchPlaces
from tui.domain.machine import Machine, Mount
from tui.domain.packages import PackageInterner
from tui.domain.phrases import phrase
from tui.domain.snapshot import Part
from tui.domain.text import printable
from tui.ports import Clock
from tui.remote.environments import Context, PrefixSeen, complete, make_environment
from tui.remote.installs import Places, below, clean
from tui.remote.inventory_confirm import Confirmed, NamedDirs, with_confirmed
from tui.remote.inventory_packages import PackageCache
from tui.remote.inventory_scan import Scan
from tui.remote.lane import Lane, NotAskedError, ShellProcess
from tui.remote.scripts import script
from tui.remote.turns import next_slice, slice_over
from tui.remote.usage import UsesSeen

__all__ = ["Inventory"]

Parts = Mapping[str, Part[Any]]

WALK_DEPTH = 5
"""How deep a configured place is looked into: HOME/miniconda3/envs/NAME/conda-meta is four below HOME."""
SEARCH_DEPTH = 24
PLACES_S = 60.0
SCAN_S = 90.0
USES_S = 45.0
SEARCH_S = 3600.0
SILENCE_S = 12.0
"""Each place is announced before it is touched: one that takes longer than this hangs."""
PROCESSES = "the running processes"
LIVES_S = 5.0
MOST_STAMPS = 2000
MOST_ASKED = 5000
"""So many paths, and no more, fit on the command line of a program; use of the others stays unknown."""
SCAN_LIMIT = 64 << 20


class Inventory:
    """Reads one host's inventory again and again, and keeps what did not change. Belongs to the event loop."""

    def __init__(
        self, host: str, search: SearchPlaces, protect: tuple[str, ...], interner: PackageInterner, clock: Clock
    ) -> None:
        self._host = host
        self._search = search
        self._protect = protect
        self._clock = clock
        self._packages = PackageCache(interner)
        self._extra: dict[str, None] = {}
        self._found = dict.fromkeys(search.found)
        self._hung: dict[str, ShellProcess] = {}
        """Places at which a shell got stuck, none of them touched again while that shell lives."""
        self._no_processes: ShellProcess | None = None
        """The shell that got stuck looking at running processes; they are left out while it lives."""
        self._cut_short = False
        self._confirmed = Confirmed()
        self._last: dict[str, Part[Any]] = {"installs": Part(), "environments": Part()}
        self._stamps: tuple[str, ...] = ()

    def add_places(self, paths: Sequence[str]) -> None:
        """Look there too from now on: directories to search (a few levels deep) or prefixes of environments."""
        for path in paths:
            self._extra.setdefault(path)

    def stamp_paths(self) -> tuple[str, ...]:
        """Paths on the host, absolute, whose modification times say that a new inventory is due: directories of
        environments, each environment's ``conda-meta`` and ``site-packages``, and each ``environments.txt``."""
        return self._stamps

    async def read(
        self,
        lane: Lane,
        machine: Machine | None,
        mounts: tuple[Mount, ...] | None,
        on_partial: Callable[[Parts], None] | None = None,
    ) -> Parts:
        """The parts ``installs`` and ``environments``, each with its value, its fault, or both.

        *mounts* with a fault are not touched. *on_partial* receives both parts once the environments are known
        and their packages and uses not yet. A place that hangs is named in the fault and not touched again while
        the shell that got stuck there lives; what was known of it before is kept. The lane is hung then.

        Raises HostFaultError when the lane gave no answer at all (``lost``, ``shell_broken``, ``timeout``).
        """
        confirmed = self._confirmed.take()
        self._cut_short = False
        try:
            self._last = await self._read(lane, machine, mounts, on_partial, confirmed)
        except NotAskedError:
            raise
        except HostFaultError as error:
            if error.fault.kind not in (FaultKind.TOOL_HUNG, FaultKind.TOO_LARGE, FaultKind.PROTOCOL):
                raise
            self._last = {name: part.failed(error.fault) for name, part in self._last.items()}
        return dict(self._last)

    @property
    def cut_short(self) -> bool:
        """True when the last :meth:`read` ended at a place that hangs: the next one, over a lane that does not,
        leaves that place out and comes to the end."""
        return self._cut_short

    @property
    def due(self) -> bool:
        """True when tools named directories that the last :meth:`read` did not know of."""
        return self._confirmed.due

    @property
    def unconfirmed(self) -> bool:
        """True while :meth:`confirm_dirs` has something to ask."""
        return bool(self._confirmed.left(self._last["installs"].value or ()))

    async def confirm_dirs(self, lane: Lane) -> bool:
        """Let the tools of the installs name their ``envs_dirs`` and ``pkgs_dirs``; remembered for later reads.

        Each install is asked once, and only if root or the account that runs the tool owns it; one that hangs or
        talks nonsense is not asked again, one that was interrupted is. This starts conda, half a second for each
        install: give it a lane on which nobody waits. True when a new inventory would show something new (then
        :attr:`due`, too). Raises HostFaultError as :meth:`Lane.ask` does.
        """
        return await self._confirmed.ask(lane, self._last["installs"].value or ())

    async def search(self, lane: Lane, path: str, progress: Callable[[str], None] | None = None) -> tuple[str, ...]:
        """The prefixes of environments below *path* (absolute, or ``~/…``), on its own file system only.

        Runs at the lowest priority; ends when the lane is closed. What was found is part of every later
        :meth:`read`. *progress* receives plain sentences. Raises HostFaultError: ``incomplete`` (no such
        directory), ``permission``, and what :meth:`Lane.stream` raises.
        """
        found: dict[str, None] = {}
        shown = printable(path)
        args = (path, str(SEARCH_DEPTH))
        stream = lane.stream(script("inventory_search"), args, timeout=SEARCH_S, limit=SCAN_LIMIT)
        async with aclosing(stream) as records:
            async for record in records:
                if record.tag == "state":
                    raise HostFaultError(_no_place(self._host, shown, record.text(0)))
                text = record.text(0)
                if record.tag == "found" and text is not None and text.startswith("/"):
                    found.setdefault(clean(text))
                elif record.tag == "seen" and progress is not None:
                    progress(f"{record.integer(0) or 0} directories looked at, {len(found)} environments found")
                elif record.tag == "denied" and progress is not None and record.integer(0):
                    progress(f"{record.integer(0)} directories below {shown} could not be read")
        self._found.update(found)
        return tuple(sorted(found))

    async def _read(
        self,
        lane: Lane,
        machine: Machine | None,
        mounts: tuple[Mount, ...] | None,
        on_partial: Callable[[Parts], None] | None,
        confirmed: Mapping[str, NamedDirs],
    ) -> dict[str, Part[Any]]:
        shunned = await self._shunned(lane, mounts)
        scan = Scan()
        fault: Fault | None = None
        try:
            scan.places = await self._ask_places(lane, shunned, confirmed)
            for place, (pid, start) in scan.places.dead.items():
                self._hung[place] = ShellProcess(pid, start[:24])
                shunned.append(place)
            await self._ask_scan(lane, scan, shunned, mounts)
        except HostFaultError as error:
            if error.fault.kind is not FaultKind.TOOL_HUNG or not scan.seen or isinstance(error, NotAskedError):
                raise
            fault = error.fault
        if slice_over():
            await next_slice()
        installs = tuple(with_confirmed(install, confirmed.get(install.root)) for install in scan.make_installs())
        context = self._context(scan, machine, mounts, {install.root: install for install in installs})
        chosen = scan.choose(set(context.installs))
        if self._search.only:
            chosen = [(seen, how) for seen, how in chosen if below(seen.prefix, scan.places.configured)]
        fault = fault or scan.fault(self._host)
        made = await self._make(chosen, context)
        known = self._kept(scan, made)
        if scan.hung_at is not None:
            roots = {install.root for install in installs}
            installs += tuple(i for i in self._last["installs"].value or () if i.root not in roots)
        self._stamps = _stamps(scan, chosen, self._search.only)
        now = self._clock.now()
        uses: UsesSeen | None = None
        if on_partial is not None:
            early = await self._complete(made, chosen, None, context)
            on_partial(
                {"installs": Part(installs, now, fault), "environments": Part(_listed(early, known), now, fault)}
            )
        try:
            if lane.usable:
                await self._packages.renew(lane, [seen for seen, _ in chosen], context.now)
            if lane.usable:
                uses = await self._ask_uses(lane, chosen, machine)
        except HostFaultError as error:
            fault = fault or error.fault
        environments = _listed(await self._complete(made, chosen, uses, context), known)
        self._packages.keep_only([seen for seen, _ in chosen] if scan.hung_at is None else None)
        now = self._clock.now()
        return {"installs": Part(installs, now, fault), "environments": Part(environments, now, fault)}

    def _kept(self, scan: Scan, made: Sequence[Environment]) -> dict[str, Environment]:
        """What was known of environments that could not be looked at this time, each with that fault."""
        listed = {environment.prefix for environment in made}
        silent = [*scan.places.skipped, *scan.skipped]
        kept: dict[str, Environment] = {}
        for env in self._last["environments"].value or ():
            if env.prefix not in listed and (scan.hung_at is not None or below(env.prefix, silent)):
                fault = Fault(
                    FaultKind.TOOL_HUNG,
                    phrase(
                        "{prefix} could not be looked at: its file system does not answer.",
                        prefix=printable(env.prefix),
                    ),
                    phrase("What is shown was read before. See whether the mount answers on the host."),
                )
                kept[env.prefix] = replace(env, in_use=(), in_use_complete=None, fault=fault)
        return kept

    async def _shunned(self, lane: Lane, mounts: tuple[Mount, ...] | None) -> list[str]:
        for place, process in list(self._hung.items()):
            if not await lane.lives(process, timeout=LIVES_S):
                del self._hung[place]
        if self._no_processes is not None and not await lane.lives(self._no_processes, timeout=LIVES_S):
            self._no_processes = None
        # One that the account may not look at does not hang, and root may.
        bad = [
            mount.path
            for mount in mounts or ()
            if mount.fault is not None and mount.fault.kind is not FaultKind.PERMISSION and mount.path != "/"
        ]
        return [*bad, *self._hung]

    async def _ask_places(self, lane: Lane, shunned: Sequence[str], confirmed: Mapping[str, NamedDirs]) -> Places:
        places = Places()
        only = "1" if self._search.only else "2" if self._no_processes else "0"
        configured = [path.rstrip("/") or "/" for path in (*self._search.paths, *self._extra) if "\0" not in path]
        args = (*shunned, "--", only, str(WALK_DEPTH), *configured)
        stream = lane.stream(_script("places"), args, timeout=PLACES_S, idle=SILENCE_S, limit=SCAN_LIMIT)
        try:
            async with aclosing(stream) as records:
                async for record in records:
                    places.take(record)
        except HostFaultError as error:
            raise self._hangs(error, lane, places.last) from error
        if not self._search.only:
            places.finish()
        for path in (*self._search.remembered, *self._extra):
            places.absent.pop(path.rstrip("/") or "/", None)
        for path in self._found:
            places.add_prefix(path, "search")
        for path in places.configured:
            if path in self._extra:
                places.add_prefix(path, "search")
        for named in confirmed.values():
            for path in named.envs_dirs:
                places.add_dir(path)
        if self._search.only:
            places.keep_below(places.configured)
        return places

    async def _ask_scan(self, lane: Lane, scan: Scan, shunned: Sequence[str], mounts: tuple[Mount, ...] | None) -> None:
        # Compressed, an answer comes in lumps, and which place is silent cannot be told: only where none will be.
        calm = bool(mounts) and not any(mount.network or mount.fs_type.startswith("fuse") for mount in mounts or ())
        # A second round for what the .condarc of an install names; more would be a circle.
        for _ in range(3):
            targets = scan.targets(self._search.only)
            if not targets:
                return
            args = (*shunned, "--", *targets)
            stream = lane.stream(
                _script("scan"),
                args,
                timeout=SCAN_S,
                idle=None if calm else SILENCE_S,
                limit=SCAN_LIMIT,
                compress=calm,
            )
            try:
                async with aclosing(stream) as records:
                    async for record in records:
                        scan.take(record)
            except HostFaultError as error:
                if error.fault.kind is FaultKind.TOOL_HUNG and not isinstance(error, NotAskedError):
                    scan.hung_at = scan.last
                raise self._hangs(error, lane, scan.last) from error

    def _hangs(self, error: HostFaultError, lane: Lane, place: str | None) -> HostFaultError:
        """The same error, naming the place at which a host fell silent; that place is shunned."""
        if error.fault.kind is not FaultKind.TOOL_HUNG or place is None or isinstance(error, NotAskedError):
            return error
        if place.startswith("/") and place != "/" and lane.process is not None:
            self._hung[place] = lane.process
            self._cut_short = True
        elif place == PROCESSES and lane.process is not None:
            self._no_processes = lane.process
            self._cut_short = True
        message = phrase(
            "Looking at {place} on {host} did not come to an end; it was left out.",
            place=printable(place),
            host=self._host,
        )
        return HostFaultError(
            replace(error.fault, message=message, remedy=phrase("See whether its file system answers."))
        )

    def _context(
        self, scan: Scan, machine: Machine | None, mounts: tuple[Mount, ...] | None, installs: Mapping[str, Any]
    ) -> Context:
        words = scan.places.host
        return Context(
            host=self._host,
            words=words,
            machine=machine,
            mounts=mounts,
            protect=self._protect,
            users=scan.users,
            installs=installs,
            envs_dirs=frozenset(scan.dirs_read),
            atimes=scan.atimes,
            now=words.now if words.now is not None else self._clock.now(),
        )

    async def _make(self, chosen: Sequence[tuple[PrefixSeen, frozenset[str]]], context: Context) -> list[Environment]:
        made: list[Environment] = []
        for seen, sources in chosen:
            if slice_over():
                await next_slice()
            made.append(make_environment(seen, sources, context))
        return made

    async def _complete(
        self,
        made: Sequence[Environment],
        chosen: Sequence[tuple[PrefixSeen, frozenset[str]]],
        uses: UsesSeen | None,
        context: Context,
    ) -> list[Environment]:
        done: list[Environment] = []
        asked = uses.asked if uses else frozenset()
        for environment, (seen, _) in zip(made, chosen, strict=True):
            if slice_over():
                await next_slice()
            packages = self._packages.get(seen)
            own = uses.uses.get(seen.real or seen.prefix, ()) if uses else ()
            looked = uses.complete if uses and seen.real in asked else None
            done.append(complete(environment, seen, packages, own, looked, context))
        return done

    async def _ask_uses(
        self, lane: Lane, chosen: Sequence[tuple[PrefixSeen, frozenset[str]]], machine: Machine | None
    ) -> UsesSeen:
        paths: dict[str, str] = {}
        for seen, _ in chosen:
            if seen.real is not None and len(paths) < MOST_ASKED:
                paths[seen.real] = seen.real
                paths.setdefault(seen.prefix, seen.real)
        uses = UsesSeen(list(paths.values()))
        # Only where the operator named all places is it a demo's host, and not an account that says so of itself.
        demo = self._search.only and machine is not None and machine.played
        args = ("1" if demo else "0", *paths)
        stream = lane.stream(script("proc_links") + script("inventory_uses"), args, timeout=USES_S, compress=True)
        async with aclosing(stream) as records:
            async for record in records:
                uses.take(record)
        return uses


def _script(name: str) -> bytes:
    """A script that looks over a whole host, with what these share before it."""
    return script("proc_links") + script("inventory_common") + script(f"inventory_{name}")


def _listed(environments: Sequence[Environment], known: Mapping[str, Environment]) -> tuple[Environment, ...]:
    return tuple(sorted((*environments, *known.values()), key=lambda environment: environment.prefix))


def _stamps(scan: Scan, chosen: Sequence[tuple[PrefixSeen, frozenset[str]]], only: bool) -> tuple[str, ...]:
    paths = dict.fromkeys((*scan.places.listings, *scan.dirs_read))
    if scan.places.host.home and not only:
        paths.setdefault(scan.places.host.home + "/.conda/environments.txt")
    for seen, _ in chosen:
        for name in seen.stats:
            if name == "conda-meta" or name.endswith("/site-packages"):
                paths.setdefault(f"{seen.prefix}/{name}")
    return tuple(paths)[:MOST_STAMPS]


def _no_place(host: str, shown: str, state: str | None) -> Fault:
    if state == "x":
        return Fault(
            FaultKind.PERMISSION,
            phrase("{path} on {host} may not be read by this account.", path=shown, host=host),
            phrase("Search below a directory that it may read, or connect as another user."),
        )
    return Fault(
        FaultKind.INCOMPLETE,
        phrase("There is no directory {path} on {host}.", path=shown, host=host),
        phrase("Check the path."),
    )
