"""Reading what hosts say of tasks, however wrong or hostile it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.remote.answers import answer
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.tasks import TaskSpec, TaskState, is_task_id, shown_argv
from tui.domain.text import decode
from tui.remote.lane import Lane
from tui.remote.task_answers import TaskList, owner_line, spec_line
from tui.remote.task_log import read_log
from tui.remote.tasks import CancelAnswer, cancel_task, purge_tasks, start_task
from tui.remote.wire import records

ID = "20261121-101500-00000001"
SPEC = TaskSpec(ID, "create", "/opt/envs/x", ("conda", "create"), "ada@laptop", ("/opt/pkgs",), ("/opt",), "why")
ME = "machine_boot_1_4711_99_vm"
RAW = st.binary(max_size=30).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


def listed(*items: Sequence[str | bytes | int]) -> TaskList:
    """What is read of such an answer."""
    found = TaskList("gpu01")
    for record in records(answer(*items)):
        found.take(record)
    return found


def task(**words: str) -> Sequence[str | bytes | int]:
    """A ``=task`` record; what is not given is as for a task that was started just now."""
    names = ("size", "born", "outer", "pid", "started", "status", "cancel", "exit", "life")
    usual = {"size": "12", "born": f"100 {ME}", "outer": ME, "life": "here"}
    return ("task", ID, *({**dict.fromkeys(names, ""), **usual, **words}[name] for name in names))


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ({}, TaskState.QUEUED),
        ({"outer": ""}, TaskState.QUEUED),
        ({"pid": ME}, TaskState.QUEUED),
        ({"pid": ME, "started": "105"}, TaskState.RUNNING),
        ({"pid": ME, "started": "105", "life": "maybe"}, TaskState.RUNNING),
        # The wrapper's word is not the last while anybody of the task lives.
        ({"pid": ME, "started": "105", "status": "0 ended"}, TaskState.RUNNING),
        ({"pid": ME, "started": "105", "status": "0 ended", "life": "gone"}, TaskState.SUCCEEDED),
        ({"pid": ME, "started": "105", "status": "3 ended", "life": "boot"}, TaskState.FAILED),
        ({"pid": ME, "started": "105", "exit": "0 110 ended 0"}, TaskState.SUCCEEDED),
        ({"pid": ME, "started": "105", "exit": "7 110 ended 0"}, TaskState.FAILED),
        ({"pid": ME, "exit": "0 110 cancelled 0"}, TaskState.CANCELLED),
        ({"pid": ME, "exit": "1 110 refused 0"}, TaskState.FAILED),
        ({"pid": ME, "exit": "137 110 killed 0"}, TaskState.FAILED),
        ({"exit": "125 110 broken 0"}, TaskState.FAILED),
        ({"pid": ME, "started": "105", "life": "gone"}, TaskState.LOST),
        ({"pid": ME, "started": "105", "life": "boot"}, TaskState.LOST),
        ({"outer": "", "life": "gone"}, TaskState.LOST),
        # What makes no sense says nothing.
        ({"pid": ME, "started": "soon", "exit": "0", "status": "0 fine", "life": "what"}, TaskState.LOST),
    ],
)
def test_states_are_what_is_proved(words: dict[str, str], state: TaskState) -> None:
    (found,) = listed(("spec", spec_line(SPEC)), task(**words)).tasks
    assert found.state is state
    assert (found.fault is None) == (state is not TaskState.LOST and "refused" not in str(words) and (
        "killed" not in str(words) and "broken" not in str(words)
    ))  # fmt: skip
    assert (found.created, found.log_bytes) == (100.0, 12)
    assert found.started == (105.0 if words.get("started") == "105" else None)
    assert found.ended == (110.0 if words.get("exit", "0") != "0" else None)


def test_what_is_left_behind_is_said() -> None:
    (found,) = listed(("spec", spec_line(SPEC)), task(exit="137 110 cancelled 2")).tasks
    assert found.left_behind == 2 and found.fault is not None and "2 of its processes" in found.fault.message


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("full", FaultKind.TOO_LARGE),
        ("readonly", FaultKind.PERMISSION),
        ("denied", FaultKind.PERMISSION),
        ("lock", FaultKind.INCOMPLETE),
        ("\x1b[2J", FaultKind.INCOMPLETE),
    ],
)
def test_a_refusal_names_place_and_reason_without_obeying_them(words: str, kind: FaultKind) -> None:
    fault = ("fault", words, "/pk\x1b[31mgs", "mkdir: \x1b]0;x\x07 no\nway" + "y" * 10_000)
    (found,) = listed(("spec", spec_line(SPEC)), fault, task(exit="1 110 refused 0")).tasks
    assert found.fault is not None and found.fault.kind is kind
    assert "/pk\\x1b[31mgs" in found.fault.message and "no way" in found.fault.message
    assert found.fault.message.isprintable() and len(found.fault.message) < 1000


def test_a_record_belongs_to_the_task_that_follows_it_alone() -> None:
    other = TaskSpec("20261121-101500-00000002", "clean", "/x", (), "bob")
    found = listed(
        ("spec", spec_line(SPEC)),
        ("fault", "full", "/pkgs", "words"),
        ("waiting", "lock", "/pkgs", f"1000000001_{ME}", owner_line(other)),
        task(),
        # Its own spec is missing: another one's is not taken for it.
        task(),
        ("spec", spec_line(other)),
        task(),
        ("task", ID),
        ("nonsense", "x"),
        ("end",),
    )
    assert [each.id for each in found.tasks] == [ID] and found.complete
    assert found.tasks[0].state is TaskState.WAITING_LOCK


@given(
    st.builds(
        TaskSpec,
        st.just(ID),
        st.sampled_from(["create", "remove", "clean"]),
        RAW,
        st.lists(RAW, max_size=4).map(tuple),
        RAW,
        st.lists(RAW, max_size=2).map(tuple),
        st.lists(RAW, max_size=2).map(tuple),
        RAW,
    )
)
def test_any_words_come_back_as_they_were(spec: TaskSpec) -> None:
    line = spec_line(spec)
    assert line.isascii() and b"\n" not in line and b"\0" not in line
    (found,) = listed(("spec", line), task()).tasks
    assert (found.kind, found.target, found.operator, found.summary) == (
        spec.kind, spec.target, spec.operator, spec.summary,
    )  # fmt: skip
    assert found.argv == shown_argv(shown_argv(spec.argv))
    assert owner_line(spec).isascii() and b"\n" not in owner_line(spec)


WORDS = st.one_of(
    st.binary(max_size=40).map(lambda raw: raw.replace(b"\0", b"")),
    st.sampled_from([spec_line(SPEC), owner_line(SPEC), ID.encode(), b"0 1 ended 0", b"100 " + ME.encode(), b"here"]),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["now", "spec", "waiting", "fault", "task", "end"]), st.lists(WORDS, max_size=11)),
        max_size=8,
    )
)
def test_noise_is_no_error_and_makes_no_task(items: list[tuple[str, list[bytes]]]) -> None:
    more: list[Sequence[str | bytes | int]] = [(tag, *fields) for tag, fields in items]
    found = listed(("spec", spec_line(SPEC)), *more)
    for each in found.tasks:
        assert is_task_id(each.id)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"1e999999",
        b"{}",
        b"null",
        spec_line(SPEC).replace(b"create", b"CREATE it"),
        spec_line(SPEC).replace(b"ada@laptop", b"\\ud800"),
        spec_line(SPEC).replace(b'["conda","create"]', b'"conda"'),
        spec_line(SPEC).replace(b'["conda","create"]', b"[1]"),
        spec_line(SPEC).replace(ID.encode(), b"../../../../etc/passwd"),
        b"x" * 2_000_000,
    ],
)
def test_a_broken_spec_hides_only_itself(line: bytes) -> None:
    found = listed(("spec", line), task(), ("spec", spec_line(SPEC)), task())
    assert len(found.tasks) == 1


class OneAnswer:
    """A lane that gives one answer to everything."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    async def ask(self, script: bytes, args: Sequence[str | bytes], **more: object) -> bytes:
        return self.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"=log\0",
        b"=log\0" b"2\0" b"-1\0open\0",
        b"=log\0" b"2\0" + b"9" * 40 + b"\0open\0",
        b"=log\0" b"2\0" b"5\0shut\0",
        b"=log\0" b"2\0" b"5\0open\0" + b"x" * 11,
        b"=cancel\0" b"2\0what\0\0",
    ],
)  # fmt: skip
def test_an_answer_that_makes_no_sense_is_a_fault(body: bytes) -> None:
    lane = cast(Lane, OneAnswer(body))
    for question in (
        read_log(lane, "gpu01", ID, 0, limit=10),
        start_task(lane, "gpu01", SPEC),
        cancel_task(lane, "gpu01", ID, "ada"),
    ):
        with pytest.raises(HostFaultError) as raised:
            asyncio.run(question)
        assert raised.value.fault.kind is FaultKind.PROTOCOL


