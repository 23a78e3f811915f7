"""The history of tasks on the operator's machine: each once, whole or not there, whoever writes beside us."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.errors import StorageError
from tui.domain.faults import Fault, FaultKind
from tui.domain.taskhistory import TaskRecord, found, record_of
from tui.domain.tasks import TaskSpec, TaskState, began, ended, queued
from tui.storage.taskhistory import TaskHistory

ODD = "训练\n\x1b]0;x\x07\udcff'$(x)"
RECORD = TaskRecord(
    "20261121-101500-00000001", "gpu01", "create", "/opt/envs/x", ("conda", "create"), "ada@laptop",
    TaskState.SUCCEEDED, 100.0, 101.0, 102.0, 0,
)  # fmt: skip


def record(n: int, **fields: object) -> TaskRecord:
    return replace(RECORD, id=f"20261121-101500-{n:08x}", created=100.0 + n, **fields)  # type: ignore[arg-type]  # by name


def test_what_is_added_is_there_at_the_next_start(tmp_path: Path) -> None:
    records = (
        record(2, target=ODD, argv=(ODD, "-p"), refused=True, exit_code=3),
        record(1, ended=None, exit_code=None),
    )
    TaskHistory(tmp_path).add(records)
    assert TaskHistory(tmp_path).load() == records
    history = TaskHistory(tmp_path)
    for path in (history.file, history.file.parent):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3), st.sampled_from(list(TaskState)))
def test_any_text_comes_back(text: str, words: list[str], state: TaskState) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "state").mkdir(mode=0o700)
        whole = record(1, target=text, argv=tuple(words), state=state, fault_message=text)
        TaskHistory(Path(folder) / "state").add([whole])
        assert TaskHistory(Path(folder) / "state").load() == (whole,)


def test_each_is_remembered_once_and_as_it_was_first(tmp_path: Path) -> None:
    ours, theirs = TaskHistory(tmp_path), TaskHistory(tmp_path)
    theirs.add([record(1)])
    ours.add([record(1), record(2)])
    theirs.add([record(2), record(1, host="gpu02")])
    ours.add([record(2)])
    assert [(each.host, each.id[-1]) for each in ours.load()] == [("gpu01", "2"), ("gpu01", "1"), ("gpu02", "1")]
    assert len(ours.file.read_bytes().splitlines()) == 3


def test_what_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    history = TaskHistory(tmp_path)
    history.add([record(1)])
    with history.file.open("ab") as file:
        file.write(b'{"v":1,"id":"2026')
    TaskHistory(tmp_path).add([record(2)])
    assert [each.id[-1] for each in history.load()] == ["2", "1"]


ODDITIES: list[dict[str, object]] = [
    {"v": 2}, {"id": "x"}, {"argv": "x"}, {"argv": [1]}, {"state": "fine"}, {"created": "now"},
    {"created": float("nan")}, {"exit_code": "0"}, {"host": None}, {"started": []},
]  # fmt: skip
SOUND: dict[str, object] = {
    "v": 1, "id": RECORD.id, "host": "a", "kind": "b", "target": "c", "argv": [], "operator": "d", "state": "failed",
    "created": 1.0,
}  # fmt: skip


def test_a_line_may_hold_less_than_today(tmp_path: Path) -> None:
    history = TaskHistory(tmp_path)
    history.add([record(1)])
    history.file.write_text(json.dumps({**SOUND, "later": 1}) + "\n")
    assert [each.host for each in history.load()] == ["a"]


@pytest.mark.parametrize(
    "line",
    [b"null", b"[]", b"{}", b"\xff", b"[" * 5000, *(json.dumps({**SOUND, **odd}).encode() for odd in ODDITIES)],
)
def test_a_line_that_makes_no_sense_is_left_out(tmp_path: Path, line: bytes) -> None:
    history = TaskHistory(tmp_path)
    history.add([record(1)])
    with history.file.open("ab") as file:
        file.write(line + b"\n")
    assert TaskHistory(tmp_path).load() == (record(1),)


def test_it_stays_within_its_bounds_and_forgets_the_oldest(tmp_path: Path) -> None:
    history = TaskHistory(tmp_path, most_bytes=4000)
    for n in range(60):
        history.add([record(n)])
        assert history.file.stat().st_size <= 4000
    kept = [int(each.id[-8:], 16) for each in TaskHistory(tmp_path, most_bytes=4000).load()]
    assert kept == list(range(59, 59 - len(kept), -1)) and 12 <= len(kept) < 60
    assert len(list(history.file.parent.iterdir())) == 3


def test_many_clients_at_once_lose_nothing(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from dataclasses import replace
        from tests.storage.test_task_history import record
        from tui.storage.taskhistory import TaskHistory
        for n in range(40):
            TaskHistory(Path(sys.argv[1])).add([record(n), record(n, host=sys.argv[2])])
    """)
    root = Path(__file__).parents[2]
    clients = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path), f"host{n}"], cwd=root) for n in range(3)]
    assert [client.wait(120) for client in clients] == [0, 0, 0]
    history = TaskHistory(tmp_path)
    assert len(history.load()) == len(history.file.read_bytes().splitlines()) == 4 * 40


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "tasks").write_text("in the way")
    with pytest.raises(StorageError, match="tasks"):
        TaskHistory(tmp_path).add([record(1)])
    assert TaskHistory(tmp_path / "none").load() == ()


def test_nobody_elses_file_is_written_to(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("")
    state = tmp_path / "state"
    (state / "tasks").mkdir(parents=True, mode=0o700)
    state.chmod(0o700)
    (state / "tasks" / "history.jsonl").symlink_to(victim)
    with pytest.raises(StorageError):
        TaskHistory(state).add([record(1)])
    assert victim.read_text() == ""


def test_no_secret_is_remembered() -> None:
    spec = TaskSpec(
        RECORD.id, "create", "x --token hunter22", ("curl", "https://ada:hunter22@h/t/tk-hunter22/x"), "ada"
    )
    fault = Fault(FaultKind.LOST, "lost https://ada:hunter22@h/x", "")
    over = ended(began(queued(spec, "gpu01", 1.0), 2.0), 3.0, 1, fault=fault)
    assert "hunter22" not in str(record_of(over)) and record_of(over).state is TaskState.FAILED
    with pytest.raises(ValueError, match="running"):
        record_of(began(queued(spec, "gpu01", 1.0), 2.0))


def test_searching() -> None:
    records = [record(1), record(3, operator="bob@desk"), record(2, refused=True, fault_message="Disk FULL")]
    assert [each.id[-1] for each in found(records)] == ["3", "2", "1"]
    assert [each.id[-1] for each in found(records, ["BOB"])] == ["3"]
    assert [each.id[-1] for each in found(records, ["disk full", "refused"])] == ["2"]
    assert [each.id[-1] for each in found(records, since=102.0)] == ["3", "2"]
    assert found(records, ["nobody"]) == []
