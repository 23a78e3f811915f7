"""Domain values as aligned text. Pure; widths are terminal cells, so that CJK names line up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rich.cells import cell_len, set_cell_size

from tui.cli.report import HostReport
from tui.cli.words import UNKNOWN, age, count, percent, size
from tui.domain.environments import Environment, Install
from tui.domain.gpus import Gpu, GpuProcess
from tui.domain.machine import Load, Machine, Mount
from tui.domain.packages import Package
from tui.domain.redact import redact
from tui.domain.sessions import Session
from tui.domain.text import printable

__all__ = [
    "Column",
    "Table",
    "environments_table",
    "gpus_table",
    "hosts_table",
    "installs_table",
    "mounts_table",
    "packages_table",
    "sessions_table",
]

GAP = "  "
NARROWEST = 8


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and how its cells are set."""

    title: str
    right: bool = False
    flexible: bool = False
    """May be cut when the terminal is narrow."""
    least: int = NARROWEST
    """Cut to no less than this."""
    drop: int = 0
    """Left out where not even the least of all columns fits, the highest first; 0 always stays."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text in printed form."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def lines(self, width: int | None = None) -> list[str]:
        """Heading and rows, at most *width* cells each; in full when *width* is None."""
        cells = [tuple(column.title for column in self.columns), *self.rows]
        widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
        if width is None:
            return [_line(row, widths, self.columns, None) for row in cells]
        kept = _kept(widths, self.columns, width)
        columns = [self.columns[at] for at in kept]
        widths = _fitted([widths[at] for at in kept], columns, width)
        return [_line([row[at] for at in kept], widths, columns, width) for row in cells]


def _kept(widths: Sequence[int], columns: Sequence[Column], limit: int) -> list[int]:
    """The places of the columns that are shown: those that matter least go where not all fit."""
    least = [_floor(have, column) if column.flexible else have for have, column in zip(widths, columns, strict=True)]
    kept = list(range(len(columns)))
    while sum(least[at] + len(GAP) for at in kept) - len(GAP) > limit:
        last = max(kept, key=lambda at: columns[at].drop)
        if not columns[last].drop:
            break
        kept.remove(last)
    return kept


def _floor(have: int, column: Column) -> int:
    return min(have, max(column.least, cell_len(column.title)))


def _fitted(widths: list[int], columns: Sequence[Column], limit: int) -> list[int]:
    """Take from the widest flexible columns first until the line fits or all are at their narrowest."""
    fitted = list(widths)
    floor = [_floor(have, column) for have, column in zip(widths, columns, strict=True)]
    over = sum(fitted) + len(GAP) * (len(fitted) - 1) - limit
    while over > 0:
        open_to_cut = [at for at, column in enumerate(columns) if column.flexible and fitted[at] > floor[at]]
        if not open_to_cut:
            break
        widest = max(open_to_cut, key=lambda at: (fitted[at], at))
        others = [fitted[at] for at in open_to_cut if at != widest]
        target = max(floor[widest], fitted[widest] - over, min(max(others, default=0), fitted[widest] - 1))
        over -= fitted[widest] - target
        fitted[widest] = target
    return fitted


def _line(row: Sequence[str], widths: Sequence[int], columns: Sequence[Column], limit: int | None) -> str:
    cells = []
    for text, width, column in zip(row, widths, columns, strict=True):
        have = cell_len(text)
        if have > width:
            text, have = f"{set_cell_size(text, width - 1)}…", width
        padding = " " * (width - have)
        cells.append(padding + text if column.right else text + padding)
    line = GAP.join(cells).rstrip()
    return line if limit is None or cell_len(line) <= limit else set_cell_size(line, limit - 1).rstrip() + "…"


def hosts_table(reports: Iterable[HostReport], now: float) -> Table:
    """Hosts with their state, how they are reached and how busy they are."""
    columns = (
        Column("HOST"), Column("STATE"), Column("ADDRESS", flexible=True, least=20), Column("LOAD", right=True),
        Column("CORES", right=True, drop=3), Column("MEM FREE", right=True), Column("MEMORY", right=True, drop=5),
        Column("SEEN", right=True, drop=2), Column("SYSTEM", flexible=True, least=12, drop=1),
        Column("GROUPS", flexible=True, drop=4),
    )  # fmt: skip
    rows = []
    for report in reports:
        view = report.view
        machine, load = report.fresh("machine"), report.fresh("load")
        seen = view.snapshot.time
        rows.append(
            (
                view.name,
                report.state_word,
                _address(report),
                "" if not isinstance(load, Load) else UNKNOWN if load.load1 is None else f"{load.load1:.1f}",
                "" if not isinstance(machine, Machine) else count(machine.cores),
                size(load.memory_available_bytes) if isinstance(load, Load) else "",
                size(load.memory_total_bytes) if isinstance(load, Load) else "",
                "never" if seen is None else age(now - seen),
                "" if not isinstance(machine, Machine) else _text(machine.os),
                " ".join(view.spec.groups),
            )
        )
    return Table(columns, tuple(rows))


def _address(report: HostReport) -> str:
    facts, spec = report.view.facts, report.view.spec
    if spec.is_local:
        return "this machine"
    address, port, user = facts.address or spec.address or spec.name, facts.port or spec.port, facts.user or spec.user
    text = f"{user}@{address}" if user else address
    return printable(f"{text}:{port}" if port not in (None, 22) else text)


def environments_table(environments: Iterable[Environment], now: float) -> Table:
    """Environments with their packages, their use and their place."""
    columns = (
        Column("HOST"), Column("NAME", flexible=True), Column("PYTHON"), Column("CONDA", right=True),
        Column("PIP", right=True), Column("OWNER", flexible=True), Column("LAST USED"), Column("STATUS", flexible=True),
        Column("PREFIX", flexible=True),
    )  # fmt: skip
    rows = (
        (
            env.host,
            "-" if env.name is None else printable(env.name),
            _text(env.python),
            count(env.conda_packages),
            count(env.pip_packages),
            _text(env.owner),
            last_used(env, now),
            environment_status(env),
            printable(env.prefix),
        )
        for env in environments
    )
    return Table(columns, tuple(rows))


def last_used(env: Environment, now: float) -> str:
    """When an environment was last used, and what says so: ``3 d ago (pycache)``."""
    if env.in_use:
        return "now"
    if env.last_used is None:
        return UNKNOWN
    span = age(now - env.last_used)
    signal = f" ({env.last_used_signal.value})" if env.last_used_signal else ""
    return f"{span}{'' if span == 'now' else ' ago'}{signal}"


def environment_status(env: Environment) -> str:
    """What is special about an environment, in words."""
    words = [] if env.fault is None else [env.fault.kind.value]
    if env.in_use:
        words.append(f"in use by {len(env.in_use)}")
    elif env.in_use_complete is False:
        words.append("use unknown")
    words += ["frozen"] if env.frozen else []
    words += ["protected"] if env.protected else []
    words += ["read-only"] if env.writable is False else []
    words += [f"link to {printable(env.linked_to)}"] if env.linked_to else []
    return ", ".join(words)


def packages_table(packages: Iterable[Package], requested: frozenset[str], clobbered: frozenset[str]) -> Table:
    """The packages of one environment."""
    columns = (
        Column("NAME", flexible=True), Column("VERSION", flexible=True), Column("BUILD", flexible=True),
        Column("CHANNEL", flexible=True), Column("BY"), Column("NOTE"),
    )  # fmt: skip
    rows = []
    for package in packages:
        notes = ["requested"] if package.name in requested else []
        notes += ["over conda's files"] if package.name in clobbered else []
        channel = redact(package.channel) if package.channel else package.channel
        rows.append(
            (
                printable(package.name),
                _text(package.version),
                "" if package.build is None else printable(package.build),
                "" if channel is None else printable(channel),
                package.manager.value,
                ", ".join(notes),
            )
        )
    return Table(columns, tuple(rows))


def gpus_table(gpus: Iterable[Gpu]) -> Table:
    """GPUs with how busy they are and by whom."""
    columns = (
        Column("HOST"), Column("GPU", right=True), Column("NAME", flexible=True), Column("BUSY", right=True),
        Column("MEMORY", right=True), Column("TEMP", right=True), Column("POWER", right=True), Column("DRIVER"),
        Column("CUDA"), Column("PROCESSES", flexible=True),
    )  # fmt: skip
    rows = (
        (
            gpu.host,
            str(gpu.index),
            _text(gpu.name) + (" (MIG)" if gpu.mig else ""),
            percent(gpu.util_pct),
            f"{size(gpu.memory_used_bytes)} of {size(gpu.memory_total_bytes)}",
            UNKNOWN if gpu.temperature_c is None else f"{gpu.temperature_c:.0f} °C",
            UNKNOWN if gpu.power_w is None else f"{gpu.power_w:.0f} W",
            _text(gpu.driver),
            _text(gpu.cuda_max),
            ", ".join(map(_gpu_process, gpu.processes)),
        )
        for gpu in gpus
    )
    return Table(columns, tuple(rows))


def _gpu_process(process: GpuProcess) -> str:
    command = UNKNOWN if process.command is None else PurePosixPath(redact(process.command).split(" ")[0]).name
    words = [process.user or "", command, "" if process.memory_bytes is None else size(process.memory_bytes)]
    return printable(" ".join(word for word in words if word))


def sessions_table(sessions: Sequence[Session], now: float) -> Table:
    """Sessions with what runs in them. The socket is shown only where one is not the usual."""
    sockets = any(PurePosixPath(session.socket).name != "default" for session in sessions)
    columns = (
        Column("HOST"), Column("ID"), Column("NAME", flexible=True),
        *((Column("SOCKET", flexible=True),) if sockets else ()),
        Column("WINDOWS", right=True), Column("ATTACHED", right=True), Column("CREATED", right=True),
        Column("ACTIVE", right=True), Column("RUNNING", flexible=True),
    )  # fmt: skip
    rows = (
        (
            session.host,
            printable(session.id),
            printable(session.name),
            *((printable(PurePosixPath(session.socket).name),) if sockets else ()),
            str(len(session.windows)),
            count(session.attached),
            _ago(session.created, now),
            _ago(session.activity, now),
            _running(session),
        )
        for session in sessions
    )
    return Table(columns, tuple(rows))


def _running(session: Session) -> str:
    panes = [pane for window in session.windows for pane in window.panes]
    words = [f"dead ({count(pane.exit_status)})" if pane.dead else pane.command or UNKNOWN for pane in panes]
    return printable(redact(", ".join(dict.fromkeys(words))))


def mounts_table(mounts: Iterable[Mount]) -> Table:
    """File systems with their space."""
    columns = (
        Column("MOUNT", flexible=True), Column("TYPE"), Column("SIZE", right=True), Column("FREE", right=True),
        Column("USED", right=True), Column("SOURCE", flexible=True), Column("STATUS", flexible=True),
    )  # fmt: skip
    rows = (
        (
            printable(mount.path),
            printable(mount.fs_type),
            size(mount.size_bytes),
            size(mount.free_bytes),
            UNKNOWN if mount.used_fraction is None else percent(100 * mount.used_fraction),
            printable(redact(mount.source)),
            mount.fault.kind.value if mount.fault else "read-only" if mount.read_only else "",
        )
        for mount in mounts
    )
    return Table(columns, tuple(rows))


def _ago(time: float | None, now: float) -> str:
    return UNKNOWN if time is None else age(now - time)


def _text(raw: str | None) -> str:
    return UNKNOWN if raw is None else printable(raw)


def installs_table(installs: Iterable[Install]) -> Table:
    """Installs with the places of their environments and package caches."""
    columns = (
        Column("ROOT", flexible=True), Column("MANAGER"), Column("VERSION"), Column("OWNER"),
        Column("ENVS_DIRS", flexible=True), Column("PKGS_DIRS", flexible=True), Column("STATUS", flexible=True),
    )  # fmt: skip
    rows = (
        (
            printable(install.root),
            install.manager.value,
            _text(install.version),
            _text(install.owner),
            printable(" ".join(install.envs_dirs)),
            printable(" ".join(install.pkgs_dirs)),
            install.fault.kind.value if install.fault else "read-only" if install.writable is False else "",
        )
        for install in installs
    )
    return Table(columns, tuple(rows))
