"""``--json-lines``: what changes, as it changes, one object a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.cli.context import Context, Fleet
from tui.cli.jsonview import Object, host_json, time_json
from tui.cli.report import HostReport, judge
from tui.services.events import Event, HostChanged, SnapshotChanged

__all__ = ["Stream"]

_MOVING = ("snapshot_time", "age_s")


class Stream:
    """Prints a line for each change of a host, and for each arrival of its *parts* the *items* in them."""

    def __init__(
        self,
        context: Context,
        fleet: Fleet,
        parts: Sequence[str],
        plural: str = "",
        items: Callable[[HostReport], list[Object]] | None = None,
    ) -> None:
        self._context = context
        self._fleet = fleet
        self._parts = parts
        self._plural = plural
        self._items = items
        self._told: dict[tuple[str, str], Object] = {}

    def tell(self, event: Event) -> None:
        """Print what *event* changed, unless the same was printed before."""
        if not isinstance(event, HostChanged | SnapshotChanged):
            return
        report = judge(self._fleet.api.store.host(event.host), self._parts, self._fleet.since, interrupted=True)
        if isinstance(event, HostChanged):
            host = host_json(report, event.time)
            self._print("host", event, {key: value for key, value in host.items() if key not in _MOVING})
        elif self._items is not None and any(
            part in event.parts and report.fresh(part) is not None for part in self._parts
        ):
            self._print(self._plural, event, {self._plural: self._items(report)})

    def _print(self, name: str, event: HostChanged | SnapshotChanged, body: Object) -> None:
        if self._told.get((name, event.host)) == body:
            return
        self._told[name, event.host] = body
        line = {"event": name, "time": time_json(event.time), "host": event.host, **body}
        self._context.out.json(line, one_line=True)
