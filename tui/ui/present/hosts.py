"""The Fleet table: one row for each host."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from tui.domain.condadisks import conda_mounts, fullest
from tui.domain.filterrows import HostRow
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostState
from tui.domain.machine import Mount
from tui.domain.phrases import phrase
from tui.domain.settings import Settings
from tui.domain.snapshot import HostSnapshot, Part
from tui.services.store import HostView
from tui.ui.language import tr, trn
from tui.ui.present.cell import BLANK, CUT, Cell, Tone, cell, join, remote, text_width
from tui.ui.present.faults import fault_words, state_cell, state_said, state_width
from tui.ui.present.sums import gpu_memory_sum
from tui.ui.present.table import Column, Note, Row
from tui.ui.present.words import UNKNOWN, age_cell, number_cell, percent_bar, size

__all__ = ["COLUMNS", "STATES", "empty_note", "inodes_left", "offer", "row", "sum_words", "summary"]

STATES: tuple[HostState, ...] = (
    HostState.DOWN, HostState.ASKING, HostState.WAITING, HostState.CONNECTING, HostState.UP, HostState.IDLE,
)  # fmt: skip
"""What needs a person first."""
COLUMNS = (
    Column("host", phrase("Host"), 0, 12, 24, by=lambda view: view.name),
    Column("state", phrase("State"), 1, 25, 36, measure=state_width, by=lambda view: STATES.index(view.state)),
    Column("age", phrase("Age"), 2, 7, 8, right=True, live=7, by=lambda view: view.snapshot.time),
    Column("disk", phrase("Disk"), 3, 11, 11, by=lambda view: _used(view.snapshot), falling=True),
    Column("gpus", phrase("GPUs busy"), 4, 9, 21, by=lambda view: _idle_gpus(view.snapshot), falling=True),
    Column(
        "environments",
        phrase("Envs"),
        5,
        5,
        6,
        right=True,
        by=lambda view: _size(view.snapshot.environments),
        falling=True,
    ),
    Column("load", phrase("Load"), 6, 9, 12, right=True, by=lambda view: _load_share(view.snapshot), falling=True),
    Column("memory", phrase("Memory"), 7, 11, 11, by=lambda view: _memory_used(view.snapshot), falling=True),
    Column(
        "sessions", phrase("Sess"), 8, 5, 6, right=True, by=lambda view: _size(view.snapshot.sessions), falling=True
    ),
    Column(
        "tasks",
        phrase("Tasks"),
        9,
        5,
        6,
        right=True,
        by=lambda view: _living(view) or None,
        falling=True,
        sparse=True,
    ),
    Column("room", phrase("Fullest conda disk"), 10, 18, 40, last=True, by=lambda view: _free(view.snapshot)),
    Column("groups", phrase("Groups"), 11, 8, 20, by=lambda view: " ".join(view.spec.groups) or None),
    Column(
        "system",
        phrase("System"),
        12,
        20,
        36,
        by=lambda view: view.snapshot.machine.value and view.snapshot.machine.value.os,
    ),
)

_LEVELS = "▁▂▃▄▅▆▇█"
_RUNS = re.compile("(·+)|[^·]+")
GPU_BARS = 16
MISSING = cell(UNKNOWN, Tone.DIM)
OFFERED = 18
"""Terminal columns for the names of aliases: the sentence fits 80."""
TIGHT = 0.2
"""Below this share of free inodes a disk is told of."""


def row(view: HostView) -> Row:
    """A host's row."""
    snapshot = view.snapshot
    environments = snapshot.environments.value
    sessions = snapshot.sessions.value
    return Row(
        view.name,
        (
            cell(view.name, Tone.STRONG),
            partial(state_cell, view),
            age_cell(snapshot.time, stale=view.kept),
            _disk(snapshot),
            gpu_cell(snapshot),
            number_cell(None if environments is None else len(environments)),
            _load(snapshot),
            _memory(snapshot),
            number_cell(None if sessions is None else len(sessions)),
            _tasks(view),
            _room(snapshot),
            cell(" ".join(view.spec.groups), Tone.DIM),
            remote(snapshot.machine.value.os if snapshot.machine.value else None, Tone.DIM),
        ),
        also=" ".join((view.state.value, fault_words(view.fault) if view.fault else "", view.spec.address or "")),
        item=view,
        facts=HostRow(view.spec, view.state, snapshot, view.fault, state_said(view)),
    )


