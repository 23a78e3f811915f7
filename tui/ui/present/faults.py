"""Faults and states in words: what a person reads where data is missing."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.condadisks import full_mounts
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostState
from tui.domain.phrases import phrase
from tui.domain.snapshot import HostSnapshot
from tui.services.store import HostView
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import BLANK, Cell, Tone, cell, fit_end, plain, remote, width
from tui.ui.present.words import countdown, level

__all__ = [
    "FAULT_WORDS",
    "fault_tone",
    "fault_words",
    "is_down",
    "state_cell",
    "state_said",
    "state_sentence",
    "state_width",
]

FAULT_WORDS: dict[FaultKind, str] = {
    FaultKind.NAME_NOT_FOUND: phrase("name not found"),
    FaultKind.REFUSED: phrase("refused"),
    FaultKind.TIMEOUT: phrase("no answer"),
    FaultKind.NO_ROUTE: phrase("no route"),
    FaultKind.HOST_KEY_UNKNOWN: phrase("unknown host key"),
    FaultKind.HOST_KEY_CHANGED: phrase("HOST KEY CHANGED"),
    FaultKind.HOST_KEY_REVOKED: phrase("host key revoked"),
    FaultKind.AUTH_FAILED: phrase("login refused"),
    FaultKind.AUTH_NEEDED: phrase("login needed"),
    FaultKind.CONFIG: phrase("configuration error"),
    FaultKind.JUMP_FAILED: phrase("jump host failed"),
    FaultKind.KEX_FAILED: phrase("no common encryption"),
    FaultKind.SESSIONS_EXHAUSTED: phrase("too many sessions"),
    FaultKind.LOST: phrase("connection lost"),
    FaultKind.SHELL_BROKEN: phrase("shell broken"),
    FaultKind.PROTOCOL: phrase("not understood"),
    FaultKind.PERMISSION: phrase("not permitted"),
    FaultKind.TOOL_MISSING: phrase("tool missing"),
    FaultKind.TOOL_HUNG: phrase("tool hung"),
    FaultKind.TOO_LARGE: phrase("answer too large"),
    FaultKind.INCOMPLETE: phrase("incomplete"),
    FaultKind.GHOST: phrase("gone"),
}


LONG_S = 59.0
"""A countdown is never wider than at so many seconds."""
PATH = 10
"""Terminal columns that a full disk's path has in the state, which is 25 wide on a small terminal."""


PART_WORDS: dict[str, str] = {
    "machine": phrase("machine"),
    "load": phrase("load"),
    "mounts": phrase("mounts"),
    "gpus": phrase("gpus"),
    "sessions": phrase("sessions"),
    "installs": phrase("installs"),
    "environments": phrase("environments"),
}


def part_words(part: str) -> str:
    """A part of a snapshot, after "no"."""
    return said(PART_WORDS.get(part, part))


def fault_words(fault: Fault) -> str:
    """A fault in two or three words."""
    return said(FAULT_WORDS.get(fault.kind, fault.kind.value))


def fault_tone(fault: Fault) -> Tone:
    """Red for what waits for a person, yellow for what time may cure."""
    return Tone.BAD if fault.waits_for_a_person else Tone.WARN


def is_down(view: HostView) -> bool:
    """True while nothing can be asked of the host."""
    return view.state is not HostState.UP


def state_cell(view: HostView, now: float) -> Cell:
    """The state of a host's connection in words, with the reason and the next try."""
    fault = view.fault
    if view.state is HostState.UP:
        broken = len(view.snapshot.faults())
        missing = trn(", {n} part missing", ", {n} parts missing", broken) if broken else ""
        return (*cell(tr("● up"), Tone.GOOD), *_full_words(view.snapshot), *cell(missing, Tone.WARN))
    if view.state is HostState.CONNECTING:
        if fault is not None:
            return ((tr("◌ trying again"), Tone.ACCENT), (tr(": {fault}", fault=fault_words(fault)), Tone.DIM))
        return cell(tr("◌ connecting"), Tone.ACCENT)
    if view.state is HostState.ASKING:
        return cell(tr("? asks you"), Tone.ACCENT)
    if view.state is HostState.WAITING:
        if fault is None:
            return cell(tr("▲ down"), Tone.WARN)
        again = "" if fault.retry_at is None else tr(", again {when}", when=countdown(fault.retry_at, now))
        return ((f"▲ {fault_words(fault)}", fault_tone(fault)), (again, Tone.DIM))
    if view.state is HostState.DOWN:
        reason = fault_words(fault) if fault else tr("down")
        return ((f"✗ {reason}", Tone.BAD), (tr(", needs you"), Tone.DIM))
    return ((tr("○ not connected"), Tone.PLAIN), (tr(", r connects"), Tone.DIM))


def _full_words(snapshot: HostSnapshot) -> Cell:
    """Which disks are nearly full, whatever they hold: the disk column tells of conda's alone."""
    full = full_mounts(snapshot)
    if not full:
        return BLANK
    share = full[0].used_fraction or 0.0
    if len(full) == 1:
        path = plain(fit_end(remote(full[0].path), PATH))
        said_so = tr(", {path} {percent}% full", path=path, percent=int(share * 100 + 0.5))
    else:
        said_so = trn(", {n} disk nearly full", ", {n} disks nearly full", len(full))
    return cell(said_so, level(share))


def state_said(view: HostView) -> str:
    """How a host and each part of what is known of it are, in the tables' words: what a filter looks through."""
    calm = replace(view, fault=view.fault.with_retry_at(None)) if view.fault is not None else view
    words = [plain(state_cell(calm, 0.0)), *(fault_words(fault) for _, fault in view.snapshot.faults())]
    return " ".join([*words, tr("old")] if view.kept else words)


def state_width(view: HostView) -> int:
    """The columns that :func:`state_cell` needs however near the next try is."""
    then = view.fault.retry_at if view.fault is not None else None
    return width(state_cell(view, 0.0 if then is None else then - LONG_S))


def state_sentence(view: HostView, now: float) -> str:
    """The same as a sentence that names the host, for status lines and empty tables."""
    fault = view.fault
    if view.state is HostState.UP:
        return tr("{host} is connected", host=view.name)
    if view.state is HostState.CONNECTING:
        return tr("{host} is being connected", host=view.name)
    if view.state is HostState.ASKING:
        return tr("{host} waits for your answer", host=view.name)
    if fault is None:
        return tr("{host} is not connected", host=view.name)
    again = "" if fault.retry_at is None else tr(", tried again {when}", when=countdown(fault.retry_at, now))
    if view.state is HostState.DOWN:
        again = tr(", not tried again before you act")
    return tr("{host}: {fault}{again}", host=view.name, fault=fault_words(fault), again=again)
