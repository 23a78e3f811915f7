"""What front ends may ask about tasks: changes that run on the hosts, whatever becomes of this program.

What is known of a host's tasks is in its view (:attr:`tui.services.store.HostView.tasks`), with its age and its fault;
:class:`tui.services.events.TasksChanged` tells of news. In a program that watches (the screen), a host with a task that
lives is looked at every status interval, any other one after each of its inventories, and when somebody asks; in others
a host with a task of the program.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Protocol

from tui.domain.taskhistory import TaskRecord
from tui.domain.tasks import Task
from tui.remote.condasays.progress import Progress
from tui.remote.jobs import Job
from tui.remote.task_log import LogPart
from tui.remote.tasks import CancelAnswer

__all__ = ["CancelAnswer", "LogPart", "Progress", "TaskRecord", "TasksApi"]


class TasksApi(Protocol):
    """The tasks of a running fleet. All methods belong to the event loop; where they raise, it is HostFaultError."""

    async def start(self, host: str, job: Job, *, detached: bool = False) -> Task:
        """Begin *job* on *host*, once, whatever happens to the connection meanwhile: it is asked until that is known.

        With ``limits.tasks`` tasks of this program under way it comes back at once, ``queued``, with
        ``waits_for.kind`` ``limit``: this program begins it when there is room, and it never begins if the program
        ends before. *detached*: no such waiting. Of a task that a logout on the host may end, the person is warned by
        a :class:`tui.services.events.HostNoticed` and by ``note logout`` in :attr:`Task.said`.
        Raises when nothing was run, or when a person is needed to learn whether it was.
        """

    async def look(self, host: str) -> tuple[Task, ...]:
        """The host's tasks as they are now, the newest first; in the store, too. Raises."""

    def refresh(self, hosts: Iterable[str] | None = None) -> None:
        """Look again at *hosts* (None: all that are up) when each has time for it; news come as events."""

    def get(self, host: str, task_id: str) -> Task | None:
        """A task as it was last seen."""

    def progress(self, host: str, task_id: str) -> Progress | None:
        """How far a running task is, by what its tool printed last; None where it printed nothing of the kind.

        Known for tasks that are watched or followed.
        """

    def follow(self, host: str, task_id: str, offset: int = 0) -> AsyncGenerator[LogPart, None]:
        """The log from *offset*, as it grows, each byte once, over whatever connections there are, to its end.

        Losses are waited out. Raises ``ghost`` (no such task), ``incomplete`` (the log became shorter), and what
        waits for a person. Close the generator to stop; the task goes on.
        """

    async def settled(self, host: str, task_id: str) -> Task:
        """Wait until the task is over, whatever happens to the connection meanwhile; then as it ended.

        Raises ``ghost`` when the host keeps no such task (any more), and what waits for a person.
        """

    async def cancel(self, host: str, task_id: str) -> CancelAnswer:
        """Ask for its end: the host interrupts, then terminates, then kills it. One that waits here never begins."""

    async def purge(self, host: str, task_ids: Sequence[str] = (), older_s: float = 0.0) -> tuple[str, ...]:
        """Clear away what the host keeps of tasks (of *task_ids*, or all) that ended *older_s* seconds ago or earlier.

        The ids of those that went. What may still live stays.
        """

    async def history(self) -> tuple[TaskRecord, ...]:
        """What tasks did, as this machine remembers it: on all hosts, by all operators that were seen; newest first.

        Raises StorageError.
        """