def _living(view: HostView) -> int:
    return 0 if view.tasks is None else view.tasks.living


def _tasks(view: HostView) -> Cell:
    """How many changes are under way there; nothing to see while there are none."""
    living = _living(view)
    return cell(str(living), Tone.ACCENT) if living else BLANK


def _size(part: Part[tuple[Any, ...]]) -> int | None:
    return None if part.value is None else len(part.value)


def _used(snapshot: HostSnapshot) -> float | None:
    worst = fullest(conda_mounts(snapshot))
    return None if worst is None else worst.used_fraction


def _free(snapshot: HostSnapshot) -> int | None:
    worst = fullest(conda_mounts(snapshot))
    return None if worst is None else worst.free_bytes


def _idle_gpus(snapshot: HostSnapshot) -> int | None:
    """How many nobody uses: whoever sorts by GPUs looks for free ones."""
    return None if not snapshot.gpus.value else sum(not is_busy(gpu) for gpu in snapshot.gpus.value)


def _load_share(snapshot: HostSnapshot) -> float | None:
    load, machine = snapshot.load.value, snapshot.machine.value
    if load is None or load.load1 is None:
        return None
    return load.load1 / (machine.cores if machine and machine.cores else 1)


def _memory_used(snapshot: HostSnapshot) -> float | None:
    load = snapshot.load.value
    if load is None or not load.memory_total_bytes or load.memory_available_bytes is None:
        return None
    return 1 - load.memory_available_bytes / load.memory_total_bytes


def inodes_left(mount: Mount) -> int | None:
    """Percent of the inodes that are free, where they are tight; None where they are not, or not known."""
    if not mount.inodes or mount.inodes_free is None or mount.inodes_free / mount.inodes >= TIGHT:
        return None
    return mount.inodes_free * 100 // mount.inodes


def _disk(snapshot: HostSnapshot) -> Cell:
    mounts = conda_mounts(snapshot)
    worst = fullest(mounts)
    if any(mount.fault for mount in mounts or ()):
        return cell(tr("disk hung"), Tone.BAD)
    if worst is None:
        return MISSING
    return percent_bar(worst.used_fraction)


def _room(snapshot: HostSnapshot) -> Cell:
    mounts = conda_mounts(snapshot)
    worst = fullest(mounts)
    if worst is None:
        none = mounts == () and not snapshot.environments.fault and not snapshot.installs.fault
        return cell(tr("no conda"), Tone.DIM) if none else MISSING
    tight = [left for mount in mounts or () if (left := inodes_left(mount)) is not None]
    inodes = cell(tr(", {percent}% inodes left", percent=min(tight)) if tight else "", Tone.WARN)
    return (
        *cell(tr("{free} free", free=size(worst.free_bytes))),
        *inodes,
        (tr(" on "), Tone.DIM),
        *remote(worst.path, Tone.DIM),
    )


def _load(snapshot: HostSnapshot) -> Cell:
    load = snapshot.load.value
    if load is None or load.load1 is None:
        return MISSING
    cores = snapshot.machine.value.cores if snapshot.machine.value else None
    tone = Tone.WARN if cores and load.load1 > cores else Tone.PLAIN
    return ((f"{load.load1:.1f}", tone), (f"/{cores}" if cores else "", Tone.DIM))


def _memory(snapshot: HostSnapshot) -> Cell:
    return percent_bar(_memory_used(snapshot))


