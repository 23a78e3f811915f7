"""What was seen on a host, gathered, and which of it is an environment to list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from tui.domain.environments import Install
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import joined, phrase
from tui.domain.text import printable
from tui.remote.environments import PrefixSeen, prefix_seen
from tui.remote.installs import Places, RootSeen, below, clean, condarc_dirs, make_install, root_seen
from tui.remote.wire import Record

__all__ = ["Scan"]

MOST_ENVIRONMENTS = 20000


@dataclass(slots=True)
class Scan:
    """Grows with each record of ``inventory_scan.sh``."""

    places: Places = field(default_factory=Places)
    roots: dict[str, RootSeen] = field(default_factory=dict)
    seen: dict[str, PrefixSeen] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)
    atimes: dict[str, bool] = field(default_factory=dict)
    dirs_read: dict[str, str] = field(default_factory=dict)
    """Directory of environments -> where it really is."""
    denied: dict[str, None] = field(default_factory=dict)
    skipped: dict[str, None] = field(default_factory=dict)
    missing: dict[str, None] = field(default_factory=dict)
    too_many: str | None = None
    last: str | None = None
    hung_at: str | None = None
    _asked: set[tuple[str, str]] = field(default_factory=set)

    def targets(self, only: bool) -> list[str]:
        """What is still to be looked at, as pairs of words for the script. With *only*, nothing outside the
        configured places, whatever a ``.condarc`` there says."""
        places = self.places
        for root in self.roots.values():
            for path in condarc_dirs(root.condarc, "envs_dirs", places.host.home or ""):
                if not only or below(clean(path), places.configured):
                    places.add_dir(path)
        wanted = [("d", path) for path in places.dirs]
        wanted += [("r", path) for path in places.roots]
        # What lies in a directory of environments comes with that; what did not is asked for in the next round.
        later = {path for kind, path in wanted if kind == "d" and ("d", path) not in self._asked}
        for path in (*places.roots, *places.prefixes):
            if path not in self.seen and path.rpartition("/")[0] not in later:
                wanted.append(("p", path))
        new = [pair for pair in dict.fromkeys(wanted) if pair not in self._asked and "\0" not in pair[1]]
        self._asked.update(new)
        return [word for pair in new for word in pair]

    def take(self, record: Record) -> None:
        """Learn from one record."""
        tag = record.tag
        if tag == "env":
            self._environment(record)
        elif tag == "at":
            self.last = record.text(0)
        elif tag == "root":
            root = root_seen(record)
            if root is not None:
                self.roots.setdefault(root.path, root)
                self.places.add_root(root.path)
        elif tag == "dir":
            self._dir(record)
        elif tag == "user":
            uid, name = record.integer(0), record.text(1)
            if uid is not None and name is not None:
                self.users[uid] = name[:100]
        elif tag == "mount":
            point = record.text(2)
            if point is not None:
                point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8) & 0x7F), point)
                self.atimes[point] = record.text(1) != "noatime"
        elif tag == "skipped":
            self.skipped.setdefault(record.text(0) or "")
        elif tag == "missing":
            self.missing.setdefault(record.text(0) or "")

    def _environment(self, record: Record) -> None:
        seen = prefix_seen(record)
        if seen is None:
            return
        known = self.seen.get(seen.prefix)
        if known is not None and (known.found_by in ("d", "n") or seen.found_by not in ("d", "n")):
            return
        if known is None and len(self.seen) >= MOST_ENVIRONMENTS:
            self.too_many = self.too_many or seen.prefix
            return
        self.seen[seen.prefix] = seen

    def _dir(self, record: Record) -> None:
        path, real, state = record.text(0), record.text(1), record.text(2)
        if path is None:
            return
        if state == "y" and real is not None:
            self.dirs_read.setdefault(path, real)
        elif state in ("x", "u"):
            self.denied.setdefault(path)
        elif state == "m":
            self.too_many = path

    def make_installs(self) -> tuple[Install, ...]:
        """The installs among the candidates; of several paths to one, the first."""
        busy = {seen.top for seen in self.seen.values() if seen.top is not None and seen.state == "y"}
        found: dict[str, Install] = {}
        for path in self.places.roots:
            root = self.roots.get(path)
            if root is None or root.real in found:
                continue
            own = self.seen.get(path)
            stat = own.stats.get(".") if own else None
            install = make_install(
                root,
                holds_environments=path + "/envs" in busy,
                owner=self.users.get(stat.uid, str(stat.uid)) if stat else None,
                home=self.places.host.home,
                places=self.places,
            )
            if install is not None:
                found[root.real] = install
        return tuple(sorted(found.values(), key=lambda install: install.root))

    def choose(self, roots: set[str]) -> list[tuple[PrefixSeen, frozenset[str]]]:
        """The environments to list, each with where it was found; *roots* are those of the installs."""
        aliases = self._alias_dirs()
        chosen = {
            prefix: seen for prefix, seen in self.seen.items() if seen.top not in aliases and self._is_one(seen, roots)
        }
        named = {seen.node for seen in chosen.values() if seen.found_by in ("d", "n") and seen.link is None}
        taken: dict[tuple[int, int], str] = {}
        for prefix, seen in list(chosen.items()):
            if seen.node is None or seen.found_by in ("d", "n"):
                continue
            if seen.node in named and prefix not in roots:
                del chosen[prefix]
                continue
            first = taken.get(seen.node)
            if first is None:
                taken[seen.node] = prefix
            elif first in roots or not (prefix in roots or seen.real == prefix):
                del chosen[prefix]
            else:
                del chosen[first]
                taken[seen.node] = prefix
        self._join_split_lines(chosen)
        return [(seen, self._sources(seen, roots)) for _, seen in sorted(chosen.items())]

    def _alias_dirs(self) -> set[str | None]:
        """Directories of environments that are another path to one already looked into."""
        first: dict[str, str] = {}
        aliases: set[str | None] = set()
        for path, real in self.dirs_read.items():
            if first.setdefault(real, path) != path:
                aliases.add(path)
        return aliases

    def _is_one(self, seen: PrefixSeen, roots: set[str]) -> bool:
        if seen.found_by in ("d", "n"):
            return True
        if seen.state == "y":
            # A base that is no install after all is still an environment, if conda made it one.
            return True
        if seen.prefix in roots:
            return seen.state == "x"
        return "environments.txt" in self.places.prefixes.get(seen.prefix, ())

    def _join_split_lines(self, chosen: dict[str, PrefixSeen]) -> None:
        """environments.txt cannot hold a path with a line break: its first line looks like a ghost."""
        broken = [prefix for prefix in chosen if "\n" in prefix]
        for prefix in broken:
            first = prefix.partition("\n")[0]
            ghost = chosen.get(first)
            if ghost is not None and ghost.state == "n" and ghost.real is None:
                del chosen[first]

    def _sources(self, seen: PrefixSeen, roots: set[str]) -> frozenset[str]:
        sources = set(self.places.prefixes.get(seen.prefix, ()))
        if seen.found_by in ("d", "n"):
            sources.add("envs_dirs")
        if seen.prefix in roots:
            sources.add("install")
        return frozenset(sources)

    def fault(self, host: str) -> Fault | None:
        """What is missing in the list, if anything is."""
        if self.too_many is not None:
            return Fault(
                FaultKind.TOO_LARGE,
                phrase(
                    "{host} has more environments than are listed, at {place}.",
                    host=host,
                    place=printable(self.too_many),
                ),
                phrase("Name the places to look at in the configuration, with `only: true`."),
            )
        skipped = [*self.places.skipped, *self.skipped]
        if skipped:
            return Fault(
                FaultKind.TOOL_HUNG,
                phrase(
                    "Not looked at on {host}, for its file system does not answer: {places}.",
                    host=host,
                    places=_some(skipped),
                ),
                phrase("It is looked at again when the mount answers."),
            )
        if "stat" in self.missing:
            return Fault(
                FaultKind.TOOL_MISSING,
                phrase("{host} has no usable stat: times, owners and uses of environments are unknown.", host=host),
                phrase("Install coreutils or busybox there."),
            )
        denied = [*self.places.shut, *self.denied]
        gone = self.places.absent
        absent = ""
        if gone:
            absent = phrase(
                "Configured as a place to look at on {host}, and not there: {places}.", host=host, places=_some(gone)
            )
        if denied:
            may_not = phrase("This account may not look into {places} on {host}.", places=_some(denied), host=host)
            return Fault(
                FaultKind.PERMISSION,
                joined("{before} {next}", (may_not, absent)),
                phrase("Connect as a user who may, set `sudo: true` for this host, or leave these places out."),
            )
        if absent:
            return Fault(
                FaultKind.INCOMPLETE, absent, phrase("Look whether a disk is not mounted there, or correct `search:`.")
            )
        if self.places.too_many:
            return Fault(
                FaultKind.TOO_LARGE,
                phrase("{host} has more places to look at than are looked at.", host=host),
                phrase("Name the places in the configuration more closely, with `only: true`."),
            )
        return None


def _some(paths: Iterable[str]) -> str:
    names = [printable(path) for path in dict.fromkeys(paths)]
    some = ", ".join(names[:3])
    return phrase("{names} and {n} more", names=some, n=len(names) - 3) if len(names) > 3 else some
