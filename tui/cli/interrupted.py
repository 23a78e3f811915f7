"""What becomes of a plan when the person ends the program that runs it. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Sequence

from tui.domain.planitems import Item, ItemKind
from tui.domain.tasks import Task
from tui.domain.text import printable

__all__ = ["interrupted"]


def interrupted(
    items: Sequence[Item], begun: Collection[Item], tasks: Sequence[Task]
) -> tuple[list[str], tuple[str, ...]]:
    """Each of *items* with what became of it, host by host, and the ids of the tasks that go on.

    *begun*: those that were sent on their way; *tasks*: those that a host said it has.
    """
    hosts = list(dict.fromkeys(item.host for item in items))
    lines = [
        f"  {item.host}: {item.kind.value} {printable(item.path)}: {_state(item, begun, tasks)}"
        for item in sorted(items, key=lambda each: hosts.index(each.host))
    ]
    return lines, tuple(task.id for task in tasks if not task.is_over)


def _state(item: Item, begun: Collection[Item], tasks: Sequence[Task]) -> str:
    task = next(_own(item, tasks), None)
    if task is not None:
        return f"{task.state.value.replace('_', ' ')} {'as' if task.is_over else 'and goes on as'} task {task.id}"
    if item in begun:
        return "it cannot be told whether its task began: see `condafleet tasks list`"
    return "not begun"


def _own(item: Item, tasks: Sequence[Task]) -> Iterator[Task]:
    """The task that works on it."""
    for task in tasks:
        if task.host != item.host:
            continue
        if item.kind is ItemKind.ENVIRONMENT:
            found = task.kind == "remove" and task.target == item.path
        elif item.kind is ItemKind.ASIDE:
            found = task.kind == "purge" and f"{item.host}:{posixpath.basename(item.path)}" in task.argv
        else:
            found = f"{item.kind.value}:{item.path}" in task.argv
        if found:
            yield task
