"""From a wish to tasks on the screen: forms, the looks on the hosts, what is shown, what is started, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Button

from tests.ui.driving import focused, front, quiet, running, until
from tests.ui.fake_changes import FakeChanges
from tests.ui.fake_fleet import NOW, FakeFleet, fault, usual_fleet
from tests.ui.test_views import text
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, EnvRef
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.snapshot import Part
from tui.domain.tasks import TaskState
from tui.domain.trash import Aside, AsideState
from tui.remote.changes.trash import TrashSeen
from tui.ui.app import CondafleetApp
from tui.ui.attention import BELL, alarm
from tui.ui.dialogs.asides import AsidesDialog
from tui.ui.dialogs.change import ChangeDialog
from tui.ui.dialogs.clone import CloneDialog
from tui.ui.dialogs.create import CreateDialog
from tui.ui.dialogs.form import FormDialog
from tui.ui.dialogs.looking import LookingDialog
from tui.ui.dialogs.message import MessageDialog
from tui.ui.dialogs.packages import PackagesDialog
from tui.ui.dialogs.remove import RemoveDialog
from tui.ui.dialogs.rename import RenameDialog
from tui.ui.widgets.entry import Entry

LLM = ("gpu01", "/data/conda/envs/llm-finetune")
OLD = ("gpu02", "/data/conda/envs/cv-resnet50-exp1")
FORMS = (("C", CloneDialog), ("N", RenameDialog), ("I", PackagesDialog), ("delete", RemoveDialog))
IN_USE = Concern.of(ConcernKind.IN_USE, "2 processes use it.", ("4711 ada python train.py",))
GONE = HostFaultError(fault(FaultKind.LOST, "The connection to gpu02 is gone.", "Try again."))


def changeable(**settings: object) -> tuple[FakeFleet, FakeChanges]:
    made = usual_fleet()
    made.settings = replace(made.settings, **settings)  # type: ignore[arg-type]  # tests name fields of Settings
    made.change_desk = desk = FakeChanges(made.task_desk)
    return made, desk


async def at(pilot: Pilot[int], app: CondafleetApp, key: tuple[str, str] = LLM) -> None:
    """The Environments mode, with the cursor on *key*."""
    await pilot.press("2")
    await until(pilot, lambda: front(app).MODE == "environments")
    front(app).go_to(key)
    await until(pilot, lambda: front(app).row_key == key)


async def opened(pilot: Pilot[int], app: CondafleetApp, kind: type[object], *keys: str) -> None:
    """The dialog that the first of *keys* opens, and the others in it."""
    await pilot.press(keys[0])
    await until(pilot, lambda: isinstance(app.screen, kind))
    await quiet(pilot)
    await pilot.press(*keys[1:])


def values(app: CondafleetApp) -> Mapping[str, str]:
    assert isinstance(app.screen, FormDialog)
    return app.screen.values


def ready(app: CondafleetApp) -> bool:
    return not app.screen.query_one("#go", Button).disabled


async def yes(pilot: Pilot[int], app: CondafleetApp) -> None:
    """Through the look, and Yes by keys alone: from Cancel to the last button."""
    await until(pilot, lambda: isinstance(app.screen, ChangeDialog))
    await quiet(pilot)
    assert focused(app) == "cancel"
    await pilot.press("left")
    await until(pilot, lambda: focused(app) == "go")
    await pilot.press("enter")


async def test_an_environment_is_created_on_several_hosts_by_keys_alone() -> None:
    made, desk = changeable()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CreateDialog, "plus")
        assert values(app)["hosts"] == "gpu01"
        await pilot.press(*"new-env", "enter", *" gpu0", "tab")
        await until(pilot, lambda: values(app)["hosts"] == "gpu01 gpu02")
        await until(pilot, lambda: "2 hosts: gpu01, gpu02" in text(app))
        assert not ready(app), "nothing is to be in it yet"
        await pilot.press("enter", *"numpy=1.26 pyth", "tab")
        await until(pilot, lambda: values(app)["specs"] == "numpy=1.26 python")
        await pilot.press("enter", *"conda-f", "tab", "enter", "enter", "enter")
        await until(pilot, lambda: focused(app) == "go")
        await pilot.press("enter")
        await yes(pilot, app)
        await until(pilot, lambda: len(desk.started) == 2)
        assert [(each.host, each.prefix, each.install) for each in desk.started] == [
            (host, "/data/conda/envs/new-env", "/data/conda") for host in ("gpu01", "gpu02")
        ]
        assert {(each.kind, each.specs, each.channels) for each in desk.started} == {
            (ChangeKind.CREATE, ("numpy=1.26", "python"), ("conda-forge",))
        }
        await until(pilot, lambda: front(app) is app.screen)
        assert front(app).row_key == LLM, "the person stays where they were"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "llm-finetune"}, "is there already"),
        ({"name": "a b"}, "conda takes in no name"),
        ({"name": "base"}, "what an install itself is called"),
        ({"name": "x*"}, "is a pattern"),
        ({"name": "new", "hosts": "gpu01 nope"}, "No host and no group of the fleet: nope"),
        ({"name": "new", "hosts": "attic"}, "nothing is known of it now: attic"),
        ({"name": "new", "specs": "numpy>="}, "numpy>=:"),
        ({"name": "new", "specs": "numpy=>1"}, "does not mean what it looks like"),
        ({"name": "new", "specs": "'numpy"}, "A quote is not closed"),
        ({"name": "new", "specs": "--yes"}, "would not be read as what it is meant"),
        ({"name": "new", "specs": "numpy", "channels": "https://ada:pw@host/x"}, "needs a password"),
        ({"name": "new", "specs": "numpy", "file": "/nowhere/environment.yml"}, "no such file"),
        ({"name": "new", "specs": "numpy", "install": "/opt/none"}, "No install of these hosts: /opt/none"),
        ({"name": "\x1b]2;x\x07\u202e", "specs": "numpy"}, "\\x1b]2;x\\x07"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_while_it_is_typed_and_goes_no_further(typed: dict[str, str], said: str) -> None:
    made, desk = changeable()
    async with running(made, (120, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CreateDialog, "plus")
        for field, value in {"specs": "python", **typed}.items():
            entry = app.screen.query_one(f"#{field}", Entry)
            entry.clear()
            entry.insert_text_at_cursor(value)
        await until(pilot, lambda: said in " ".join(text(app).split()))
        await until(pilot, lambda: not ready(app))
        assert "\x1b" not in text(app)
        assert not desk.looked


async def test_a_host_with_several_installs_is_left_out_until_one_is_named() -> None:
    made, desk = changeable()
    known = made.store.host("gpu02").snapshot.installs
    assert known.value is not None
    other = replace(known.value[0], root="/opt/mamba", envs_dirs=("/opt/mamba/envs",))
    made.put("gpu02", installs=Part((*known.value, other), known.time))
    async with running(made, (120, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CreateDialog, "plus", *"new", "enter", *" gpu02", "enter", *"numpy")
        await until(pilot, lambda: "gpu02: has 2 installs that could make it; left out" in " ".join(text(app).split()))
        app.screen.query_one("#install", Entry).value = "/opt/mamba"
        await until(pilot, lambda: "left out" not in text(app) and ready(app))
        app.screen.set_focus(app.screen.query_one("#go"))
        await pilot.press("enter")
        await until(pilot, lambda: len(desk.looked) == 2)
        assert [each.prefix for each in desk.looked] == ["/data/conda/envs/new", "/opt/mamba/envs/new"]


async def test_enter_goes_round_while_something_is_missing_and_loses_nothing() -> None:
    made, desk = changeable()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CreateDialog, "plus", *"new", *["enter"] * 6)
        await until(pilot, lambda: focused(app) == "name")
        await pilot.press(*"er", "enter", "enter", *"numpy", *["enter"] * 4)
        await until(pilot, lambda: focused(app) == "go")
        assert values(app)["name"] == "newer"
        assert not desk.looked


async def test_a_team_s_naming_is_a_warning_and_keeps_nobody() -> None:
    made, _ = changeable(naming="[a-z]+-[0-9]+")
    async with running(made, (120, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CreateDialog, "plus", *"odd", "enter", "enter", *"numpy")
        await until(pilot, lambda: "does not follow the naming convention" in text(app))
        await until(pilot, lambda: ready(app))


async def test_a_file_says_what_is_to_be_in_it(tmp_path: Path) -> None:
    file = tmp_path / "environment.yml"
    file.write_text("name: x\nchannels: [bioconda]\ndependencies: [python=3.11, numpy, pip, {pip: [tqdm]}]\n")
    made, desk = changeable()
    async with running(made, (120, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CreateDialog, "plus", *"new")
        app.screen.query_one("#file", Entry).value = str(file)
        await until(pilot, lambda: "conda packages, 1 by pip" in text(app) and ready(app))
        file.write_text("dependencies: 5\n")
        app.screen.query_one("#name", Entry).value = "new2"
        await until(pilot, lambda: not ready(app))
        file.write_text("channels: [bioconda]\ndependencies: [python=3.11]\n")
        app.screen.query_one("#name", Entry).value = "new3"
        await until(pilot, lambda: ready(app))
        app.screen.set_focus(app.screen.query_one("#go"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, ChangeDialog))
        assert [(each.specs, each.channels) for each in desk.looked] == [(("python=3.11",), ("bioconda",))]


async def test_a_clone_goes_to_other_hosts_too() -> None:
    made, desk = changeable()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CloneDialog, "C", *"copy", "enter", "ctrl+u", *"@a100", *["enter"] * 4)
        await yes(pilot, app)
        await until(pilot, lambda: len(desk.started) == 3)
        assert {each.host for each in desk.started} == {"gpu01", "gpu02", "a100-box"}
        assert {each.source for each in desk.started} == {EnvRef(*LLM)}
        assert {each.kind for each in desk.started} == {ChangeKind.CLONE}


async def test_marked_rows_that_a_filter_hides_are_listed_as_victims() -> None:
    made, desk = changeable()
    async with running(made, (120, 40)) as (app, pilot):
        await at(pilot, app)
        front(app).marks.add([LLM, OLD])
        await pilot.press("slash", *"host:gpu01", "enter")
        await until(pilot, lambda: front(app).drawn_for == "host:gpu01")
        await opened(pilot, app, RemoveDialog, "delete")
        assert "hidden by the filter" in text(app)
        await pilot.press(*"7d", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChangeDialog))
        assert "1 of them hidden by the filter" in text(app)
        await yes(pilot, app)
        await until(pilot, lambda: len(desk.started) == 2)
        assert {(each.host, each.prefix, each.keep_s) for each in desk.started} == {(*LLM, 604800.0), (*OLD, 604800.0)}
        await until(pilot, lambda: not front(app).marks)


async def test_how_long_is_put_aside_comes_from_the_configuration_and_is_judged() -> None:
    made, desk = changeable(removal_keep=3600.0)
    async with running(made) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, RemoveDialog, "delete")
        assert values(app)["keep"] == "3600s"
        await pilot.press("ctrl+u", *"soon")
        await until(pilot, lambda: "Write a duration" in text(app) and not ready(app))
        await pilot.press("ctrl+u")
        await until(pilot, lambda: "Freed at once" in text(app) and ready(app))
        assert not desk.looked


async def test_a_used_one_goes_only_with_its_name_typed() -> None:
    made, desk = changeable()
    desk.concerns[LLM[1]] = (IN_USE,)
    async with running(made) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, RemoveDialog, "delete", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChangeDialog))
        await quiet(pilot)
        assert not ready(app)
        await pilot.press("shift+tab", *"llm-finetune", "tab", "tab", "tab", "enter")
        await until(pilot, lambda: len(desk.started) == 1)
        assert desk.started[0].accepted == {ConcernKind.IN_USE}


@pytest.mark.parametrize(
    ("key", "kind", "dialog"),
    [("plus", ChangeKind.CREATE, CreateDialog), ("C", ChangeKind.CLONE, CloneDialog),
     ("N", ChangeKind.RENAME, RenameDialog), ("I", ChangeKind.INSTALL, PackagesDialog),
     ("U", ChangeKind.UPDATE, PackagesDialog), ("ctrl+x", ChangeKind.UNINSTALL, PackagesDialog),
     ("delete", ChangeKind.REMOVE, RemoveDialog)],
)  # fmt: skip
async def test_esc_leaves_nothing_anywhere_on_the_way(
    key: str, kind: ChangeKind, dialog: type[FormDialog[object]]
) -> None:
    made, desk = changeable()
    typed = {"name": "newname", "specs": "numpy"}
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, dialog, key)
        await pilot.press("escape")
        await until(pilot, lambda: front(app) is app.screen)
        assert not desk.looked
        for stop in (LookingDialog, ChangeDialog):
            desk.gate = asyncio.Event()
            await opened(pilot, app, dialog, key)
            for field, value in typed.items():
                for entry in app.screen.query(f"#{field}").results(Entry):
                    entry.value = value
            await until(pilot, lambda: ready(app))
            app.screen.set_focus(app.screen.query_one("#go"))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, LookingDialog) and bool(desk.looked))
            assert focused(app) == "cancel"
            if stop is ChangeDialog:
                desk.gate.set()
                await until(pilot, lambda: isinstance(app.screen, ChangeDialog))
            await pilot.press("escape")
            await until(pilot, lambda: front(app) is app.screen)
        assert desk.looked[0].kind is kind
        assert desk.given_up == 1, "nobody waits on for what nobody wants"
        assert not desk.started


async def test_packages_are_looked_for_in_the_environments_that_they_leave() -> None:
    made, desk = changeable()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, PackagesDialog, "ctrl+x", *"scipy")
        await until(pilot, lambda: "Not in it: scipy" in text(app))
        await pilot.press("ctrl+u", *"pyto", "tab")
        await until(pilot, lambda: values(app)["specs"] == "pytorch" and ready(app))
        await pilot.press("enter", *"trans", "tab", "enter")
        await until(pilot, lambda: values(app)["pip"] == "transformers" and focused(app) == "go")
        await pilot.press("enter")
        await yes(pilot, app)
        await until(pilot, lambda: len(desk.started) == 1)
        assert (desk.started[0].specs, desk.started[0].pip) == (("pytorch",), ("transformers",))


async def test_an_update_of_nothing_named_is_one_of_all() -> None:
    made, desk = changeable()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, PackagesDialog, "U", "enter", "enter", "enter", "enter")
        await yes(pilot, app)
        await until(pilot, lambda: len(desk.started) == 1)
        assert desk.started[0].specs == ()


async def test_a_rename_is_beside_where_it_was_and_overwrites_nothing() -> None:
    made, desk = changeable()
    async with running(made) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, RenameDialog, "N")
        assert values(app)["name"] == "llm-finetune"
        assert not ready(app), "it is called so already"
        await pilot.press("ctrl+u", *"nlp-eval")
        await until(pilot, lambda: "is there already" in text(app) and not ready(app))
        await pilot.press("2", "enter", "enter")
        await until(pilot, lambda: bool(desk.looked))
        assert desk.looked[0].new_prefix == "/data/conda/envs/nlp-eval2"


async def test_hosts_that_cannot_be_looked_at_are_told_and_the_others_go_on() -> None:
    made, desk = changeable()
    desk.unlooked["gpu02"] = GONE
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        front(app).marks.add([LLM, OLD])
        await opened(pilot, app, RemoveDialog, "delete", "enter", "enter")
        await until(pilot, lambda: "The connection to gpu02 is gone." in text(app))
        assert isinstance(app.screen, LookingDialog)
        await until(pilot, lambda: "Go on with 1" in text(app))
        await pilot.press("right", "enter")
        await yes(pilot, app)
        await until(pilot, lambda: [each.host for each in desk.started] == ["gpu01"])


async def test_a_defect_of_a_look_is_told_and_leaves_no_dialog_behind() -> None:
    made, desk = changeable()
    desk.unlooked["gpu02"] = RuntimeError("odd \x1b[2J")
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        front(app).marks.add([LLM, OLD])
        await opened(pilot, app, RemoveDialog, "delete", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        assert "RuntimeError: odd \\x1b[2J" in text(app)
        await pilot.press("escape")
        await until(pilot, lambda: front(app) is app.screen)
        assert not desk.started


async def test_what_could_not_be_started_is_told_beside_what_was() -> None:
    made, desk = changeable()
    desk.unstarted["gpu02"] = GONE
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        front(app).marks.add([LLM, OLD])
        await opened(pilot, app, RemoveDialog, "delete", "enter", "enter")
        await yes(pilot, app)
        await until(pilot, lambda: isinstance(app.screen, MessageDialog))
        assert "1 of 2 was not started" in text(app)
        assert "The connection to gpu02 is gone." in " ".join(text(app).split())
        assert [each.host for each in desk.started] == ["gpu01"]
        await pilot.press("escape")
        await until(pilot, lambda: front(app) is app.screen)
        assert list(front(app).marks) == [OLD], "what was not started stays marked"


async def test_the_row_says_what_a_task_does_to_it() -> None:
    made, _ = changeable()
    async with running(made, (200, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, RemoveDialog, "delete", "enter", "enter")
        await yes(pilot, app)
        await until(pilot, lambda: "to be removed" in text(app))
        task = made.task_desk.get("gpu01", "20260921-150000-00000001")
        assert task is not None
        made.task_desk.put("gpu01", replace(task, state=TaskState.RUNNING, started=NOW))
        await until(pilot, lambda: "being removed" in text(app))
        made.task_desk.put("gpu01", replace(task, state=TaskState.SUCCEEDED, ended=NOW, exit_code=0))
        await until(pilot, lambda: "being removed" not in text(app))
        await until(pilot, lambda: "remove llm-finetune on gpu01: done" in " ".join(_notes(app)))


async def test_names_that_mean_harm_are_data_in_every_dialog() -> None:
    made, desk = changeable()
    async with running(made, (120, 40)) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: front(app).MODE == "environments" and bool(front(app).grid.rows))
        odd = [row.key for row in front(app).grid.rows if row.key[0] == "hostile"]  # type: ignore[index]  # a pair
        assert len(odd) > 10
        for key in odd:
            front(app).go_to(key)
            await until(pilot, lambda key=key: front(app).row_key == key)  # type: ignore[misc]  # mypy infers none
            for press, dialog in FORMS:
                await opened(pilot, app, dialog, press)
                assert "\x1b" not in text(app)
                assert "\u202e" not in text(app)
                await pilot.press("escape")
                await until(pilot, lambda: front(app) is app.screen)
        assert not desk.looked


async def test_with_readonly_no_verb_is_there() -> None:
    made, desk = changeable()
    desk.asides["gpu01"] = asides_seen()
    async with running(made, (100, 40), readonly=True) as (app, pilot):
        await at(pilot, app)
        for key in ("plus", "C", "N", "I", "U", "ctrl+x", "ctrl+e", "delete"):
            await pilot.press(key)
            await quiet(pilot)
            assert front(app) is app.screen, key
        await opened(pilot, app, AsidesDialog, "t")
        assert "brings it back" not in text(app)
        await pilot.press("enter")
        await quiet(pilot)
        assert isinstance(app.screen, AsidesDialog)
        assert not desk.looked


def asides_seen() -> TrashSeen:
    kept = Aside(
        "20260920-120000-0000000a", "gpu01", "/data/conda/.trash/a", AsideState.KEPT, True,
        "/data/conda/envs/old[b]\x1b[31m", NOW - 3600, NOW + 86400, "ada@laptop", 3 << 30,
    )  # fmt: skip
    left = Aside("20260920-120000-0000000b", "gpu01", "/data/conda/.trash/b", AsideState.LEFT, True)
    return TrashSeen((kept, left), NOW)


async def test_what_was_put_aside_comes_back_or_goes_for_good() -> None:
    made, desk = changeable()
    desk.asides["gpu01"] = asides_seen()
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, AsidesDialog, "t")
        assert "old[b]\\x1b[31m" in text(app)
        assert "kept for 1d more" in text(app)
        await pilot.press("enter")
        await yes(pilot, app)
        await until(pilot, lambda: len(desk.started) == 1)
        await opened(pilot, app, AsidesDialog, "t")
        await pilot.press("j", "delete")
        await yes(pilot, app)
        await until(pilot, lambda: len(desk.started) == 2)
        assert [(each.kind, each.aside_id) for each in desk.started] == [
            (ChangeKind.RESTORE, "20260920-120000-0000000a"), (ChangeKind.PURGE, "20260920-120000-0000000b"),
        ]  # fmt: skip


async def test_nothing_put_aside_and_hosts_that_do_not_tell_are_said() -> None:
    made, desk = changeable()
    desk.asides["gpu02"] = GONE
    async with running(made, (100, 40)) as (app, pilot):
        await at(pilot, app)
        front(app).marks.add([LLM, OLD])
        await opened(pilot, app, AsidesDialog, "t")
        assert "Nothing is put aside there." in text(app)
        assert "The connection to gpu02 is gone." in text(app)


@pytest.mark.parametrize(
    ("env", "sign"),
    [
        ({"TERM": "xterm-256color"}, BELL),
        ({"TERM_PROGRAM": "WezTerm", "TMUX": "/tmp/x"}, BELL),
        ({"TERM": "xterm-kitty"}, "\x1b]9;"),
        ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]9;"),
        ({"TERM": "foot-extra"}, "\x1b]777;notify;"),
        ({"VTE_VERSION": "7600"}, "\x1b]777;notify;"),
    ],
)
def test_each_terminal_is_told_in_its_way_and_obeys_no_name(env: dict[str, str], sign: str) -> None:
    told = alarm("a;b", "remove x\x1b\\\x07\x1b]0;pwned\u202e: done", env)
    assert told.startswith(sign)
    inner = told.removeprefix(sign).removesuffix("\x1b\\")
    assert not set(inner) & {"\x1b", "\x07", "\u202e"}


async def test_the_terminal_tells_of_an_end_only_when_wanted_and_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = changeable()
    told: list[str] = []
    async with running(made, (120, 40)) as (app, pilot):
        monkeypatch.setattr(app, "write_alarm", told.append)
        for number, (wanted, mode, calls) in enumerate(((False, "2", 0), (True, "2", 1), (True, "5", 1))):
            if app.attention.wanted is not wanted:
                await pilot.press("exclamation_mark")
            await pilot.press(mode)
            await quiet(pilot)
            task = await made.changes.start(await made.changes.prepare(_removal(number)))
            app.attention.expect([task])
            made.task_desk.put("gpu01", replace(task, state=TaskState.FAILED, ended=NOW, exit_code=1))
            await until(pilot, lambda: not app.attention._waited)
            await quiet(pilot)
            assert len(told) == calls, (wanted, mode)


def _removal(number: int) -> Change:
    return Change(ChangeKind.REMOVE, "gpu01", f"/data/conda/envs/x{number}", name=f"x{number}")


def _notes(app: CondafleetApp) -> list[str]:
    return [str(each.message) for each in app._notifications]
