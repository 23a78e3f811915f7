"""``tasks follow``: a log as it grows, and then the task's own success."""

from __future__ import annotations

import time
from contextlib import aclosing

from tui.cli.context import Context, Fleet, RunInterruptedError
from tui.cli.jsonview import Object, time_json
from tui.cli.logtext import LogText
from tui.cli.reply import Reply
from tui.cli.report import Exit
from tui.cli.taskfind import find_tasks, wanted
from tui.cli.taskview import outcome_text, progress_json, task_json
from tui.domain.errors import CondafleetError, UsageError
from tui.domain.redact import redact
from tui.domain.tasks import Task, TaskState
from tui.domain.text import decode, printable
from tui.remote.condasays.progress import Progress

__all__ = ["run_follow"]


async def run_follow(context: Context) -> Reply:
    """Print the log of one task until it is over. Ctrl-C leaves the task alone and says how to come back."""
    args = context.args
    if args.raw and context.out.is_terminal:
        raise UsageError(
            "With --raw a host's words would steer this terminal.", "Send it to a file, or leave --raw out."
        )
    names = wanted(args.ids, context)
    error: CondafleetError | None
    async with context.fleet() as fleet:
        found = await find_tasks(context, fleet, names)
        error, task = found.error, found.tasks.get(names[0].id)
        if task is not None:
            reader = _Reader(context, task)
            try:
                await fleet.until(_follow(fleet, task, args.offset, reader), f"following {task.id}")
                task = await fleet.until(fleet.api.tasks.settled(task.host, task.id), f"waiting for {task.id}")
            except RunInterruptedError:
                where = f"condafleet tasks follow {task.host}:{task.id}"
                if reader.offset:
                    where += f" --offset {reader.offset}"
                error = RunInterruptedError(
                    f"Interrupted; {task.id} goes on on {task.host}.", f"{where}; or `condafleet tasks cancel`."
                )
            except CondafleetError as problem:
                error = problem
            finally:
                reader.finish()
            if error is None:
                reader.tell("task", task_json(task))
                error = _failure(task)
    code = None if error is None or task is None or not task.is_over else Exit.FAILED
    return Reply(
        "tasks",
        found.reports,
        items=lambda: [] if task is None else [task_json(task)],
        error=error,
        code=code,
        hints=() if task is None or error is not None else (f"{task.id}: {outcome_text(task, time.time())}",),
    )


def _failure(task: Task) -> CondafleetError | None:
    if task.state is TaskState.SUCCEEDED:
        return None
    remedy = f"condafleet tasks show {task.host}:{task.id}"
    return CondafleetError(f"{task.id} on {task.host}: {outcome_text(task, time.time())}", remedy)


async def _follow(fleet: Fleet, task: Task, offset: int, reader: _Reader) -> None:
    reader.offset = offset
    async with aclosing(fleet.api.tasks.follow(task.host, task.id, offset)) as parts:
        async for part in parts:
            reader.take(part.data, fleet.api.tasks.progress(task.host, task.id))


class _Reader:
    """Prints the parts of a log: as plain lines, or byte for byte where that is asked for, or as events."""

    def __init__(self, context: Context, task: Task) -> None:
        self._context = context
        self._task = task
        self._lines = context.args.json_lines
        self._silent = context.args.json
        self._text = None if self._lines or self._silent or context.args.raw else LogText()
        self._progress: Progress | None = None
        self.offset = 0

    def take(self, data: bytes, progress: Progress | None) -> None:
        """The next bytes."""
        if self._lines:
            text = redact(printable(decode(data)))
            self.tell("log", {"id": self._task.id, "offset": self.offset, "bytes": len(data), "text": text})
            if progress is not None and progress != self._progress:
                self.tell("progress", {"id": self._task.id, **progress_json(progress)})
                self._progress = progress
        elif self._text is not None:
            self._print(self._text.feed(data))
            self._context.diag.progress.show(self._text.current)
        elif not self._silent:
            self._context.out.raw(data)
        self.offset += len(data)

    def finish(self) -> None:
        """Nothing more comes."""
        if self._text is not None:
            self._print(self._text.finish())

    def tell(self, event: str, body: Object) -> None:
        """A line of ``--json-lines``."""
        if self._lines:
            head: Object = {"event": event, "time": time_json(time.time()), "host": self._task.host}
            self._context.out.json({**head, **body}, one_line=True)

    def _print(self, lines: list[str]) -> None:
        if lines:
            self._context.diag.progress.hide()
            self._context.out.text("\n".join(lines))