def gpu_cell(snapshot: HostSnapshot) -> Cell:
    """One small bar for each GPU (its use), how many are busy, and whether some are in slices (MIG).

    A dot stands for a GPU whose use nobody knows: a driver does not tell it of one in slices.
    """
    gpus = snapshot.gpus.value
    if gpus is None:
        return cell(fault_words(snapshot.gpus.fault), Tone.WARN) if snapshot.gpus.fault else MISSING
    if not gpus:
        return cell(tr("none"), Tone.DIM)
    bars = "".join("·" if gpu.util_pct is None else _LEVELS[min(7, max(0, int(gpu.util_pct / 12.5)))] for gpu in gpus)
    busy = sum(map(is_busy, gpus))
    return (
        *((run.group(), Tone.DIM if run[1] else Tone.ACCENT) for run in _RUNS.finditer(bars[:GPU_BARS])),
        (f" {busy}/{len(gpus)}", Tone.PLAIN if busy else Tone.DIM),
        *(cell(" MIG", Tone.DIM) if any(gpu.mig for gpu in gpus) else BLANK),
    )


def is_busy(gpu: Gpu) -> bool:
    """True for a GPU that computes or holds a process."""
    return bool(gpu.processes) or (gpu.util_pct or 0) >= 5


def sum_words(views: Sequence[HostView]) -> str:
    """What hosts come to together: their GPUs, these GPUs' memory, and environments."""
    gpus = [gpu for view in views for gpu in view.snapshot.gpus.value or ()]
    environments = sum(len(view.snapshot.environments.value or ()) for view in views)
    idle = len(gpus) - sum(map(is_busy, gpus))
    words = [trn("{idle} of {n} GPU idle", "{idle} of {n} GPUs idle", len(gpus), idle=idle)] if gpus else []
    held = trn("{n} environment", "{n} environments", environments)
    return tr(", ").join(word for word in (*words, gpu_memory_sum(gpus), held) if word)


def summary(views: Sequence[HostView], *, readonly: bool = False) -> Cell:
    """The fleet in one line, what matters most first: ``5 of 8 up  1 needs you  2 down``."""
    states = [view.state for view in views]
    up = states.count(HostState.UP)
    connecting = states.count(HostState.CONNECTING)
    waiting = states.count(HostState.WAITING)
    person = states.count(HostState.DOWN) + states.count(HostState.ASKING)
    return join(
        (
            cell(tr("{some} of {all} up", some=up, all=len(views)), Tone.GOOD if up else Tone.DIM),
            cell(trn("{n} needs you", "{n} need you", person), Tone.BAD) if person else BLANK,
            cell(trn("{n} down", "{n} down", waiting), Tone.WARN) if waiting else BLANK,
            cell(trn("{n} connecting", "{n} connecting", connecting), Tone.ACCENT) if connecting else BLANK,
            cell(tr("read-only"), Tone.ACCENT) if readonly else BLANK,
        )
    )


def empty_note(settings: Settings) -> Note:
    """The fleet has no hosts."""
    where = cell(settings.file or "~/.config/condafleet/config.yaml", Tone.STRONG)
    return Note(
        tr("There are no hosts in the fleet yet"),
        (
            *((offer(settings.offered),) if settings.offered else ()),
            cell(tr("Name them under hosts: in"), Tone.DIM),
            where,
            cell(tr("or run: condafleet hosts add NAME"), Tone.DIM),
        ),
    )


def offer(aliases: Sequence[str]) -> Cell:
    """How a fleet of this machine alone gets servers: the aliases of ssh_config by name, as far as they are few."""
    if not aliases:
        return cell(tr("Only this machine so far. Add servers with: condafleet hosts add NAME"), Tone.DIM)
    names: list[str] = []
    for name in aliases:
        if names and text_width(", ".join((*names, name))) > OFFERED:
            break
        names.append(name)
    more = ", " + CUT if len(names) < len(aliases) else ""
    found = trn(
        "{n} alias in ssh_config ({names}). Add it: condafleet hosts add {name}",
        "{n} aliases in ssh_config ({names}). Add one: condafleet hosts add NAME",
        len(aliases),
        names=", ".join(names) + more,
        name=aliases[0],
    )
    return cell(found, Tone.ACCENT)
