"""Cleaning by the real programs: looked at over a lane, carried out as a task."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.remote.taskhost import PATIENCE_S, TaskHost
from tui.domain.tasks import Task, TaskSpec
from tui.remote.changes.clean import CleanRequest, CleanSaid, ask_clean, clean_job, read_said
from tui.remote.tasks import start_task
from tui.remote.wire import records

__all__ = ["clean", "clean_start", "look", "said_by"]


async def look(host: TaskHost, request: CleanRequest) -> CleanSaid:
    """What it would do."""
    return await ask_clean(await host.lane(), "gpu01", request, timeout=PATIENCE_S)


async def clean_start(host: TaskHost, request: CleanRequest, roots: tuple[str, ...] = ()) -> TaskSpec:
    """Begin it."""
    task_id = host.sh("").id
    job = clean_job(request, id=task_id, operator="ada@laptop", roots=roots)
    assert await start_task(
        await host.lane(), "gpu01", job.spec, program=job.program, args=job.args, timeout=PATIENCE_S
    )
    return job.spec


async def clean(host: TaskHost, request: CleanRequest) -> tuple[Task, CleanSaid]:
    """Do it, to the end."""
    spec = await clean_start(host, request)
    task = await host.become(spec)
    return task, await said_by(host.folder(spec))


async def said_by(folder: Path) -> CleanSaid:
    """What a task said."""
    file = folder / "said"
    body = await asyncio.to_thread(lambda: file.read_bytes() if file.exists() else b"")
    return read_said([record.text(at) or "" for at in range(len(record.fields))] for record in records(body))
