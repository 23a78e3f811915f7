from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.faults import Fault, FaultKind
from tui.domain.redact import PLACEHOLDER
from tui.domain.tasks import (
    ENDED,
    Holder,
    Task,
    TaskSpec,
    TaskState,
    age_s,
    began,
    duration_s,
    ended,
    is_task_id,
    lost,
    may_become,
    new_task_id,
    queued,
    seen_again,
    shown_argv,
    waits,
)

SPEC = TaskSpec("20261121-101500-00000001", "create", "/opt/envs/x", ("conda", "create"), "ada@laptop", ("/opt/pkgs",))
FAULT = Fault(FaultKind.LOST, "gone", "")
NEW = queued(SPEC, "gpu01", 100.0)
STEPS = {
    "waits": lambda task: waits(task, Holder("task", operator="bob")),
    "began": lambda task: began(task, 110.0),
    "succeeded": lambda task: ended(task, 120.0, 0),
    "failed": lambda task: ended(task, 120.0, 7),
    "faulty": lambda task: ended(task, 120.0, 0, fault=FAULT),
    "cancelled": lambda task: ended(task, 120.0, 0, cancelled=True),
    "lost": lambda task: lost(task, FAULT),
}


def test_a_task_goes_its_way() -> None:
    waiting = waits(NEW, Holder("task", operator="bob"))
    running = began(waiting, 110.0)
    done = ended(running, 130.0, 0)
    assert [task.state.value for task in (NEW, waiting, running, done)] == [
        "queued", "waiting_lock", "running", "succeeded",
    ]  # fmt: skip
    assert waiting.waits_for == Holder("task", operator="bob") and running.waits_for is None
    assert (done.created, done.started, done.ended, done.exit_code) == (100.0, 110.0, 130.0, 0)
    assert (done.host, done.kind, done.target, done.operator) == ("gpu01", "create", "/opt/envs/x", "ada@laptop")


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=6))
def test_no_step_leads_back_or_out_of_an_end(names: list[str]) -> None:
    task: Task = NEW
    order = [TaskState.QUEUED, TaskState.WAITING_LOCK, TaskState.RUNNING]
    for name in names:
        before = task
        try:
            task = STEPS[name](task)
        except ValueError:
            assert before.is_over
            continue
        assert may_become(before.state, task.state)
        if before.state in ENDED:
            assert task.state is before.state
        elif not task.is_over:
            # What waits for somebody who came before its first change runs once more.
            assert name == "waits" or order.index(task.state) >= order.index(before.state)
        assert seen_again(before, task) == task
        if task.state is not before.state and (task.is_over or before.state is TaskState.QUEUED):
            assert seen_again(task, before) == task


@pytest.mark.parametrize(
    ("code", "cancelled", "fault", "state"),
    [
        (0, False, None, TaskState.SUCCEEDED),
        (1, False, None, TaskState.FAILED),
        (None, False, None, TaskState.FAILED),
        (0, False, FAULT, TaskState.FAILED),
        # micromamba says 0 after an interrupt, too.
        (0, True, None, TaskState.CANCELLED),
        (130, True, FAULT, TaskState.CANCELLED),
    ],
)
def test_only_a_zero_without_a_fault_is_a_success(
    code: int | None, cancelled: bool, fault: Fault | None, state: TaskState
) -> None:
    assert ended(began(NEW, 101.0), 102.0, code, cancelled=cancelled, fault=fault).state is state


def test_a_look_at_another_task_replaces_nothing() -> None:
    other = queued(SPEC, "gpu02", 100.0)
    done = ended(NEW, 120.0, 0)
    assert seen_again(None, NEW) is NEW
    assert seen_again(done, other) is other
    assert seen_again(done, lost(NEW, FAULT)) is done


def test_ages_and_durations_are_never_negative_nor_made_up() -> None:
    assert (age_s(NEW, 160.0), age_s(NEW, 40.0)) == (60.0, 0.0)
    running = began(NEW, 110.0)
    assert duration_s(NEW, 160.0) is None
    assert (duration_s(running, 160.0), duration_s(running, 100.0)) == (50.0, 0.0)
    assert duration_s(ended(running, 115.0, 0), 900.0) == 5.0
    assert duration_s(ended(running, None, 0), 900.0) is None
    assert duration_s(lost(running, FAULT), 900.0) is None


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.binary(min_size=4, max_size=4))
def test_ids_sort_by_time_and_are_safe_names(one: float, two: float, noise: bytes) -> None:
    first, second = sorted((new_task_id(one, noise), new_task_id(two, noise)))
    assert is_task_id(first) and is_task_id(second)
    if abs(one - two) >= 1:
        assert (new_task_id(one, noise) == first) == (one < two)


@pytest.mark.parametrize("text", ["", "..", "20261121-101500-0000000", "20261121-101500-0000000G", "x/20261121"])
def test_other_texts_are_no_ids(text: str) -> None:
    assert not is_task_id(text)
    assert not is_task_id("20261121-101500-00000001\n")


def test_nothing_secret_is_written_down() -> None:
    argv = ("conda", "-c", "https://u:pw@h/t/tk-1234/main", "--token", "abc", "--password=x", "--verbose", "numpy")
    assert shown_argv(argv) == (
        "conda", "-c", f"https://{PLACEHOLDER}@h/t/{PLACEHOLDER}/main", "--token", PLACEHOLDER,
        f"--password={PLACEHOLDER}", "--verbose", "numpy",
    )  # fmt: skip
    assert queued(TaskSpec("x", "create", "y", argv, "z"), "h", 0.0).argv == shown_argv(argv)
