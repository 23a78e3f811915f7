"""tmux sessions, windows and panes. Strings are raw; times are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pane", "Session", "Window"]


@dataclass(frozen=True, slots=True)
class Pane:
    """One pane and the process that it was started with."""

    id: str
    """``%7``"""
    pid: int | None
    command: str | None = None
    title: str | None = None
    dead: bool = False
    exit_status: int | None = None
    ended: float | None = None
    """When it died, where that tmux says so (3.3 and newer)."""
    cwd: str | None = None
    prefix: str | None = None
    """The environment that its processes use, when known."""
    active: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a session."""

    id: str
    """``@5``"""
    index: int
    name: str | None
    active: bool
    panes: tuple[Pane, ...] = ()
    activity: float | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One session on one socket of one user; commands address it by ``id``, never by name."""

    host: str
    kind: str
    """``tmux``"""
    socket: str
    id: str
    """``$3``"""
    name: str
    created: float | None = None
    activity: float | None = None
    """When its clients last typed or one of its windows last wrote."""
    attached: int | None = None
    """How many clients look at it."""
    windows: tuple[Window, ...] = ()
    tmux: str | None = None
    """The program that reaches it, when it is not ``tmux`` on PATH."""
    version: str | None = None
    """The tmux server's version, e.g. ``3.3a``."""
