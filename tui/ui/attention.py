"""The ends of the tasks that were started here, told to a person who looks elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from tui.domain.tasks import Task, TaskState
from tui.domain.text import printable
from tui.ui.catalog import TASKS
from tui.ui.language import said, tr
from tui.ui.present.tasks import STATES, named
from tui.ui.tasklogs import TaskKey, find_task

if TYPE_CHECKING:
    from tui.ui.app import CondafleetApp

__all__ = ["BELL", "Attention", "alarm"]

log = logging.getLogger(__name__)

BELL = "\a"
LONGEST = 200
_OSC_9 = frozenset({"iTerm.app", "WezTerm", "ghostty"})


def alarm(title: str, text: str, env: Mapping[str, str]) -> str:
    """What makes the terminal of *env* tell its person something: a desktop notification, or else the bell.

    A multiplexer hands no notification through, but knows what to do with a bell. *title* and *text* are data: what
    a terminal would obey is written out, and each is cut.
    """
    title, text = (printable(each)[:LONGEST] for each in (title, text))
    if env.get("TMUX") or env.get("STY"):
        return BELL
    if env.get("TERM_PROGRAM") in _OSC_9 or env.get("TERM") in ("xterm-kitty", "xterm-ghostty"):
        return f"\x1b]9;{title}: {text}\x1b\\"
    if env.get("VTE_VERSION") or env.get("TERM", "").startswith(("foot", "rxvt-unicode")):
        return f"\x1b]777;notify;{title.replace(';', ',')};{text}\x1b\\"
    return BELL


class Attention:
    """Which tasks are waited for, and what is told of their ends."""

    def __init__(self, app: CondafleetApp, env: Mapping[str, str]) -> None:
        self._app = app
        self._env = env
        self._waited: dict[TaskKey, Task] = {}
        self.wanted = False
        """Whether the terminal tells, too."""

    def expect(self, tasks: Iterable[Task]) -> None:
        """Tell of the ends of *tasks*."""
        self._waited.update({(task.host, task.id): task for task in tasks})

    def look(self) -> None:
        """The fleet changed: tell what is over now."""
        over = []
        for key in list(self._waited):
            task = find_task(self._app.fleet, key)
            if task is not None and task.is_over:
                del self._waited[key]
                over.append(task)
        if over:
            self._tell(over)

    def _tell(self, over: list[Task]) -> None:
        app = self._app
        wrong = [task for task in over if task.state is not TaskState.SUCCEEDED]
        chosen = wrong or over
        one = chosen[0]
        text = tr("{things} {where}", things=named(one), where=tr("on {host}", host=one.host))
        text = tr("{task}: {state}", task=text, state=said(STATES[one.state][0]))
        if len(chosen) > 1:
            text = tr("(+{n}) {text}", text=text, n=len(chosen) - 1)
        front = app.front()
        looks = app.in_front.is_set() and app.app_focus
        if not (looks and front is not None and front.MODE == TASKS):
            if wrong:
                app.warn(tr("{text}; {key} tells why", text=text, key=app.key_of(TASKS)))
            else:
                app.tell(text, timeout=6)
        if self.wanted and not (looks and front is not None and front.MODE == TASKS):
            app.write_alarm(alarm(tr("condafleet"), text, self._env))