def test_only_ids_are_believed_to_be_cleared_away() -> None:
    lane = cast(Lane, OneAnswer(answer(("purged", ID), ("purged", "../x"), ("other", "y"))))
    assert asyncio.run(purge_tasks(lane, "gpu01", 0)) == (ID,)
    lane = cast(Lane, OneAnswer(answer(("cancel", "ended", ""))))
    assert asyncio.run(cancel_task(lane, "gpu01", ID, "ada")) is CancelAnswer.ENDED


SAYINGS = st.lists(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\0", b"")), min_size=1, max_size=4))


def said_file(sayings: list[list[bytes]]) -> bytes:
    """The file ``said`` of a task's folder."""
    return b"".join(b"=said\0%d\0" % len(words) + b"".join(word + b"\0" for word in words) for words in sayings)


@given(SAYINGS, st.integers(0, 40))
def test_what_a_program_said_comes_back_up_to_where_it_was_cut(sayings: list[list[bytes]], cut: int) -> None:
    whole = said_file(sayings)
    raw = whole[: len(whole) - cut] if cut < len(whole) else b""
    (found,) = listed(("spec", spec_line(SPEC)), ("said", raw.hex()), task()).tasks
    wanted = [tuple(decode(word) for word in words) for words in sayings]
    assert list(found.said) == wanted[: len(found.said)]
    assert cut or len(found.said) == len(wanted)


@pytest.mark.parametrize("words", [("said", "zz"), ("said",), ("said", "é"), ("said", b"no record\0".hex())])
def test_what_makes_no_sense_of_what_was_said_hides_nothing(words: Sequence[str]) -> None:
    (found,) = listed(("spec", spec_line(SPEC)), words, task()).tasks
    assert found.said == () and not found.is_refused


def test_refused_is_what_ended_with_three_for_a_concern() -> None:
    said = ("said", said_file([[b"concern", b"in_use", b"/opt/envs/x", b"4711"]]).hex())
    over = task(pid=ME, started="105", exit="3 110 ended 0")
    (refused,) = listed(("spec", spec_line(SPEC)), said, over).tasks
    assert refused.is_refused and refused.said == (("concern", "in_use", "/opt/envs/x", "4711"),)
    (failed,) = listed(("spec", spec_line(SPEC)), over).tasks
    (done,) = listed(("spec", spec_line(SPEC)), said, task(pid=ME, started="105", exit="0 110 ended 0")).tasks
    assert not failed.is_refused and not done.is_refused
