"""The detail of a host: why it is not there, how it was reached, what it is, what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tui.domain.condadisks import conda_mounts
from tui.domain.faults import Fault
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostState
from tui.domain.machine import Mount
from tui.domain.snapshot import HostSnapshot
from tui.services.store import HostView
from tui.ui.language import said, tr
from tui.ui.present import tasks
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.faults import fault_tone, fault_words, part_words, state_cell
from tui.ui.present.hosts import inodes_left
from tui.ui.present.lines import Line, blank, heading, item, pair, words
from tui.ui.present.words import UNKNOWN, ago, clock_time, countdown, percent_bar, size, size_long, span

__all__ = ["connection_lines", "detail", "fault_lines", "log_lines", "reached"]

LOG_LINES = 200
TASKS = 12
MISSING = cell(UNKNOWN, Tone.DIM)


def detail(view: HostView, log: Sequence[tuple[float, str]], now: float) -> list[Line]:
    """All that is known of a host, what needs a person first."""
    lines = [pair(tr("State"), state_cell(view, now))]
    if view.kept:
        kept = cell(tr("kept from an earlier start, {when}", when=ago(view.snapshot.time, now)), Tone.WARN)
        lines.append(pair(tr("Data"), kept))
    elif view.snapshot.time is not None:
        lines.append(pair(tr("Data"), cell(ago(view.snapshot.time, now))))
    if view.fault is not None and view.state is not HostState.UP:
        lines += fault_lines(view.fault, now)
    for part, fault in view.snapshot.faults():
        lines += [
            blank(),
            heading(cell(tr("No {part}: {fault}", part=part_words(part), fault=fault_words(fault)), Tone.WARN)),
            *_why(fault),
        ]
    lines += _tasks(view)
    lines += _machine(view)
    lines += _disks(view.snapshot)
    lines += _gpus(view.snapshot.gpus.value)
    lines += _installs(view.snapshot)
    lines += connection_lines(view, now)
    lines += log_lines(log)
    return lines


def _tasks(view: HostView) -> list[Line]:
    """The changes that are under way there; nothing while there are none."""
    living = [task for task in tasks.known(view) if not task.is_over]
    if not living:
        return []
    lines = [item(join((tasks.name_cell(task), tasks.state_cell(task)))) for task in living[:TASKS]]
    return [blank(), heading(tr("Tasks")), *lines]


def reached(view: HostView) -> Cell:
    """How the host was reached, in one line."""
    if view.spec.is_local:
        return cell(tr("local: this machine, reached without SSH"), Tone.DIM)
    facts = view.facts
    user = f"{facts.user}@" if facts.user else ""
    through = tr(" through {via}", via=" > ".join(facts.via)) if facts.via else ""
    return remote(f"{view.name}: {user}{facts.address}{through}", Tone.DIM) if facts.address else ()


def fault_lines(fault: Fault, now: float) -> list[Line]:
    """What happened, what to do, and when it is tried again."""
    lines = [blank(), heading(cell(fault_words(fault), fault_tone(fault))), *_why(fault)]
    if fault.retry_at is not None:
        lines.append(pair(tr("Next try"), cell(tr("{when}; r tries now", when=countdown(fault.retry_at, now)))))
    else:
        lines.append(pair(tr("Next try"), cell(tr("when you press r"))))
    return lines


def _why(fault: Fault) -> Iterable[Line]:
    for text in said(fault.message).split("\n"):
        if text:
            yield words(text)
    if fault.remedy:
        yield pair(tr("To do"), cell(said(fault.remedy)))


def _machine(view: HostView) -> list[Line]:
    machine, load = view.snapshot.machine.value, view.snapshot.load.value
    lines: list[Line] = []
    if machine is not None:
        played = cell(tr("load, GPUs and what others hold on disks are played"), Tone.WARN) if machine.played else ()
        lines += [
            blank(),
            heading(tr("Machine")),
            pair(tr("System"), remote(machine.os) or MISSING),
            pair(tr("Kernel"), join((remote(machine.kernel), remote(machine.arch), remote(machine.libc))) or MISSING),
            pair(tr("Account"), remote(machine.user) or MISSING),
        ]
        if played:
            lines.append(pair(tr("Demo"), played))
    if load is not None:
        loads = [f"{value:.2f}" for value in (load.load1, load.load5, load.load15) if value is not None]
        cores = tr("  {n} cores", n=machine.cores) if machine and machine.cores else ""
        lines.append(pair(tr("Load"), ((" ".join(loads) or UNKNOWN, Tone.PLAIN), (cores, Tone.DIM))))
        if load.memory_total_bytes and load.memory_available_bytes is not None:
            used = 1 - load.memory_available_bytes / load.memory_total_bytes
            free = tr(
                "{free} of {all} available",
                free=size_long(load.memory_available_bytes),
                all=size_long(load.memory_total_bytes),
            )
            lines.append(pair(tr("Memory"), join((percent_bar(used), cell(free, Tone.DIM)))))
        if load.uptime_s is not None:
            lines.append(pair(tr("Up for"), cell(span(load.uptime_s))))
    return lines


def _disks(snapshot: HostSnapshot) -> list[Line]:
    if snapshot.mounts.value is None:
        return []
    conda = conda_mounts(snapshot)
    others = [mount for mount in snapshot.mounts.value if conda is None or mount not in conda]
    below = tr("Disks (which hold conda is not known yet)") if conda is None else tr("Other disks")
    lines: list[Line] = []
    for title, mounts in ((tr("Disks that hold conda"), conda), (below, others)):
        if mounts:
            lines += [blank(), heading(title), *(item(disk_cell(mount)) for mount in mounts)]
    return lines


def disk_cell(mount: Mount) -> Cell:
    """A mount's share, room and kind; a hung one says so."""
    kind = join((remote(mount.fs_type, Tone.DIM), cell(tr("network"), Tone.DIM) if mount.network else ()), " ")
    if mount.fault is not None:
        return join((remote(mount.path, Tone.STRONG), cell(fault_words(mount.fault), Tone.BAD), kind))
    free = cell(tr("{free} of {all} free", free=size(mount.free_bytes), all=size(mount.size_bytes)))
    left = inodes_left(mount)
    inodes = () if left is None else cell(tr("{percent}% of inodes free", percent=left), Tone.WARN)
    return join((percent_bar(mount.used_fraction), remote(mount.path, Tone.STRONG), free, inodes, kind))


