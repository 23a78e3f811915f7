"""Faults and states in words: what a person reads where data is missing."""

from __future__ import annotations

from dataclasses import replace

from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostState
from tui.services.store import HostView
from tui.ui.present.cell import Cell, Tone, cell, plain, width
from tui.ui.present.words import countdown

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
    FaultKind.NAME_NOT_FOUND: "name not found",
    FaultKind.REFUSED: "refused",
    FaultKind.TIMEOUT: "no answer",
    FaultKind.NO_ROUTE: "no route",
    FaultKind.HOST_KEY_UNKNOWN: "unknown host key",
    FaultKind.HOST_KEY_CHANGED: "HOST KEY CHANGED",
    FaultKind.HOST_KEY_REVOKED: "host key revoked",
    FaultKind.AUTH_FAILED: "login refused",
    FaultKind.AUTH_NEEDED: "login needed",
    FaultKind.CONFIG: "configuration error",
    FaultKind.JUMP_FAILED: "jump host failed",
    FaultKind.KEX_FAILED: "no common encryption",
    FaultKind.SESSIONS_EXHAUSTED: "too many sessions",
    FaultKind.LOST: "connection lost",
    FaultKind.SHELL_BROKEN: "shell broken",
    FaultKind.PROTOCOL: "not understood",
    FaultKind.PERMISSION: "not permitted",
    FaultKind.TOOL_MISSING: "tool missing",
    FaultKind.TOOL_HUNG: "tool hung",
    FaultKind.TOO_LARGE: "answer too large",
    FaultKind.INCOMPLETE: "incomplete",
    FaultKind.GHOST: "gone",
}


LONG_S = 59.0
"""A countdown is never wider than at so many seconds."""


def fault_words(fault: Fault) -> str:
    """A fault in two or three words."""
    return FAULT_WORDS.get(fault.kind, fault.kind.value)


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
        if broken:
            return (("● ", Tone.GOOD), ("up", Tone.GOOD), (f", {broken} part{'s' * (broken > 1)} missing", Tone.WARN))
        return cell("● up", Tone.GOOD)
    if view.state is HostState.CONNECTING:
        if fault is not None:
            return (("◌ trying again", Tone.ACCENT), (f": {fault_words(fault)}", Tone.DIM))
        return cell("◌ connecting", Tone.ACCENT)
    if view.state is HostState.ASKING:
        return cell("? asks you", Tone.ACCENT)
    if view.state is HostState.WAITING:
        if fault is None:
            return cell("▲ down", Tone.WARN)
        again = f", again {countdown(fault.retry_at, now)}" if fault.retry_at is not None else ""
        return ((f"▲ {fault_words(fault)}", fault_tone(fault)), (again, Tone.DIM))
    if view.state is HostState.DOWN:
        reason = fault_words(fault) if fault else "down"
        return ((f"✗ {reason}", Tone.BAD), (", needs you", Tone.DIM))
    return (("○ not connected", Tone.PLAIN), (", r connects", Tone.DIM))


def state_said(view: HostView) -> str:
    """How a host and each part of what is known of it are, in the tables' words: what a filter looks through."""
    calm = replace(view, fault=view.fault.with_retry_at(None)) if view.fault is not None else view
    words = [plain(state_cell(calm, 0.0)), *(fault_words(fault) for _, fault in view.snapshot.faults())]
    return " ".join([*words, "old"] if view.kept else words)


def state_width(view: HostView) -> int:
    """The columns that :func:`state_cell` needs however near the next try is."""
    then = view.fault.retry_at if view.fault is not None else None
    return width(state_cell(view, 0.0 if then is None else then - LONG_S))


def state_sentence(view: HostView, now: float) -> str:
    """The same as a sentence that names the host, for status lines and empty tables."""
    fault = view.fault
    if view.state is HostState.UP:
        return f"{view.name} is connected"
    if view.state is HostState.CONNECTING:
        return f"{view.name} is being connected"
    if view.state is HostState.ASKING:
        return f"{view.name} waits for your answer"
    if fault is None:
        return f"{view.name} is not connected"
    again = f", tried again {countdown(fault.retry_at, now)}" if fault.retry_at is not None else ""
    if view.state is HostState.DOWN:
        again = ", not tried again before you act"
    return f"{view.name}: {fault_words(fault)}{again}"
