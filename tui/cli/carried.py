"""The carrying of packages, told while it goes on: a line of progress, and events."""

from __future__ import annotations

import time

from tui.cli.context import Context
from tui.cli.jsonview import time_json
from tui.cli.words import size
from tui.domain.carrying import Carried

__all__ = ["CarryingTold"]


class CarryingTold:
    """Hears of all the targets of one command."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._targets: dict[tuple[str, int], Carried] = {}

    def hear(self, number: int, carried: Carried) -> None:
        """How far it is for the change of that *number*: the line says it, and ``--json-lines`` for each package."""
        key = (carried.target, number)
        before = self._targets.get(key)
        self._targets[key] = carried
        progress = self._context.diag.progress
        if progress.due:
            progress.show(self.text)
        if self._context.args.json_lines and (before is None or before.packages != carried.packages):
            event = {
                "event": "carried",
                "time": time_json(time.time()),
                "host": carried.target,
                "source": carried.source,
                "packages": carried.packages,
                "of_packages": carried.of_packages,
                "bytes": carried.bytes,
                "of_bytes": carried.of_bytes,
            }
            self._context.out.json(event, one_line=True)

    @property
    def text(self) -> str:
        """How far all of it is."""
        parts = list(self._targets.values())
        done, total = sum(each.packages for each in parts), sum(each.of_packages for each in parts)
        passed, whole = sum(each.bytes for each in parts), sum(each.of_bytes for each in parts)
        return f"carrying packages: {done} of {total}, {size(passed)} of {size(whole)}"
