"""Export on the screen: a file of this machine that an environment can be made again from, and nothing lost for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.domain.envrecords import conda
from tests.ui.driving import front, quiet, running, until
from tests.ui.fake_fleet import usual_fleet
from tests.ui.test_changing import opened, ready, values
from tests.ui.test_views import text
from tui.domain.envrecord import EnvironmentRecord, PipRecord
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.ui.dialogs.export import ExportDialog
from tui.ui.dialogs.message import MessageDialog
from tui.ui.screens import change_verbs
from tui.ui.widgets.entry import Entry


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    async def read(_: object, host: str, prefix: str, name: str | None) -> EnvironmentRecord:
        if name == "nlp-eval":
            raise HostFaultError(Fault(FaultKind.LOST, "gpu01 was lost.", "Try again."))
        pip = (PipRecord("requests", "2.32.0"),)
        return EnvironmentRecord(host, prefix, name, conda=(conda("numpy", "2.0.2"),), pip=pip)

    monkeypatch.setattr(change_verbs, "read_export", read)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("typed", "name", "holds"),
    [
        ((), "llm-finetune.yml", "numpy=2.0.2"),
        (("ctrl+u", *"no-b", "tab"), "llm-finetune.yml", "numpy=2.0.2"),
        (("ctrl+u", *"exp", "tab"), "llm-finetune.txt", "numpy-2.0.2-h0_0.conda#"),
        (("ctrl+u", *"pip", "enter", *"reqs.txt"), "reqs.txt", "requests==2.32.0\n"),
    ],
)
async def test_each_form_is_written_by_keys_alone(here: Path, typed: tuple[str, ...], name: str, holds: str) -> None:
    async with running(usual_fleet(), (120, 40)) as (app, pilot):
        await pilot.press("2", "j")
        front(app).go_to(next((e.host, e.prefix) for e in app.fleet.store.environments() if e.name == "llm-finetune"))
        await opened(pilot, app, ExportDialog, "E", *typed)
        await until(pilot, lambda: f"Writes {name}" in text(app))
        assert ready(app)
        await pilot.press(*(("enter",) if "enter" in typed else ("enter", "enter")), "enter")
        await until(pilot, lambda: (here / name).exists())
        await quiet(pilot)
        assert holds in (here / name).read_text()
        # Beside what cannot be made again, where there is such.
        assert isinstance(app.screen, MessageDialog) is (name == "llm-finetune.txt")
        assert any("Written" in told for told in (text(app), *(note.message for note in app._notifications)))


async def test_what_stands_there_is_left_as_it_is(here: Path) -> None:
    (here / "there.yml").write_text("mine")
    async with running(usual_fleet(), (120, 40)) as (app, pilot):
        await pilot.press("2")
        await opened(pilot, app, ExportDialog, "E", "enter", *"there.yml", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        assert "is there already" in text(app) and (here / "there.yml").read_text() == "mine"


async def test_an_unknown_form_is_told_and_nothing_can_be_written(here: Path) -> None:
    async with running(usual_fleet(), (120, 40)) as (app, pilot):
        await pilot.press("2")
        await opened(pilot, app, ExportDialog, "E", *"x")
        assert values(app)["form"] == "fullx" and not ready(app)
        assert "One of: full, no-builds, from-history, explicit, pip" in " ".join(text(app).split())
        await pilot.press("escape")
        assert not names(here)


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x.yml", "a\\x00b"])
async def test_a_path_that_cannot_be_is_told(here: Path, path: str) -> None:
    async with running(usual_fleet(), (120, 40)) as (app, pilot):
        await pilot.press("2")
        await opened(pilot, app, ExportDialog, "E")
        app.screen.query_one("#file", Entry).value = path
        await until(pilot, lambda: "There is no such place on this machine." in text(app))
        assert not ready(app) and not names(here)


async def test_a_host_that_is_lost_leaves_no_file(here: Path) -> None:
    async with running(usual_fleet(), (120, 40)) as (app, pilot):
        await pilot.press("2")
        front(app).go_to(next((e.host, e.prefix) for e in app.fleet.store.environments() if e.name == "nlp-eval"))
        await opened(pilot, app, ExportDialog, "E", "enter", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        assert "gpu01 was lost." in text(app) and not names(here)
