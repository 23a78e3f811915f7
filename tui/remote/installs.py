"""Where environments may be on a host, from what ``inventory_places.sh`` brought; and what an install is.

All texts are a host's: each reader takes what it understands and passes over the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tui.domain.assemble import split_dist_name
from tui.domain.environments import Install, Manager
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import decode, printable
from tui.remote.wire import Record

__all__ = ["HostWords", "Places", "RootSeen", "condarc_dirs", "init_roots", "make_install", "root_seen"]

LONGEST_PATH = 4096
MOST_PLACES = 20000


@dataclass(frozen=True, slots=True)
class HostWords:
    """What the host says of itself and of us; unknown is None."""

    now: float | None = None
    utc_offset_s: int = 0
    zone: str | None = None
    uid: int | None = None
    home: str | None = None
    user: str | None = None


@dataclass(slots=True)
class Places:
    """Candidates: what may be an install, a directory of environments, an environment, and who says so."""

    host: HostWords = field(default_factory=HostWords)
    roots: dict[str, None] = field(default_factory=dict)
    dirs: dict[str, None] = field(default_factory=dict)
    prefixes: dict[str, set[str]] = field(default_factory=dict)
    """Prefix -> sources: ``environments.txt``, ``process``, ``search``."""
    listings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Path of each environments.txt read -> its lines."""
    condarc_envs: dict[str, None] = field(default_factory=dict)
    condarc_pkgs: dict[str, None] = field(default_factory=dict)
    configured: list[str] = field(default_factory=list)
    shut: dict[str, None] = field(default_factory=dict)
    """The account's own home, installs in it, and configured places that it may not look into."""
    absent: dict[str, None] = field(default_factory=dict)
    """Configured places that are not there."""
    skipped: list[str] = field(default_factory=list)
    dead: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Mount that does not answer -> process id and start time of the child that waits for it."""
    too_many: bool = False
    whole: bool = False
    from_processes: list[str] = field(default_factory=list)
    """Looked at after all else, so that an alias of a place found otherwise never takes its name."""
    last: str | None = None
    """The place touched last: the one that hangs, when nothing more came."""

    def take(self, record: Record) -> None:
        """Learn from one record of ``inventory_places.sh``."""
        tag, path = record.tag, record.text(0)
        if tag == "host":
            self._host(record)
        elif tag == "end":
            self.whole = True
        elif path is None or len(path) > LONGEST_PATH:
            return
        elif tag == "at":
            self.last = path
        elif tag == "absent":
            self.absent.setdefault(path)
        elif tag == "text":
            self._text(record)
        elif not path.startswith("/"):
            return
        elif tag == "root":
            self.add_root(path)
        elif tag == "prefix":
            self._prefix(path, record.text(1) or "")
        elif tag == "found":
            self._found(path)
        elif tag == "place":
            self.configured.append(path.rstrip("/") or "/")
        elif tag == "shut":
            self.shut.setdefault(path)
        elif tag == "skipped":
            self.skipped.append(path)
        elif tag == "many":
            self.too_many = True
        elif tag == "dead":
            self.skipped.append(path)
            self.dead[path] = (record.integer(1) or 0, record.text(2) or "-")

    def add_root(self, path: str) -> None:
        """*path* may be an install; so its ``envs`` may hold environments and itself be one."""
        path = clean(path)
        if path == "/" or path in self.roots or self._full():
            return
        self.roots[path] = None
        self.add_dir(path + "/envs")

    def add_dir(self, path: str) -> None:
        """*path* may hold environments."""
        if not self._full():
            self.dirs.setdefault(clean(path))

    def add_prefix(self, path: str, source: str) -> None:
        """*path* may be an environment; when it lies in an ``envs``, an install may lie above."""
        path = clean(path)
        if path == "/" or self._full():
            return
        self.prefixes.setdefault(path, set()).add(source)
        above, _, _ = path.rpartition("/")
        if above.endswith("/envs"):
            self.add_root(above[: -len("/envs")])

    def finish(self) -> None:
        """Take in what running processes showed."""
        for path in self.from_processes:
            self.add_prefix(path, "process")
            self.add_root(path)
        self.from_processes.clear()

    def keep_below(self, tops: Sequence[str]) -> None:
        """Forget whatever does not lie at or below one of *tops*, by its own path."""
        self.roots = {path: None for path in self.roots if below(path, tops)}
        self.dirs = {path: None for path in self.dirs if below(path, tops)}
        self.prefixes = {path: how for path, how in self.prefixes.items() if below(path, tops)}

    def _full(self) -> bool:
        if len(self.roots) + len(self.dirs) + len(self.prefixes) < MOST_PLACES:
            return False
        self.too_many = True
        return True

    def _host(self, record: Record) -> None:
        offset = re.fullmatch(r"([+-])(\d\d)(\d\d)", record.text(1) or "")
        seconds = (int(offset[2]) * 3600 + int(offset[3]) * 60) * (-1 if offset[1] == "-" else 1) if offset else 0
        zone = (record.text(2) or "").partition("zoneinfo/")
        self.host = HostWords(
            record.number(0),
            seconds,
            (zone[2] or zone[0].lstrip(":")) or None,
            record.integer(3),
            record.text(4),
            record.text(5),
        )
        mamba = record.text(6)
        if mamba and mamba.startswith("/"):
            self.add_root(mamba)

    def _text(self, record: Record) -> None:
        kind, home, path = record.text(0), record.text(1) or "", record.text(2)
        body = record.text(3) or ""
        if path is None:
            return
        if kind == "environments":
            lines = tuple(line for line in body.split("\n") if line.startswith("/"))[:MOST_PLACES]
            self.listings[path] = tuple(body.split("\n"))[:MOST_PLACES]
            for line in lines:
                if len(line) <= LONGEST_PATH:
                    self.add_prefix(line, "environments.txt")
        elif kind in ("init", "shell"):
            for root in init_roots(body):
                self.add_root(root)
        elif kind == "condarc":
            self.condarc(body, home)

    def condarc(self, body: str, home: str) -> None:
        """Learn the directories that a ``.condarc`` names; ``~`` is *home*."""
        for path in condarc_dirs(body, "envs_dirs", home):
            self.add_dir(path)
            self.condarc_envs.setdefault(clean(path))
        for path in condarc_dirs(body, "pkgs_dirs", home):
            self.condarc_pkgs.setdefault(clean(path))

    def _prefix(self, path: str, how: str) -> None:
        if how == "condadir":
            self.add_dir(path + "/envs")
        elif how == "script":
            self.add_root(path.removesuffix("/etc/profile.d/conda.sh"))
        else:
            # A process's \1 stands for a line break (the records of a pipe of lines).
            if len(self.from_processes) < MOST_PLACES:
                self.from_processes.append(path.replace("\x01", "\n"))

    def _found(self, path: str) -> None:
        path = re.sub(r"/{2,}", "/", path)
        if path.endswith("/conda-meta"):
            self.add_prefix(path[: -len("/conda-meta")], "search")
        elif path.endswith("/envs"):
            self.add_root(path[: -len("/envs")])


def clean(path: str) -> str:
    """*path* without doubled and trailing slashes."""
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/"


def below(path: str, tops: Iterable[str]) -> bool:
    """True when *path* is one of *tops* or lies below one."""
    return any(path == top or path.startswith(top.rstrip("/") + "/") for top in tops)


_INIT = (
    re.compile(r"""MAMBA_ROOT_PREFIX['"]?(?:=|\s+)['"]?(/[^'"\n]+)"""),
    re.compile(r"""(?<![^\s'"(=])(/[^'"\n()]*)/(?:bin|condabin)/(?:conda|mamba)(?=['")\s;]|$)""", re.MULTILINE),
    re.compile(r"""(?<![^\s'"(=])(/[^'"\n()]*)/etc/(?:profile\.d|fish/conf\.d)/(?:conda|mamba)\.\w+"""),
)