def _gpus(gpus: tuple[Gpu, ...] | None) -> list[Line]:
    if not gpus:
        return []
    first = gpus[0]
    driver = join(
        (
            remote(first.driver),
            remote(tr("CUDA up to {version}", version=first.cuda_max) if first.cuda_max else None, Tone.DIM),
        )
    )
    lines = [blank(), heading(tr("GPUs"))]
    if driver:
        lines.append(pair(tr("Driver"), driver))
    for gpu in gpus:
        used = None
        if gpu.memory_used_bytes is not None and gpu.memory_total_bytes:
            used = gpu.memory_used_bytes / gpu.memory_total_bytes
        util = cell(UNKNOWN if gpu.util_pct is None else tr("{percent}% busy", percent=f"{gpu.util_pct:.0f}"))
        warm = cell(f"{gpu.temperature_c:.0f}°C", Tone.DIM) if gpu.temperature_c is not None else ()
        power = cell(f"{gpu.power_w:.0f}W", Tone.DIM) if gpu.power_w is not None else ()
        # Not the machine's memory: other languages have a word of its own for a GPU's.
        memory = join((cell(tr("memory{gpu}", gpu=""), Tone.DIM), percent_bar(used)), " ")
        lines.append(item(join((cell(f"{gpu.index}"), memory, util, warm, power, remote(gpu.name, Tone.DIM)))))
        for process in gpu.processes:
            who = join(
                (
                    cell(UNKNOWN if process.pid is None else str(process.pid), Tone.DIM),
                    remote(process.user),
                    cell(size(process.memory_bytes)),
                    remote(process.command),
                    remote(process.prefix, Tone.DIM),
                )
            )
            lines.append(Line((("  ", Tone.PLAIN), *who), indent=4))
    return lines


def _installs(snapshot: HostSnapshot) -> list[Line]:
    installs = snapshot.installs.value
    if not installs:
        return []
    lines = [blank(), heading(tr("Installs"))]
    for install in installs:
        version = f"{install.manager.value} {shown(install.version)}" if install.version else install.manager.value
        writable = cell(tr("read-only"), Tone.DIM) if install.writable is False else ()
        fault = cell(fault_words(install.fault), Tone.WARN) if install.fault else ()
        owner = remote(install.owner, Tone.DIM)
        lines.append(item(join((remote(install.root, Tone.STRONG), cell(version), owner, writable, fault))))
    return lines


def connection_lines(view: HostView, now: float) -> list[Line]:
    facts = view.facts
    lines = [blank(), heading(tr("Connection"))]
    if view.spec.is_local:
        return [*lines, words(tr("This machine, reached without SSH."), Tone.DIM)]
    address = facts.address or view.spec.address
    port = tr("port {port}", port=facts.port) if facts.port and facts.port != 22 else ""
    if address:
        lines.append(pair(tr("Address"), join((remote(address), cell(port, Tone.DIM)), " ")))
    for label, text in (
        (tr("User"), facts.user or view.spec.user),
        (tr("Through"), " > ".join(facts.via) or view.spec.jump),
        (tr("Login by"), facts.auth_method),
        (tr("Host key"), facts.host_key),
        (tr("Server"), facts.server_version),
    ):
        if text:
            lines.append(pair(label, remote(text)))
    if facts.connected_at is not None and view.state is HostState.UP:
        lines.append(pair(tr("Since"), cell(ago(facts.connected_at, now))))
    lines += [pair(tr("Not used"), remote(said(text), Tone.WARN)) for text in facts.not_honoured]
    return lines if len(lines) > 2 else []


def log_lines(log: Sequence[tuple[float, str]]) -> list[Line]:
    lines = [blank(), heading(tr("Connection log, newest first"))]
    if not log:
        return [*lines, words(tr("Nothing yet."), Tone.DIM)]
    newest = list(log)[-LOG_LINES:][::-1]
    return lines + [
        Line(((clock_time(when) + " ", Tone.DIM), (said(text), Tone.PLAIN)), indent=9) for when, text in newest
    ]
