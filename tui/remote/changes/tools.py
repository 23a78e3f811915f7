"""Which package managers an install on a host can be changed with: one question, nothing is run for it."""

from __future__ import annotations

from tui.domain.environments import Install, Manager
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.toolargs import Tool, Toolbox
from tui.remote.changes.guard import guarded
from tui.remote.lane import Lane
from tui.remote.wire import Record, whole_answer

__all__ = ["ask_tools"]

ANSWER_LIMIT = 1 << 20
_KNOWN = {each.value: each for each in (Manager.CONDA, Manager.MAMBA, Manager.MICROMAMBA)}


async def ask_tools(lane: Lane, host: str, install: Install, *, timeout: float = 30.0) -> Toolbox:
    """What *install* has to be changed with, and which of its package caches this account may write.

    Raises HostFaultError: ``protocol``, and as :meth:`Lane.ask`.
    """
    args = (install.root, *install.pkgs_dirs)
    body = await lane.ask(guarded("change_tools"), args, timeout=timeout, limit=ANSWER_LIMIT)
    answer = whole_answer(body)
    if answer is None:
        raise HostFaultError(
            Fault(
                FaultKind.PROTOCOL,
                phrase("{host} gave an answer about its package managers that makes no sense.", host=host),
                phrase("Try again."),
            )
        )
    tools = [tool for record in answer if record.tag == "tool" and (tool := _tool(record, install.root)) is not None]
    caches = {record.text(0): record.text(1) for record in answer if record.tag == "cache"}
    writable = [place for place, state in caches.items() if place and state == "w"]
    # Where none is there yet, the first that can be made is.
    made = [place for place, state in caches.items() if place and state == "c"][:1]
    return Toolbox(install.root, tuple(tools), tuple(writable or made))


def _tool(record: Record, root: str) -> Tool | None:
    manager, program = _KNOWN.get(record.text(0) or ""), record.text(1)
    if manager is None or program is None or not program.startswith("/"):
        return None
    return Tool(manager, program, root, record.text(2), owned=record.text(3) == "y")
