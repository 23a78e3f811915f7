"""Commands that speak of one environment: its host is asked, and the one that is meant is found among the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tui.cli.context import Context, Fleet
from tui.cli.report import HostReport
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError, NothingMatchedError, UsageError
from tui.domain.selectors import Selector, parse_selector, select_hosts, select_one_environment
from tui.services.events import Event

__all__ = ["PART", "One", "find_one", "one_selector"]

PART = "environments"
"""What is asked of its host."""


@dataclass(frozen=True, slots=True)
class One:
    """What came of looking for it: the environment, or why there is none."""

    reports: tuple[HostReport, ...]
    env: Environment | None = None
    error: CondafleetError | None = None
    """None beside no environment: a host that failed says all there is to say."""


def one_selector(text: str) -> Selector:
    """The selector *text*. Raises UsageError for one that means whole hosts."""
    selector = parse_selector(text)
    if selector.name is None and selector.prefix is None:
        raise UsageError(f"{text!r} means a whole host; one environment is needed.", "Write HOST:NAME.")
    return selector


async def find_one(
    context: Context, fleet: Fleet, selector: Selector, on_event: Callable[[Event], None] | None = None
) -> One:
    """The one environment that *selector* means, as its host shows it now."""
    specs = context.settings.hosts
    gathered = await fleet.gather(select_hosts([selector], specs), (PART,), on_event=on_event)
    if gathered.error is not None:
        return One(gathered.reports, None, gathered.error)
    try:
        return One(gathered.reports, select_one_environment(selector, _found(gathered.reports), specs))
    except NothingMatchedError as problem:
        # What a host that did not answer holds is unknown: its own fault says all there is to say.
        failed = any(report.failed for report in gathered.reports)
        return One(gathered.reports, None, None if failed else problem)
    except CondafleetError as problem:
        return One(gathered.reports, None, problem)


def _found(reports: tuple[HostReport, ...]) -> list[Environment]:
    found: list[Environment] = []
    for report in reports:
        fresh = report.fresh(PART)
        found += fresh if isinstance(fresh, tuple) else ()
    return found
