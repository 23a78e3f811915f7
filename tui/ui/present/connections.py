"""The Hosts table: how each host is reached, and its connection log."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tui.domain.filterrows import HostRow
from tui.domain.hosts import HostState
from tui.domain.phrases import phrase
from tui.services.store import HostView
from tui.ui.language import said, tr
from tui.ui.present.cell import Cell, Live, Tone, cell, join, remote
from tui.ui.present.faults import fault_words, part_words, state_cell, state_said, state_width
from tui.ui.present.host_detail import connection_lines, fault_lines, log_lines
from tui.ui.present.hosts import STATES
from tui.ui.present.lines import Line, pair
from tui.ui.present.table import Column, Row
from tui.ui.present.words import UNKNOWN, ago, clock_time, span

__all__ = ["COLUMNS", "detail", "row"]

COLUMNS = (
    Column("host", phrase("Host"), 0, 12, 24, by=lambda view: view.name),
    Column("state", phrase("State"), 1, 25, 36, measure=state_width, by=lambda view: STATES.index(view.state)),
    Column("reached", phrase("Reached as"), 2, 20, 44, by=lambda view: reached_text(view) or None),
    Column("login", phrase("Login by"), 4, 10, 16, by=lambda view: view.facts.auth_method),
    Column("since", phrase("Since"), 5, 6, 7, right=True, live=6, by=lambda view: since(view)),
    Column("log", phrase("Last in the log"), 3, 20, 72),
    Column("key", phrase("Host key"), 6, 24, 64, by=lambda view: view.facts.host_key),
    Column(
        "limits", phrase("Not honoured"), 7, 13, 30, by=lambda view: len(view.facts.not_honoured) or None, falling=True
    ),
    Column("server", phrase("Server"), 8, 12, 30, by=lambda view: view.facts.server_version),
)
MISSING = cell(UNKNOWN, Tone.DIM)


def row(view: HostView, log: Sequence[tuple[float, str]]) -> Row:
    """A host's row."""
    facts = view.facts
    return Row(
        view.name,
        (
            cell(view.name, Tone.STRONG),
            partial(state_cell, view),
            remote(reached_text(view)) or MISSING,
            remote(facts.auth_method) or MISSING,
            _since(view),
            _last(log),
            remote(facts.host_key, Tone.DIM) or MISSING,
            cell(tr("{n} of its settings", n=len(facts.not_honoured)), Tone.WARN) if facts.not_honoured else cell(""),
            remote(facts.server_version, Tone.DIM) or MISSING,
        ),
        also=" ".join((view.state.value, fault_words(view.fault) if view.fault else "")),
        item=view,
        facts=HostRow(view.spec, view.state, view.snapshot, view.fault, state_said(view)),
    )


def reached_text(view: HostView) -> str:
    """``ada@192.0.2.12:2222 through bastion``; nothing while it is not known. Raw."""
    if view.spec.is_local:
        return tr("this machine, without SSH")
    facts, spec = view.facts, view.spec
    address = facts.address or spec.address
    if address is None:
        return ""
    user = facts.user or spec.user
    port = facts.port or spec.port
    via = " > ".join(facts.via) or spec.jump
    return "".join(
        (
            f"{user}@" if user else "",
            address,
            f":{port}" if port and port != 22 else "",
            tr(" through {via}", via=via) if via else "",
        )
    )


def since(view: HostView) -> float | None:
    """When the connection was made, while there is one."""
    return view.facts.connected_at if view.state is HostState.UP else None


def _since(view: HostView) -> Cell | Live:
    then = since(view)
    return MISSING if then is None else (lambda now: cell(span(now - then)))


def _last(log: Sequence[tuple[float, str]]) -> Cell:
    if not log:
        return MISSING
    when, text = log[-1]
    return ((clock_time(when) + " ", Tone.DIM), (said(text), Tone.PLAIN))


def detail(view: HostView, log: Sequence[tuple[float, str]], now: float) -> list[Line]:
    """The connection of a host, its faults and its log."""
    lines = [pair(tr("State"), state_cell(view, now))]
    if view.snapshot.time is not None:
        old = cell(tr("kept from an earlier start"), Tone.WARN) if view.kept else ()
        lines.append(pair(tr("Last heard"), join((cell(ago(view.snapshot.time, now)), old))))
    if view.spec.groups:
        lines.append(pair(tr("Groups"), cell(" ".join(view.spec.groups))))
    if view.fault is not None and view.state is not HostState.UP:
        lines += fault_lines(view.fault, now)
    for part, fault in view.snapshot.faults():
        what = join((cell(fault_words(fault), Tone.WARN), cell(said(fault.message))))
        lines.append(pair(tr("No {part}", part=part_words(part)), what))
        if fault.remedy:
            lines.append(pair("", cell(said(fault.remedy), Tone.DIM)))
    return lines + connection_lines(view, now) + log_lines(log)
