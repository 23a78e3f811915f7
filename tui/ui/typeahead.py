"""Keys that come faster than they are acted on keep their order and reach what they were meant for."""

from __future__ import annotations

from collections import deque
from typing import Any

from textual import events
from textual.app import App, ReturnType
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.timer import Timer

__all__ = ["TypeAhead"]

PATIENCE_S = 2.0
"""A key that was not done with for so long no longer holds back those behind it."""


class TypeAhead(App[ReturnType]):
    """An app that takes one key, or paste, at a time: the next goes to what has the keys once the last had its effect.

    Textual hands a key to what has the focus at that moment, but runs the action that it is bound to only after it
    has wandered up to the app. Over a slow line several keys arrive in one piece: those behind ``/`` would go to the
    table, and those behind Ctrl+U would be written before it clears.

    Keys also wait until a screen that was just opened can take them. Whether it wants them is its own affair: a
    dialog that is deaf drops them.
    """

    _held: deque[events.Key | events.Paste]
    _busy: bool = False
    _drawn_up: Screen[Any] | None = None
    """The screen that was in front, and able to take keys, last."""
    _turn: int = 0
    _patience: Timer | None = None

    async def on_event(self, event: events.Event) -> None:
        """Take *event* in; a key only when it is its turn."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
            return
        if not hasattr(self, "_held"):
            self._held = deque()
        self._held.append(event)
        if not self._busy:
            await self._next_keys()
        elif self._patience is None:
            self._patience = self.set_timer(PATIENCE_S, self._lose_patience)

    async def _next_keys(self) -> None:
        """Hand out what is held, up to what must be waited for."""
        while self._held and not self._busy:
            screen = self.screen
            if screen is not self._drawn_up:
                self._drawn_up = screen
                self._wait_for(screen)
                continue
            event = self._held.popleft()
            target = self.focused or screen
            await super().on_event(event)
            if event.is_forwarded:
                self._wait_for(target, event)

    def _wait_for(self, pump: MessagePump, event: events.Event | None = None) -> None:
        """Hold keys until *pump* has done what was asked of it before; then its parents, as *event* gets to them."""
        self._busy = True
        self._turn += 1
        self._follow(pump, event, self._turn)

    def _follow(self, pump: MessagePump | None, event: events.Event | None, turn: int) -> None:
        if pump is None or not pump.call_later(self._passed, pump, event, turn):  # it is gone, and the key with it
            self.call_later(self._done, turn)

    def _passed(self, pump: MessagePump, event: events.Event | None, turn: int) -> None:
        stays = event is None or pump is self or event._stop_propagation  # Textual has no other word for it
        self._follow(None if stays else pump._parent, event, turn)

    async def _done(self, turn: int) -> None:
        if turn == self._turn and self._busy:
            self._busy = False
            if self._patience is not None:
                self._patience.stop()
                self._patience = None
            await self._next_keys()
            if self._held:
                self._patience = self.set_timer(PATIENCE_S, self._lose_patience)

    async def _lose_patience(self) -> None:
        self._patience = None
        await self._done(self._turn)
