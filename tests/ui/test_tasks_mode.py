"""Mode Tasks: what runs on the hosts, what came of it, its log, and its end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.driving import focused, front, quiet, running, until
from tests.ui.fake_fleet import FakeFleet, fault, usual_fleet
from tests.ui.fake_tasks import NOW, task, usual_tasks
from tests.ui.test_pictures import SnapCompare, app, drawn, sizes
from tests.ui.test_views import text
from tui.domain.faults import FaultKind
from tui.domain.taskhistory import record_of
from tui.domain.tasks import TaskState
from tui.services.tasks import CancelAnswer
from tui.ui.app import CondafleetApp
from tui.ui.dialogs.confirm import ConfirmDialog
from tui.ui.present.cell import plain
from tui.ui.present.tasks import GROUPINGS, result_cell
from tui.ui.screens.task_history import TaskHistoryScreen
from tui.ui.screens.tasklog import TaskLogScreen


def busy() -> FakeFleet:
    made = usual_fleet()
    usual_tasks(made.task_desk)
    return made


def keys(app: CondafleetApp) -> list[object]:
    return [row.key for row in front(app).grid.rows]


async def test_tasks_of_all_hosts_are_listed_as_they_go_on() -> None:
    made = busy()
    one = task("gpu01", 0)
    async with running(made, (200, 50)) as (app, pilot):
        await pilot.press("5")
        await until(pilot, lambda: front(app).MODE == "tasks")
        await until(pilot, lambda: "downloading 31% 2.1MB/6.8MB numpy-2.0.2" in text(app))
        for words in ("● running", "◌ waiting for bob@desk", "host refused", "✓ done",
                      "failed, code 1", "lost", "ada@laptop", "8 tasks, 3 under way"):  # fmt: skip
            assert words in text(app), words
        front(app).go_to(("gpu01", task("gpu01", 1).id))
        await until(pilot, lambda: "clean of conda by bob@desk on gpu01" in " ".join(front(app).detail.text.split()))
        done = replace(one, state=TaskState.SUCCEEDED, ended=NOW, exit_code=0)
        made.task_desk.put("gpu01", done)
        await until(pilot, lambda: "● running" not in text(app).split("hostile")[0])
        assert ("gpu01", one.id) in keys(app)


async def test_the_filter_knows_tasks() -> None:
    async with running(busy(), (160, 40)) as (app, pilot):
        await pilot.press("5", "slash", *"is:live host:gpu*")
        await until(pilot, lambda: front(app).drawn_for == "is:live host:gpu*")
        await quiet(pilot)
        assert len(keys(app)) == 2
        front(app).filter_bar_set("is:refused")
        await until(pilot, lambda: len(keys(app)) == 1)
        front(app).filter_bar_set("took>1")
        await until(pilot, lambda: "took not known of" in text(app))


async def test_the_detail_follows_the_log_and_says_what_it_means() -> None:
    made = busy()
    async with running(made, (200, 50)) as (app, pilot):
        await pilot.press("5")
        front(app).go_to(("gpu01", task("gpu01", 0).id))
        await until(pilot, lambda: "Downloading and Extracting Packages:" in front(app).detail.text)
        shown = front(app).detail.text
        assert "/data/conda/bin/mamba install -y -p /data/conda/envs/llm-finetune 'numpy>=2'" in " ".join(shown.split())
        assert "31%" in shown
        made.task_desk.write(task("gpu01", 0).id, b"\x1b[1A\rnumpy-2.0.2  | 6.8 MB  | ########## | 100% \n")
        await until(pilot, lambda: "100%" in front(app).detail.text)
        assert "31% \n" not in front(app).detail.text, "the bar is drawn in place"
        front(app).go_to(("gpu02", task("gpu02", 3).id))
        await until(pilot, lambda: "What its log says" in front(app).detail.text)
        assert "nump" in front(app).detail.text
        front(app).go_to(("gpu01", task("gpu01", 4).id))
        await until(pilot, lambda: "Refused on the host" in front(app).detail.text)
        assert "in use" in front(app).detail.text
        assert "4711 ada python train.py" in front(app).detail.text


async def test_what_a_copy_was_held_against_is_told_in_a_sentence() -> None:
    said = (("compared", "41", "3"), ("carried", "1", "notes.txt"), ("freed", "/x", "4096"))
    made = busy()
    made.task_desk.put("gpu01", task("gpu01", 7, TaskState.SUCCEEDED, kind="clone", said=said))
    async with running(made, (200, 60)) as (app, pilot):
        await pilot.press("5")
        await until(pilot, lambda: front(app).MODE == "tasks")
        front(app).go_to(("gpu01", task("gpu01", 7).id))
        told = "Compared with the original, and the same: 41 packages of conda and 3 of pip."
        await until(pilot, lambda: told in " ".join(front(app).detail.text.split()))
        detail = " ".join(front(app).detail.text.split())
        assert "packages (1): notes.txt" in detail and "freed 4.0 KiB /x" in detail
        assert "compared 41" not in detail and "carried 1" not in detail


async def test_no_log_is_followed_that_nobody_looks_at() -> None:
    made = busy()
    async with running(made, (200, 50)) as (app, pilot):
        await pilot.press("5")
        key = ("gpu01", task("gpu01", 0).id)
        front(app).go_to(key)
        await until(pilot, lambda: app.task_logs.get(key) is not None)
        await pilot.press("1")
        await until(pilot, lambda: app.task_logs.get(key).follower is None)  # type: ignore[union-attr]  # it is there
        await pilot.press("5")
        await until(pilot, lambda: app.task_logs.get(key).follower is not None)  # type: ignore[union-attr]  # it is there
        assert made.task_desk.followed.count(key[1]) == 2


async def test_the_whole_log_is_shown_in_its_colours_and_followed_to_its_end() -> None:
    made = busy()
    one = task("gpu01", 0)
    async with running(made, (100, 30)) as (app, pilot):
        await pilot.press("5")
        front(app).go_to(("gpu01", one.id))
        await quiet(pilot)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, TaskLogScreen))
        await until(pilot, lambda: "Solving environment: done" in text(app))
        made.task_desk.write(one.id, b"line\r\n" * 200 + b"\x1b[31mthe end\x1b[0m\r\n")
        await until(pilot, lambda: "the end" in text(app))
        await pilot.press("g")
        await until(
            pilot, lambda: "G follows the end" in text(app) and "the end" not in text(app).replace("the end ", "")
        )
        made.task_desk.put("gpu01", replace(one, state=TaskState.SUCCEEDED, ended=NOW, exit_code=0))
        made.task_desk.write(one.id, b"more\r\n")
        await pilot.press("G")
        await until(pilot, lambda: "more" in text(app) and "all of it" in text(app) and "done" in text(app))
        await pilot.press("escape")
        await until(pilot, lambda: front(app) is app.screen)


async def test_a_log_that_cannot_be_read_says_why() -> None:
    made = busy()
    made.task_desk.fault = fault(FaultKind.GHOST, "gpu01 keeps no task of that name.")
    async with running(made, (160, 40)) as (app, pilot):
        await pilot.press("5")
        front(app).go_to(("gpu01", task("gpu01", 0).id))
        await until(pilot, lambda: "gpu01 keeps no task of that name." in front(app).detail.text)


async def test_the_end_of_tasks_is_asked_for_once_somebody_said_yes() -> None:
    made = busy()
    async with running(made, (140, 40)) as (app, pilot):
        await pilot.press("5", "asterisk", "slash", *"host:gpu01", "enter")
        await until(pilot, lambda: front(app).drawn_for == "host:gpu01")
        await pilot.press("ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Cancel 3 tasks?" in text(app)
        assert "hidden by the filter" in text(app)
        assert focused(app) == "cancel"
        await pilot.press("enter")
        await quiet(pilot)
        assert not made.task_desk.cancelled
        await pilot.press("ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(made.task_desk.cancelled) == 3)


async def test_an_end_that_cannot_be_brought_about_is_said() -> None:
    made = busy()
    made.task_desk.answer = CancelAnswer.UNKNOWN
    async with running(made, (140, 40)) as (app, pilot):
        await pilot.press("5")
        front(app).go_to(("gpu01", task("gpu01", 0).id))
        await quiet(pilot)
        await pilot.press("ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press("right", "enter")
        await until(pilot, lambda: any("nothing was signalled" in note.message for note in app._notifications))


async def test_tasks_that_are_over_are_cleared_away() -> None:
    made = busy()
    async with running(made, (140, 40)) as (app, pilot):
        await pilot.press("5", "asterisk", "ctrl+d")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
        assert "Clear away 5 tasks?" in text(app)
        await pilot.press("right", "enter")
        await until(pilot, lambda: len(made.task_desk.purged) == 2)
        await until(pilot, lambda: len(keys(app)) == 3)


async def test_nothing_is_cancelled_read_only() -> None:
    made = busy()
    async with running(made, (140, 40)) as (app, pilot):
        app.readonly = True
        await pilot.press("5", "ctrl+x", "ctrl+d")
        await quiet(pilot)
        assert not isinstance(app.screen, ConfirmDialog)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((TaskState.SUCCEEDED,) * 3, "3 done"),
        ((TaskState.SUCCEEDED, TaskState.SUCCEEDED, TaskState.FAILED), "2 done  host2: failed, code 1"),
    ],
)
def test_what_was_begun_together_is_told_in_one_line_with_the_odd_ones_named(
    states: tuple[TaskState, ...], said: str
) -> None:
    tasks = [task(f"host{number}", 0, state) for number, state in enumerate(states)]
    together = GROUPINGS[0]
    (key,) = {together.key(each) for each in tasks}
    assert plain(together.title(key, tasks)) == f"install llm-finetune  ada@laptop  {said}"


async def test_groups_tell_what_ended_alike() -> None:
    made = usual_fleet()
    for host in ("gpu01", "gpu02", "a100-box"):
        made.task_desk.put(host, task(host, 0, TaskState.FAILED if host == "gpu02" else TaskState.SUCCEEDED))
    async with running(made, (160, 40)) as (app, pilot):
        await pilot.press("5", "b")
        await until(pilot, lambda: "2 done  gpu02: failed, code 1" in text(app))
        await pilot.press("g")
        await until(pilot, lambda: "failed, code 1  on 1 host" in front(app).detail.text)
        assert "done  on 2 hosts" in front(app).detail.text


async def test_what_this_machine_remembers_is_a_view() -> None:
    made = busy()
    made.task_desk.records = (
        record_of(task("gpu02", 1, TaskState.SUCCEEDED)),
        record_of(task("gone", 3, TaskState.FAILED)),
    )
    async with running(made, (160, 40)) as (app, pilot):
        await pilot.press("5", "h")
        await until(pilot, lambda: isinstance(front(app), TaskHistoryScreen))
        await until(pilot, lambda: len(keys(app)) == 2)
        assert "failed, code 1" in text(app)
        await pilot.press("enter")
        await until(pilot, lambda: front(app).MODE == "tasks")
        assert front(app).row_key == ("gpu02", task("gpu02", 1).id)


async def test_a_fleet_without_tasks_says_so() -> None:
    made = usual_fleet()
    async with running(made, (100, 30)) as (app, pilot):
        await pilot.press("5")
        await until(pilot, lambda: "No host was asked for its tasks yet" in text(app))
        made.task_desk.put("gpu01")
        await until(pilot, lambda: "No tasks on the hosts" in text(app))
        await pilot.press("r")
        await pilot.press("R")
        await until(pilot, lambda: None in made.task_desk.refreshed)


@sizes
def test_tasks_look_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(app(busy()), terminal_size=size, run_before=drawn("5", "j"))


@sizes
def test_a_log_looks_as_accepted(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert snap_compare(app(busy()), terminal_size=size, run_before=drawn("5", "l"))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"said": (("freed", "/x", "2254857830"), ("freed", "/y", "nonsense"))}, "freed 2.1G"),
        ({"summary": "install llm-finetune"}, ""),
        ({"summary": "3 packages"}, "3 packages"),
        ({"fault": fault(FaultKind.LOST, "It was restarted.")}, "It was restarted."),
        ({"exit_code": 3, "said": (("concern", "in_use", "/x"), ("concern", "in_use"), ("concern",))}, "in use"),
    ],
)
def test_what_came_of_a_task_is_told_in_a_few_words(other: dict[str, object], words: str) -> None:
    assert plain(result_cell(task("gpu01", 0, TaskState.FAILED, **other))) == words


async def test_the_fleet_tells_which_hosts_are_being_changed() -> None:
    made = usual_fleet()
    async with running(made, (250, 45)) as (app, pilot):
        assert "Tasks" not in text(app).split("\n")[1], "no column for what is nowhere"
        usual_tasks(made.task_desk)
        await until(pilot, lambda: "Tasks" in text(app).split("\n")[1])
        front(app).go_to("gpu01")
        await until(pilot, lambda: "install llm-finetune  ● running" in front(app).detail.text)
        assert "refused" not in front(app).detail.text, "that is over"
