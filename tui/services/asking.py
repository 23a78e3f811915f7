"""Questions to the person: one at a time over the whole fleet, shown as the state of the host that asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from tui.ports import HostKeyAnswer, HostKeyQuestion, Prompter, SecretQuestion

__all__ = ["AskingPrompter", "watched_host"]

watched_host: ContextVar[str | None] = ContextVar("watched_host", default=None)
"""The host on whose behalf the running task works: a jump host's question is also the question of who goes through."""


class AskingPrompter:
    """Stands between the connector and the front end's prompter.

    Questions queue in the order in which hosts ask. A host that waits in the queue or for its answer
    is reported to the listener. Cancelling the asking task takes its question away, queued or open.
    """

    def __init__(self, inner: Prompter) -> None:
        self._inner = inner
        self._turn = asyncio.Lock()
        self._listener: Callable[[str, bool], None] | None = None

    def listen(self, listener: Callable[[str, bool], None]) -> None:
        """Call ``listener(host, True)`` when a host begins to wait for a person and ``(host, False)`` at its end."""
        self._listener = listener

    async def secret(self, question: SecretQuestion) -> str | None:
        """See :class:`tui.ports.Prompter`."""
        async with self._asking(question.host):
            return await self._inner.secret(question)

    async def host_key(self, question: HostKeyQuestion) -> HostKeyAnswer | None:
        """See :class:`tui.ports.Prompter`."""
        async with self._asking(question.host):
            return await self._inner.host_key(question)

    @asynccontextmanager
    async def _asking(self, host: str) -> AsyncIterator[None]:
        name = watched_host.get() or host
        self._tell(name, True)
        try:
            async with self._turn:
                yield
        finally:
            self._tell(name, False)

    def _tell(self, host: str, asking: bool) -> None:
        if self._listener is not None:
            self._listener(host, asking)
