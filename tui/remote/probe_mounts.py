"""Measuring a host's file systems: each may hang for itself, and is then left alone until its process is gone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Mount
from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.remote.lane import Lane, NotAskedError, ShellProcess
from tui.remote.mounts import MountPlan, parse_sizes
from tui.remote.probe_types import HANGS, ProbeMemory
from tui.remote.scripts import script

__all__ = ["measure"]


async def measure(
    lane: Lane,
    plan: MountPlan,
    memory: ProbeMemory,
    host: str,
    limit: float,
    give_up: Callable[[Lane], ShellProcess | None],
) -> tuple[Mount, ...]:
    """All of *plan*; those that hang, or hung and still do, carry a fault each. Raises HostFaultError.

    *give_up* lets a lane go that hangs.
    """
    for path, process in tuple(memory.hung_mounts.items()):
        if not await lane.lives(process, timeout=limit):
            del memory.hung_mounts[path]
    if memory.hung_disks is not None and not await lane.lives(memory.hung_disks, timeout=limit):
        memory.hung_disks = None
    local = () if memory.hung_disks else plan.local
    remote = tuple(mount for mount in plan.remote if mount.path not in memory.hung_mounts)
    asked = local + remote
    answers: dict[str, Mount] = {}
    jobs: dict[int, ShellProcess] = {}
    if asked:
        args = (str(len(local)), *(mount.path for mount in asked))
        try:
            async with aclosing(lane.stream(script("mounts"), args, timeout=limit)) as stream:
                async for record in stream:
                    if record.tag == "job" and (index := record.integer(0)) is not None:
                        jobs[index] = ShellProcess(record.integer(1) or 0, record.text(2) or "-")
                    for answer in parse_sizes(record, asked, len(local), host):
                        answers[answer.mount.path] = answer.mount
        except HostFaultError as error:
            if error.fault.kind not in HANGS or isinstance(error, NotAskedError):
                raise
            shell = give_up(lane)
            for index, mount in enumerate(asked):
                if mount.path not in answers and index in jobs:
                    memory.hung_mounts[mount.path] = jobs[index]
            if any(mount.path not in answers for mount in local):
                memory.hung_disks = shell
    whole = sorted(plan.local + plan.remote, key=lambda mount: mount.path)
    return tuple(answers.get(mount.path) or replace(mount, fault=_hang(mount, host, limit)) for mount in whole)


def _hang(mount: Mount, host: str, limit: float) -> Fault:
    return Fault(
        FaultKind.TOOL_HUNG,
        phrase(
            "The file system at {path} on {host} did not answer within {seconds} s; nothing else waits for it.",
            path=printable(mount.path),
            host=host,
            seconds=f"{limit:g}",
        ),
        phrase("Look whether {source} can be reached from {host}.", source=printable(mount.source), host=host),
    )
