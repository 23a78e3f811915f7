"""How a person left the screen: the mode, and for each mode its order, grouping and whether the detail is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Layout", "ViewLayout"]


@dataclass(frozen=True, slots=True)
class ViewLayout:
    """One mode. Names are the screen's own; whoever reads them drops what it does not know any more."""

    sort: str | None = None
    """The column sorted by; None: as the configuration orders the hosts."""
    falling: bool = False
    grouping: str | None = None
    detail: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """What is remembered from one start to the next. A filter is not: it would hide hosts from a forgetful person."""

    mode: str | None = None
    theme: str | None = None
    """Chosen in the screen; the configuration's theme comes before it."""
    views: Mapping[str, ViewLayout] = field(default_factory=dict)
    notify: bool = False
    """Whether the terminal tells when a task that was started here is over."""
