"""Makes the pictures of the README: the screen over the demo fleet, as SVG, in two sizes.

``.venv/bin/python -m tests.screenshots [NAME…]`` writes them, or those named, to ``screenshots/``. The fleet is the
one of ``condafleet demo``. Its clock stands still once every host has answered, and ports, fingerprints and this
machine's name are written over, so that pictures differ from those before only where the screen does, and in process
ids and the last digit of played figures.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input

from tui import config, runtime
from tui.demo.fleet import DemoFleet
from tui.demo.layouts import default_fleet
from tui.demo.plan import Behaviour, HostKey, HostPlan
from tui.domain.changes import Change, ChangeKind
from tui.domain.hosts import HostState
from tui.domain.snapshot import PARTS
from tui.services.fleet import FleetApi
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.host_key import HostKeyDialog
from tui.ui.dialogs.plan import PlanDialog
from tui.ui.prompter import DialogPrompter
from tui.ui.screens.environments import EnvironmentsScreen
from tui.ui.screens.find import FindScreen

FOLDER = Path(__file__).resolve().parent.parent / "screenshots"
SIZES = {"": (120, 36), "-narrow": (80, 24)}
LIMIT_S = 60.0
AGE_S = 2.0
"""How old the data is in the pictures."""

Pressing = Callable[["Camera"], Awaitable[None]]


class StillClock(runtime.SystemClock):
    """Tells always the same time, without chance. Once stopped, nothing is due any more and no wait ends."""

    def __init__(self) -> None:
        self.at = time.time()
        self._stopped: float | None = None

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return super().monotonic() if self._stopped is None else self._stopped

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self._stopped is not None:
            await asyncio.Event().wait()

    def jitter(self) -> float:
        return 0.5

    def stop(self) -> None:
        """From now on it is always now."""
        self._stopped = self.monotonic()

    def go_on(self) -> None:
        """Waits that begin from now on end."""
        self._stopped = None


class Camera:
    """The app over a demo fleet, and the keys that are pressed on it."""

    def __init__(self, app: CondafleetApp, pilot: Pilot[int], fleet: FleetApi, clock: StillClock) -> None:
        self.app = app
        self.pilot = pilot
        self.fleet = fleet
        self.clock = clock

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait for a condition. Raises TimeoutError with *what*."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while not holds():
                    await self.pilot.pause(0.02)
        except TimeoutError:
            raise TimeoutError(f"waited {LIMIT_S:.0f} s in vain until {what}") from None

    async def press(self, *keys: str) -> None:
        """Press keys, and let the screen catch up."""
        await self.pilot.press(*keys)
        await self.quiet()

    async def type(self, words: str) -> None:
        """Type *words* as they stand."""
        await self.press(*words)

    async def quiet(self) -> None:
        """Until nothing is being drawn."""
        await self.pilot.pause()
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()

    async def environment(self, host: str, name: str) -> None:
        """Put the cursor of Environments on an environment."""
        key = next((env.host, env.prefix) for env in self.fleet.store.environments() if env.host == host
                   and env.name == name)  # fmt: skip
        screen = self.app.front()
        assert isinstance(screen, EnvironmentsScreen)
        screen.go_to(key)
        await self.quiet()

    async def start_over(self) -> None:
        """Back to how the app was opened: no dialog, no view, no filter, no mark."""
        while len(self.app.screen_stack) > 1:
            if isinstance(self.app.screen, PlanDialog):
                await self.pilot.press("escape")
            else:
                self.app.pop_screen()
            await self.quiet()
        for mode in "654321":
            await self.press(mode, "escape", "escape", "u", "g")
        await self.quiet()

    async def picture(self) -> str:
        """The screen as SVG."""
        self.app.clear_notifications()
        for field in self.app.screen.query(Input):
            field.cursor_blink = False
        if isinstance(self.app.screen, PlanDialog):  # work waits for its answer: it is never quiet
            await self.pilot.pause()
        else:
            await self.quiet()
        return self.app.export_screenshot(title="condafleet")


# The pictures


async def fleet(camera: Camera) -> None:
    await camera.press("g")


async def environments(camera: Camera) -> None:
    await camera.press("2", "slash")
    await camera.type("host:gpu* python:3.11")


async def environment(camera: Camera) -> None:
    await camera.press("2")
    await camera.environment("gpu01", "llm-train")
    await camera.press("enter")


async def packages(camera: Camera) -> None:
    await camera.press("2")
    await camera.environment("gpu01", "glm_finetune_gpu")
    await camera.press("p")


async def sessions(camera: Camera) -> None:
    await camera.press("4", "g")


async def hosts(camera: Camera) -> None:
    await camera.press("6", "G")


async def compare(camera: Camera) -> None:
    await camera.press("2")
    await camera.environment("gpu01", "llm-train")
    await camera.press("space")
    await camera.environment("gpu02", "llm-train")
    await camera.press("space", "c")


async def matrix(camera: Camera) -> None:
    await camera.press("2", "m")


async def find(camera: Camera) -> None:
    await camera.press("f")
    await camera.until(lambda: isinstance(camera.app.screen, FindScreen), "the search was there")
    await camera.type("pytorch<2.5")


async def counted(camera: Camera) -> None:
    """All hosts that answer, counted, and what is suggested of them marked."""
    await camera.press("3", "g")
    if not all(camera.app.disks.get(view) for view in camera.fleet.store.hosts() if view.state is HostState.UP):
        await camera.press("asterisk", "n")
    up = [view.name for view in camera.fleet.store.hosts() if view.state is HostState.UP]
    disks = camera.app.disks
    views = camera.fleet.store.host
    await camera.until(lambda: all(disks.get(views(name)) for name in up) and not disks.counting, "all was counted")
    await camera.press("u", "i", "g")


async def disk(camera: Camera) -> None:
    await counted(camera)


async def plan(camera: Camera) -> None:
    await counted(camera)
    await camera.pilot.press("delete")
    await camera.until(lambda: isinstance(camera.app.screen, PlanDialog), "the plan was ready")
    await camera.pilot.pause()


async def tasks(camera: Camera) -> None:
    """Some changes, done."""
    camera.clock.go_on()
    store, changes = camera.fleet.store, camera.fleet.changes
    root = {view.name: (view.snapshot.installs.value or ())[:1] for view in store.hosts()}
    wanted = [("gpu01", "cv-demo", ("numpy",)), ("cpu01", "cv-demo", ("numpy",)), ("lab", "nlp", ("pandas",))]
    started = []
    for host, name, specs in wanted:
        (install,) = root[host]
        change = Change(ChangeKind.CREATE, host, f"{install.root}/envs/{name}", install.root, name, specs=specs)
        started.append(await changes.start(await changes.prepare(change)))
    for task in started:
        await camera.fleet.tasks.settled(task.host, task.id)
    camera.clock.stop()
    await camera.press("5", "g")


async def keys(camera: Camera) -> None:
    await camera.press("2", "question_mark")


PICTURES: dict[str, Pressing] = {
    "fleet": fleet, "environments": environments, "environment": environment, "packages": packages,
    "sessions": sessions, "hosts": hosts, "compare": compare, "matrix": matrix, "find": find, "help": keys,
    "disk": disk, "plan": plan, "tasks": tasks,
}  # fmt: skip


async def host_key(camera: Camera) -> None:
    """It is there already."""


QUESTIONS: dict[str, Pressing] = {"host-key": host_key}


# Taking them


async def take(
    demo: DemoFleet, chosen: dict[str, Pressing], size: tuple[int, int], late: str, came: Callable[[Camera], bool]
) -> dict[str, str]:
    """The pictures of one size, with all hosts settled, and then *late* until *came*."""
    clock = StillClock()
    prompter = DialogPrompter()
    fleet = runtime.build(config.load(demo.config), prompter, clock=clock)
    app = CondafleetApp(fleet, prompter=prompter, now=lambda: clock.at + AGE_S, start=False)
    taken = {}
    try:
        async with app.run_test(size=size) as pilot:
            camera = Camera(app, pilot, fleet, clock)
            others = [view.name for view in fleet.store.hosts() if view.name != late]
            app.launch(lambda: fleet.start(others), "start the fleet")
            await camera.quiet()
            async with asyncio.timeout(LIMIT_S):
                await fleet.settled(others, PARTS)
            app.launch(lambda: fleet.start([late]), "start the last host")
            await camera.until(lambda: came(camera), f"{late} came")
            clock.stop()
            for name, pressing in chosen.items():
                await pressing(camera)
                taken[name] = await camera.picture()
                await camera.start_over()
    finally:
        clock.go_on()
        await fleet.close()
    return taken


TEXT = re.compile(r'(<text [^>]*?textLength=")([0-9.]+)("[^>]*>)([^<]+)(?=</text>)')
CELL = 12.2
"""How wide the picture makes one column of the terminal, in its own units."""


def widened(svg: str) -> str:
    """*svg* with wide characters two columns wide: Rich counts characters for the length of a text, not columns."""

    def piece(found: re.Match[str]) -> str:
        before, length, after, text = found.groups()
        cells = cell_len(html.unescape(text))
        return f"{before}{length if text.isascii() else f'{cells * CELL:g}'}{after}{text}"

    return TEXT.sub(piece, svg)


def still(svg: str, demo: DemoFleet) -> str:
    """*svg* without what differs each time, or is this machine's own; widths stay as they are."""
    for number, host in enumerate(demo.hosts):
        svg = svg.replace(str(host.port), str(40022 + 100 * number)[: len(str(host.port))])
    svg = re.sub(r"SHA256:[A-Za-z0-9+/]{43}", "SHA256:u6Ah0kDyFJvPz9uVmQvNoe3rQ0l2mIcX8sWb5tYgE7w", svg)
    own = socket.gethostname()  # tmux's title of panes that have none
    svg = re.sub(rf"(?<![\w-]){re.escape(own)}(?![\w-])", "&#160;" * len(own), svg)
    # The number in the ids of styles is a checksum of what was there before.
    return re.sub(r"\bterminal-\d+", "terminal", svg)


