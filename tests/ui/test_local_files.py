"""The file that a new environment is made from: its path is offered as it is typed, and nothing waits for it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.ui.driving import quiet, running, until
from tests.ui.fake_fleet import usual_fleet
from tests.ui.test_changing import at, changeable, opened, ready
from tests.ui.test_views import text
from tui.domain.offers import offer_paths
from tui.ui import localfiles
from tui.ui.dialogs.create import CreateDialog
from tui.ui.localfiles import LocalFiles
from tui.ui.widgets.entry import Entry

RECIPE = "dependencies:\n  - python=3.11\n  - numpy\n"


def test_files_that_fit_come_before_folders_and_hidden_ones_when_asked_for() -> None:
    there = [("envs", True), (".git", True), ("b.TXT", False), ("environment.yml", False), ("notes.md", False)]
    assert offer_paths("~/p/", there) == ["~/p/b.TXT", "~/p/environment.yml", "~/p/envs/"]
    assert offer_paths("e", there) == ["environment.yml", "envs/"]
    assert offer_paths(".", there) == [".git/"]
    assert offer_paths("E", there) == [], "names of files are not words: case counts"


def test_what_a_terminal_would_obey_is_offered_in_printed_form() -> None:
    there = [("a\x1b[2J.yml", False), ("\udcff.txt", False), ("b\\c.yml", False)]
    assert offer_paths("/", there) == ["/\\xff.txt", "/a\\x1b[2J.yml", "/b\\\\c.yml"]


async def test_a_path_is_offered_step_by_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "my project"
    project.mkdir()
    (project / "environment.yml").write_text(RECIPE)
    (project / "\udcff odd.txt").write_text("numpy\n")
    (tmp_path / "to project").symlink_to(project)
    (tmp_path / "nowhere.yml").symlink_to("gone")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(project)
    files = LocalFiles(lambda: None)
    steps = {
        "~": "~/",
        "~/m": "~/my project/",
        "~/my project": "~/my project/",
        "~/my project/": "~/my project/\\xff odd.txt",
        "~/my project/e": "~/my project/environment.yml",
        "~/to": "~/to project/",
        "~/to project/env": "~/to project/environment.yml",
        f"{project}/en": f"{project}/environment.yml",
        "env": "environment.yml",
        "../my project/env": "../my project/environment.yml",
        "..": "../",
        "/no such folder/x": None,
        "~nobody-of-this-name/x": None,
        "x\\x00": None,
    }
    assert {words: await files.complete(words) for words in steps} == steps
    await files.settle("~/my project/\\xff odd.txt")
    read = files.get("~/my project/\\xff odd.txt").recipe
    assert read is not None and read.specs == ("numpy",), "the form printed is the form read back"


async def test_what_hangs_is_given_up_and_not_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, release, asked = tmp_path / "dead", threading.Event(), []
    dead.mkdir()
    (tmp_path / "environment.yml").write_text(RECIPE)
    real = os.scandir

    def scandir(path: Path) -> object:
        if str(path).startswith(str(dead)):
            asked.append(str(path))
            release.wait(30)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(localfiles, "LIMIT_S", 0.05)
    files = LocalFiles(lambda: None)
    try:
        for words in ("e", "en", "x/y"):
            assert await files.complete(f"{dead}/{words}") is None
            assert "network drive" in files.get(f"{dead}/{words}").remarks[0].text
        assert len(asked) == 1
        await files.settle(str(tmp_path / "environment.yml"))
        assert files.get(str(tmp_path / "environment.yml")).recipe is not None, "elsewhere files are read"
    finally:
        release.set()


async def test_the_form_offers_takes_and_reads_a_file(tmp_path: Path) -> None:
    (tmp_path / "environment.yml").write_text(RECIPE)
    (tmp_path / "environment-gpu.yml").write_text("dependencies: [cupy]\n")
    async with running(usual_fleet(), (100, 40)) as (app, pilot):
        await pilot.press("2", "plus")
        await quiet(pilot)
        field = app.screen.query_one("#file", Entry)
        app.screen.set_focus(field)
        field.value = f"{tmp_path}/envi"
        field.cursor_position = len(field.value)
        await until(pilot, lambda: "environment-gpu.yml, environment.yml" in text(app))
        assert app.screen.query_one("#go").disabled
        await until(pilot, lambda: field._suggestion.endswith("environment-gpu.yml"))
        await pilot.press("tab")
        assert field.value == f"{tmp_path}/environment-gpu.yml"
        await until(pilot, lambda: "1 conda package" in text(app))


async def test_what_the_file_says_when_the_form_is_taken_counts(tmp_path: Path) -> None:
    path = tmp_path / "environment.yml"
    path.write_text("dependencies: [numpy]\n")
    made, desk = changeable()
    async with running(made, (120, 40)) as (app, pilot):
        await at(pilot, app)
        await opened(pilot, app, CreateDialog, "plus", *"new")
        app.screen.query_one("#file", Entry).value = str(path)
        await until(pilot, lambda: "1 conda package" in text(app) and ready(app))
        path.write_text("dependencies: [scipy]\n")
        app.screen.set_focus(app.screen.query_one("#go"))
        await pilot.press("enter")
        await until(pilot, lambda: bool(desk.looked))
        assert desk.looked[0].specs == ("scipy",)
