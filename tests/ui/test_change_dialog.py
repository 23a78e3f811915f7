"""Before something is changed: all that speaks for and against it, and no yes by accident."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from tests.ui.driving import focused, quiet, running, until
from tests.ui.fake_fleet import NOW, disk_size, usual_fleet
from tests.ui.test_pictures import SnapCompare, app, drawn, sizes
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared, Severity
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.change import Accepted, ChangeDialog
from tui.ui.present.cell import plain
from tui.ui.present.change_lines import command_text, lines
from tui.ui.present.lines import lay_out

IN_USE = Concern.of(ConcernKind.IN_USE, "2 processes use it.", ("4711 ada python train.py", "4712 bob \\x1b[31mx"))
PROTECTED = Concern.of(ConcernKind.PROTECTED, "It is protected by `*:prod-*`.")
DRIVER = Concern.of(ConcernKind.DRIVER, "The driver runs CUDA 12.2 at most.")
OFFLINE = Concern(ConcernKind.OFFLINE, "The host reaches no channel.", Severity.NOTE)


def removal(host: str, name: str, *concerns: Concern) -> Prepared:
    prefix = f"/data/conda/envs/{name}"
    change = Change(ChangeKind.REMOVE, host, prefix, name=name)
    argv = ("conda", "remove", "-y", "-p", prefix, "--all")
    return Prepared(change, argv, NOW, concerns, size=disk_size(1))


PYTHON = PlannedPackage("python", "3.11.9", "1", "conda-forge")
PLAN = PackagePlan(
    link=(PlannedPackage("numpy", "2.0.2", "h1", "conda-forge"), PYTHON),
    unlink=(PlannedPackage("python", "3.11.2", "0", "conda-forge"), PlannedPackage("mkl\x1b[b]", "1", "0", None)),
    download_shown="20.2 MB",
)  # fmt: skip
EMPTY = PackagePlan(message="All requested packages already installed.")
INSTALL = Prepared(
    Change(ChangeKind.INSTALL, "gpu01", "/data/conda/envs/it's", name="it's", specs=("numpy>=2",)),
    ("mamba", "install", "-p", "/data/conda/envs/it's", "numpy>=2"),
    NOW,
    (DRIVER, OFFLINE),
    packages=PLAN,
    needed_bytes=5 << 30,
    free_bytes=3 << 30,
)


async def asked(
    pilot: Pilot[int], app: CondafleetApp, prepared: Sequence[Prepared], hidden: Any = ()
) -> tuple[ChangeDialog, list[Accepted | None]]:
    answers: list[Accepted | None] = []
    dialog = ChangeDialog(prepared, hidden)
    app.push_screen(dialog, answers.append)
    await until(pilot, lambda: app.screen is dialog)
    await quiet(pilot)
    return dialog, answers


@pytest.mark.parametrize("named", [0, 1, 12])
@pytest.mark.parametrize("height", [24, 50])
async def test_what_does_not_fit_has_all_the_room_but_the_buttons(height: int, named: int) -> None:
    guarded = [removal("gpu02", f"used-{n}", IN_USE) for n in range(named)]
    many = (*(removal("gpu01", f"old-{n}") for n in range(40)), *guarded)
    async with running(usual_fleet(), (80, height)) as (app, pilot):
        dialog, _ = await asked(pilot, app, many)
        box, text, buttons = (dialog.query_one(f"#{name}") for name in ("box", "text", "buttons"))
        assert buttons.region.bottom == box.content_region.bottom <= height - 1
        assert text.max_scroll_y > 0 and text.size.height >= 6
        # A larger terminal, and a smaller one again.
        await pilot.resize_terminal(100, height + 20)
        await until(pilot, lambda: text.size.height >= 20)
        await pilot.resize_terminal(80, height)
        await until(pilot, lambda: buttons.region.bottom == box.content_region.bottom <= height - 1)


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_the_way_of_least_effort_changes_nothing(key: str) -> None:
    async with running(usual_fleet()) as (app, pilot):
        dialog, answers = await asked(pilot, app, [removal("gpu01", "old")])
        assert focused(app) == "cancel"
        assert dialog.wanted, "it could be started"
        await pilot.press(key)
        await until(pilot, lambda: answers == [None])


async def test_a_name_must_be_typed_and_enter_in_its_field_starts_nothing() -> None:
    async with running(usual_fleet()) as (app, pilot):
        prepared = removal("gpu01", "llm", IN_USE)
        dialog, answers = await asked(pilot, app, [prepared])
        go = dialog.query_one("#go", Button)
        assert go.disabled
        dialog.set_focus(dialog.query_one(Input))
        await pilot.press(*"ll")
        assert go.disabled
        await pilot.press("m", "enter")
        await until(pilot, lambda: not go.disabled)
        assert not answers
        dialog.set_focus(go)
        await pilot.press("enter")
        await until(pilot, lambda: answers == [((prepared, frozenset({ConcernKind.IN_USE})),)])


def told(prepared: Sequence[Prepared]) -> str:
    return "\n".join(plain(spans) for line in lines(prepared) for spans in lay_out(line, 100))


def test_several_show_each_command_and_the_same_packages_once() -> None:
    def on(host: str, plan: PackagePlan = PLAN, **fields: Any) -> Prepared:
        return replace(INSTALL, change=replace(INSTALL.change, host=host), packages=plan, concerns=(), **fields)

    other = replace(PLAN, link=PLAN.link[1:])
    cached = replace(PLAN, download_shown="0 B")
    text = told([on("gpu01"), on("gpu02", cached), on("gpu03", other, argv=("conda", "install")), on("gpu04", EMPTY)])
    for words in (
        "it's  on gpu01  +1 ~1 -1 packages (20.2 MB to download)",
        "it's  on gpu02  +1 ~1 -1 packages (0 B to download)",
        "it's  on gpu03  +0 ~1 -1 packages",
        "it's  on gpu04  All requested packages already installed.",
        "Runs        conda install",
        "Needs       about 5.0 GiB, 3.0 GiB free",
        "Packages  gpu01, gpu02\n",
        "Packages  gpu03\n",
    ):
        assert words in text, text
    assert text.count("numpy 2.0.2") == 1 and text.count("mamba install -p") == 3
    assert not text.startswith("\n") and "\n\n\n" not in text
    labels = told([on("gpu01"), replace(on("gpu01"), change=replace(INSTALL.change, name="b"))])
    assert "Packages  gpu01:it's, gpu01:b" in labels


async def test_of_several_those_refused_and_not_named_are_left_out() -> None:
    async with running(usual_fleet(), (100, 40)) as (app, pilot):
        free, used, never = (
            removal("gpu01", "a"),
            removal("gpu02", "b", IN_USE),
            removal("gpu02", "c", PROTECTED, IN_USE),
        )
        dialog, answers = await asked(pilot, app, [free, used, never], {("gpu02", "/data/conda/envs/b")})
        text = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "Remove 3 environments on 2 hosts" in text
        assert "1 of them hidden by the filter" in text
        assert "Remove 1 of 3" in text
        assert len(dialog.query(Input)) == 1, "what is refused asks for no name"
        dialog.query_one(Input).value = "b"
        await until(pilot, lambda: str(dialog.query_one("#go", Button).label) == "Remove 2 of 3")
        dialog.set_focus(dialog.query_one("#go"))
        await pilot.press("enter")
        await until(pilot, lambda: bool(answers))
        assert answers == [((free, frozenset()), (used, frozenset({ConcernKind.IN_USE})))]


async def test_what_is_refused_cannot_be_started() -> None:
    async with running(usual_fleet()) as (app, pilot):
        dialog, _ = await asked(pilot, app, [removal("gpu01", "prod", PROTECTED)])
        assert dialog.query_one("#go", Button).disabled
        assert not dialog.query(Input)


async def test_the_exact_command_is_copied() -> None:
    async with running(usual_fleet()) as (app, pilot):
        await asked(pilot, app, [INSTALL])
        await pilot.press("y")
        await until(pilot, lambda: bool(app.clipboard))
        assert app.clipboard == "mamba install -p '/data/conda/envs/it'\"'\"'s' 'numpy>=2'"
    assert command_text([replace(INSTALL, argv=())]) == ""


@sizes
def test_a_removal_of_several_looks_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    several = [removal("gpu01", "cv-old"), removal("gpu02", "llm [b]x", IN_USE), removal("gpu02", "prod", PROTECTED)]
    hidden = {("gpu02", "/data/conda/envs/llm [b]x")}
    assert snap_compare(app(), terminal_size=size, run_before=drawn("2", dialog=lambda: ChangeDialog(several, hidden)))


@sizes
def test_an_install_looks_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(app(), terminal_size=size, run_before=drawn("2", dialog=lambda: ChangeDialog([INSTALL])))