def init_roots(text: str) -> tuple[str, ...]:
    """The install roots that the block of ``conda init`` or ``mamba init`` in a shell file names."""
    found: dict[str, None] = {}
    for pattern in _INIT:
        for match in pattern.finditer(text):
            root = match.group(1).strip().rstrip("/")
            if root and len(root) <= LONGEST_PATH:
                found.setdefault(root)
    return tuple(found)[:50]


def condarc_dirs(text: str, key: str, home: str) -> tuple[str, ...]:
    """The absolute paths listed under *key* of a ``.condarc``; ``~`` is *home*.

    A small reader of the two ways in which people write such a list. It never fails: what it does not
    understand (anchors, variables other than $HOME) is left out.
    """
    values: list[str] = []
    inside = False
    for line in text.split("\n")[:5000]:
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        match = re.match(r"""['"]?([A-Za-z_]+)['"]?\s*:(.*)$""", line)
        if match:
            inside = match[1] in (key, key.replace("_dirs", "_path"))
            rest = _unquote(match[2]) if inside else ""
            if rest.startswith("["):
                values += [_unquote(item) for item in rest[1:].split("]", 1)[0].split(",")]
            elif rest:
                values += rest.split(":")
        elif inside and bare.startswith("- "):
            values.append(_unquote(bare[2:]))
    found: dict[str, None] = {}
    for value in values:
        path = re.sub(r"^(?:~|\$\{HOME\}|\$HOME)(?=/|$)", lambda _: home, value.strip())
        if path.startswith("/") and "$" not in path and len(path) <= LONGEST_PATH:
            found.setdefault(path)
    return tuple(found)[:200]


