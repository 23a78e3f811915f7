"""Without a configuration the screen tells which hosts ssh_config knows, and how they are taken in."""

from __future__ import annotations

import pytest

from tests.ui.driving import front, quiet, running
from tests.ui.fake_fleet import FakeFleet
from tui.domain.hosts import LOCAL, HostSpec, HostState
from tui.domain.settings import Settings
from tui.ui.present.cell import plain, width
from tui.ui.present.hosts import empty_note, offer


@pytest.mark.parametrize(
    ("aliases", "words"),
    [
        ((), "Only this machine so far. Add servers with: condafleet hosts add NAME"),
        (("alpha",), "1 alias in ssh_config (alpha). Add it: condafleet hosts add alpha"),
        (("alpha", "beta"), "2 aliases in ssh_config (alpha, beta). Add one: condafleet hosts add NAME"),
        (
            tuple(f"gpu{number:02}" for number in range(40)),
            "40 aliases in ssh_config (gpu00, gpu01, …). Add one: condafleet hosts add NAME",
        ),
    ],
)
async def test_a_fleet_of_this_machine_alone_offers_the_aliases_of_ssh_config(
    aliases: tuple[str, ...], words: str
) -> None:
    fleet = FakeFleet([HostSpec(LOCAL)], Settings(offered=aliases))
    fleet.state(LOCAL, HostState.UP)
    async with running(fleet, (80, 24)) as (app, pilot):
        await quiet(pilot)
        said = plain(front(app).status())
        assert said == words
        assert width(front(app).status()) <= 80


def test_an_empty_fleet_offers_them_too() -> None:
    lines = [plain(each) for each in empty_note(Settings(offered=("alpha",))).lines]
    assert lines[0] == plain(offer(("alpha",)))
    assert "or run: condafleet hosts add NAME" in lines