def shoot(
    plans: tuple[HostPlan, ...],
    pictures: dict[str, Pressing],
    wanted: set[str],
    came: Callable[[Camera], bool],
) -> None:
    """Take all *pictures* of a fleet that are wanted; its last host comes last."""
    chosen = {name: pressing for name, pressing in pictures.items() if not wanted or name in wanted}
    if not chosen:
        return
    for suffix, size in SIZES.items():
        with DemoFleet(plans, parent=Path("/tmp"), name="shots") as demo, environ(demo.environ):
            for name, svg in runtime.run(take(demo, chosen, size, plans[-1].name, came)).items():
                file = FOLDER / f"{name}{suffix}.svg"
                file.write_text(widened(still(svg, demo)), encoding="utf-8")
                print(f"{file.name}: {len(svg) // 1024} KiB")


def waits(camera: Camera) -> bool:
    """The host that never answers waits for its second try."""
    return any(view.state is HostState.WAITING for view in camera.fleet.store.hosts())


def asks(camera: Camera) -> bool:
    """A host key is asked about, and keys are taken."""
    return isinstance(camera.app.screen, HostKeyDialog) and camera.app.focused is not None


@contextmanager
def environ(changes: dict[str, str]) -> Iterator[None]:
    """These variables and UTC, no agent and no wish for a colourless screen, for a while."""
    before = dict(os.environ)
    os.environ.update({**changes, "TZ": "UTC"})
    for name in ("SSH_AUTH_SOCK", "NO_COLOR"):
        os.environ.pop(name, None)
    time.tzset()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        time.tzset()


def main(names: list[str]) -> int:
    """Take the pictures called *names*; without names all of them."""
    if unknown := set(names) - set(PICTURES) - set(QUESTIONS):
        print(f"No such picture: {', '.join(sorted(unknown))}; there are {', '.join([*PICTURES, *QUESTIONS])}")
        return 2
    FOLDER.mkdir(exist_ok=True)
    shoot(default_fleet(6), PICTURES, set(names), waits)
    stranger = HostPlan("newbox", "gpu02", behaviour=Behaviour(host_key=HostKey.UNKNOWN), groups=("gpu",))
    shoot((*default_fleet(2), stranger), QUESTIONS, set(names), asks)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
