"""Asking the person: one question at a time, and answers that are kept in memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tui.ports import Clock, HostKeyAnswer, HostKeyQuestion, Prompter, SecretQuestion

__all__ = ["Prompts", "Secrets"]

T = TypeVar("T")

_DECLINED_S = 10.0


class Secrets:
    """Passwords that worked, in memory, for reconnecting."""

    def __init__(self) -> None:
        self._passwords: dict[tuple[str, str, int], str] = {}

    def get(self, account: tuple[str, str, int]) -> str | None:
        """The password that last worked for (user, address, port)."""
        return self._passwords.get(account)

    def keep(self, account: tuple[str, str, int], password: str) -> None:
        """Remember *password* until the program ends."""
        self._passwords[account] = password

    def drop(self, account: tuple[str, str, int]) -> None:
        """It no longer works."""
        self._passwords.pop(account, None)

    def clear(self) -> None:
        """Forget all."""
        self._passwords.clear()


class Prompts:
    """The one door to the prompter."""

    def __init__(self, prompter: Prompter, clock: Clock) -> None:
        self._prompter = prompter
        self._clock = clock
        self._lock = asyncio.Lock()
        self._shared: dict[str, asyncio.Task[object]] = {}
        self._waiting: dict[str, int] = {}
        self._declined: dict[str, float] = {}

    async def secret(self, question: SecretQuestion) -> str | None:
        """Ask when nobody else is being asked."""
        async with self._lock:
            return await self._prompter.secret(question)

    async def host_key(
        self, question: HostKeyQuestion, known: Callable[[], HostKeyAnswer | None]
    ) -> HostKeyAnswer | None:
        """As :meth:`secret`; *known* gives the answer when the same key was decided on while waiting."""
        async with self._lock:
            return known() or await self._prompter.host_key(question)

    async def shared(self, subject: str, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """Do *ask* once for all who want the same at the same time (fifty hosts, one key file).

        A refusal (None) holds for ten seconds more, for those who come a moment later. When the last
        one waiting gives up, *ask* is cancelled.
        """
        declined = self._declined.get(subject)
        if declined is not None and self._clock.monotonic() - declined < _DECLINED_S:
            return None
        task = self._shared.get(subject)
        if task is None:

            async def run() -> object:
                return await ask()

            task = asyncio.get_running_loop().create_task(run())
            self._shared[subject] = task
        self._waiting[subject] = self._waiting.get(subject, 0) + 1
        try:
            answer = await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._waiting[subject] == 1 and not task.done():
                task.cancel()
            raise
        finally:
            self._waiting[subject] -= 1
            if self._waiting[subject] == 0:
                del self._waiting[subject]
                if self._shared.get(subject) is task:
                    del self._shared[subject]
        if answer is None:
            self._declined[subject] = self._clock.monotonic()
        else:
            self._declined.pop(subject, None)
        return answer  # type: ignore[return-value]  # each subject has one type of answer