def _unquote(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] in "'\"":
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value
    return re.split(r"\s#", value, maxsplit=1)[0].strip()


@dataclass(frozen=True, slots=True)
class RootSeen:
    """What ``inventory_scan.sh`` saw of a candidate for an install."""

    path: str
    real: str
    states: str
    """Of conda-meta, envs, pkgs and condabin; each y, n, or x (there, but not allowed)."""
    writable: bool
    tools: tuple[tuple[str, str | None], ...]
    condarc: str


def root_seen(record: Record) -> RootSeen | None:
    """The ``root`` record; None when it makes no sense."""
    path, real, states = record.text(0), record.text(1), record.text(2)
    if path is None or real is None or states is None or not re.fullmatch("[ynx]{4}", states):
        return None
    tools: dict[str, str | None] = {}
    for line in (record.text(4) or "").split("\n")[:50]:
        name, version, _ = split_dist_name(line.removesuffix(".json"))
        if name in ("conda", "mamba", "micromamba"):
            tools[name] = version
    condarc = decode(record.fields[5]) if len(record.fields) > 5 else ""
    return RootSeen(path, real, states, record.text(3) == "y", tuple(sorted(tools.items())), condarc)


def make_install(
    seen: RootSeen, *, holds_environments: bool, owner: str | None, home: str | None, places: Places
) -> Install | None:
    """The install at a root; None when there is none.

    conda and mamba: a base with a record of the tool. One inside an ``envs`` directory counts only when it has
    environments or a cache of its own: conda may be a package of any environment. micromamba: no base, but a cache
    or environments.
    """
    meta, envs, pkgs, condabin = tuple(seen.states)
    tools = dict(seen.tools)
    fault: Fault | None = None
    nested = seen.path.rpartition("/")[0].endswith("/envs")
    if meta == "y" and tools:
        if envs == "n" and pkgs == "n" and (nested or condabin == "n"):
            return None
        manager = next(m for m in (Manager.MAMBA, Manager.CONDA, Manager.MICROMAMBA) if m.value in tools)
    elif meta == "n" and not seen.path.endswith("/.conda") and (pkgs != "n" or holds_environments):
        if envs == "n":
            return None
        manager = Manager.MICROMAMBA
    elif meta == "x" and (pkgs != "n" or envs != "n"):
        manager = Manager.UNKNOWN
        fault = Fault(
            FaultKind.PERMISSION,
            phrase("The install {path} may not be read by this account.", path=printable(seen.path)),
            phrase("Ask its owner, connect as a user who may read it, or set `sudo: true` for this host."),
        )
    else:
        return None
    envs_dirs, pkgs_dirs = dict.fromkeys((seen.path + "/envs",)), dict.fromkeys((seen.path + "/pkgs",))
    own = condarc_dirs(seen.condarc, "envs_dirs", home or "")
    own_pkgs = condarc_dirs(seen.condarc, "pkgs_dirs", home or "")
    # What a person's or the system's .condarc names comes before the usual places, as conda does.
    envs_dirs = dict.fromkeys((*places.condarc_envs, *map(clean, own))) | envs_dirs
    pkgs_dirs = dict.fromkeys((*places.condarc_pkgs, *map(clean, own_pkgs))) | pkgs_dirs
    if manager is not Manager.MICROMAMBA and home and home + "/.conda/envs" in places.dirs:
        envs_dirs.setdefault(home + "/.conda/envs")
    return Install(
        root=seen.path,
        manager=manager,
        version=tools.get(manager.value),
        tools=seen.tools,
        owner=owner,
        writable=seen.writable,
        envs_dirs=tuple(envs_dirs),
        pkgs_dirs=tuple(pkgs_dirs),
        fault=fault,
    )
