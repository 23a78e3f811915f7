"""A client of its own process, to be killed: begins a task, unless the host knows it, and follows it into a file.

python -m tests.services.taskclient SSH_CONFIG STATE HOME TASK_ID PLACE LOG SCRIPT [ARGUMENT…]
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path

from tests.fakes import ScriptedPrompter
from tui import runtime
from tui.domain.errors import HostFaultError
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings
from tui.domain.tasks import Task, TaskSpec
from tui.remote.jobs import Job
from tui.services.engine import FleetService


async def patiently(fleet: FleetService) -> tuple[Task, ...]:
    """What the host keeps; its sshd may be on its way up."""
    while True:
        try:
            return await fleet.tasks.look("gpu01")
        except HostFaultError:
            await asyncio.sleep(0.05)


async def main(config: str, state: str, home: str, task_id: str, place: str, log: str, script: str, *args: str) -> None:
    settings = Settings(
        hosts=(HostSpec("gpu01", search=SearchPlaces((home,), only=True)),),
        intervals=Intervals(status=0.3, gpus=60, inventory=60),
        limits=Limits(connect=8),
    )
    fleet = runtime.build(
        settings, ScriptedPrompter(), state_dir=Path(state), ssh_config=Path(config), watch_tasks=True
    )
    await fleet.start()
    try:
        known = [task.id for task in await patiently(fleet)]
        if task_id not in known:
            spec = TaskSpec(task_id, "create", "/opt/envs/x", ("conda", "create"), "ada@laptop", (place,))
            await fleet.tasks.start("gpu01", Job(spec, script.encode() + b"\n", args))
        with Path(log).open("ab", buffering=0) as file:  # noqa: ASYNC230  # nothing else runs here
            async with aclosing(fleet.tasks.follow("gpu01", task_id, file.tell())) as parts:
                async for part in parts:
                    assert part.offset == file.tell()
                    file.write(part.data)
        over = await fleet.tasks.settled("gpu01", task_id)
        print(over.state.value, over.exit_code, flush=True)
    finally:
        await fleet.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
