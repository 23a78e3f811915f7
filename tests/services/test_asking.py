"""Questions to the person: in turn, shown on the host that asks, gone when the host no longer asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.fakes import ScriptedPrompter, eventually
from tests.services.fakes_services import FakeWorld, running
from tui.domain.hosts import HostState
from tui.domain.snapshot import PARTS
from tui.ports import HostKeyAnswer, HostKeyQuestion, SecretKind, SecretQuestion
from tui.services.asking import AskingPrompter


def asks(prompter: AskingPrompter, host: str) -> Callable[[], Awaitable[None]]:
    async def connect() -> None:
        await prompter.secret(SecretQuestion(host, SecretKind.PASSWORD, "Password:"))

    return connect


class Desk:
    """A person who answers when told to."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.asked: list[str] = []
        self.answer = asyncio.Event()

    async def secret(self, question: SecretQuestion) -> str | None:
        self.open.append(question.host)
        self.asked.append(question.host)
        try:
            await self.answer.wait()
            self.answer.clear()
            return "secret"
        finally:
            self.open.remove(question.host)

    async def host_key(self, question: HostKeyQuestion) -> HostKeyAnswer | None:
        return None


async def test_hosts_ask_one_at_a_time_and_show_that_they_do() -> None:
    world = FakeWorld(["a", "b", "fine"])
    desk = Desk()
    prompter = AskingPrompter(desk)
    for name in ("a", "b"):
        world[name].connects = [asks(prompter, name)]
    async with running(world, asking=prompter) as service:
        await service.settled(["fine"], PARTS)
        await eventually(lambda: desk.open == ["a"])
        assert service.store.host("a").state is HostState.ASKING
        desk.answer.set()
        await eventually(lambda: desk.open == ["b"])
        assert service.store.host("b").state is HostState.ASKING
        await service.settled(["a"], PARTS)
        assert service.store.host("a").state is HostState.UP
        desk.answer.set()
        await service.settled(["b"], PARTS)
        assert desk.asked == ["a", "b"]


async def test_a_jump_hosts_question_is_shown_on_the_host_behind_it() -> None:
    world = FakeWorld(["a"])
    desk = Desk()
    prompter = AskingPrompter(desk)
    world["a"].connects = [asks(prompter, "bastion")]
    async with running(world, asking=prompter) as service:
        await eventually(lambda: desk.open == ["bastion"])
        assert service.store.host("a").state is HostState.ASKING


async def test_closing_takes_open_and_queued_questions_away() -> None:
    world = FakeWorld(["a", "b"])
    desk = Desk()
    prompter = AskingPrompter(desk)
    for name in ("a", "b"):
        world[name].connects = [asks(prompter, name)]
    service = world.service(asking=prompter)
    await service.start()
    await eventually(lambda: desk.open == ["a"])
    await service.close()
    await eventually(lambda: desk.open == [])
    assert desk.asked == ["a"]


async def test_a_cancelled_question_lets_the_next_one_in() -> None:
    prompter = AskingPrompter(desk := Desk())
    told: list[tuple[str, bool]] = []
    prompter.listen(lambda host, begins: told.append((host, begins)))
    first = asyncio.create_task(prompter.secret(SecretQuestion("a", SecretKind.PASSWORD, "?")))
    second = asyncio.create_task(prompter.secret(SecretQuestion("b", SecretKind.PASSWORD, "?")))
    await eventually(lambda: desk.open == ["a"])
    first.cancel()
    await eventually(lambda: desk.open == ["b"])
    desk.answer.set()
    assert await second == "secret"
    assert told == [("a", True), ("b", True), ("a", False), ("b", False)]


async def test_host_keys_are_asked_in_the_same_queue() -> None:
    scripted = ScriptedPrompter(secrets=["x"], host_keys=[HostKeyAnswer.ONCE])
    prompter = AskingPrompter(scripted)
    key = HostKeyQuestion("a", "192.0.2.1", 22, "ssh-ed25519", "SHA256:x", "/k")
    decision, answer = await asyncio.gather(
        prompter.host_key(key), prompter.secret(SecretQuestion("b", SecretKind.PASSWORD, "?"))
    )
    assert (decision, answer) == (HostKeyAnswer.ONCE, "x")
    assert scripted.most_open == 1
