"""What a session runs, in the words of its table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.ui.fake_fleet import FakeFleet, session
from tui.domain.gpus import Gpu, GpuProcess
from tui.domain.hosts import HostSpec, HostState
from tui.domain.sessions import Session
from tui.domain.snapshot import Part
from tui.ui.present.cell import plain
from tui.ui.present.runs import Processes, known_processes, script_of
from tui.ui.present.sessions import rows, runs_cell

HERE = session("gpu01", "train")
PID = HERE.windows[0].panes[0].pid


@pytest.mark.parametrize(
    ("line", "script"),
    [
        ("python train.py --lr 1e-4", "train.py"),
        ("/opt/conda/bin/python3.11 -u /home/ada/run/train.py x", "train.py"),
        ("python -m torch.distributed.run --nproc 8 train.py", "-m torch.distributed.run"), ("python -m", "-m"),
        ("python -W ignore -X dev -OO a.py", "a.py"), ("python -c import time", "python -c"),
        ("python -uc import time", "python -c"), ("python", "python"), ("python -", "python"), ("python -u", "python"),
        ("python /opt/conda/bin/torchrun --nproc 8 train.py", "torchrun"), ("bash -e run.sh", "run.sh"),
        ("bash -c sleep 1", "bash -c"), ("-zsh", "-zsh"), ("nvtop", "nvtop"), ("/usr/bin/htop -d 5", "htop"),
        ("", ""), ("  ", "  "), ("python --version", "python"), ("ipython nb.py", "nb.py"), ("bash -m x", "x"),
    ],
)  # fmt: skip
def test_a_command_line_is_about_its_script(line: str, script: str) -> None:
    assert script_of(line) == script


def said(known: Processes, of: Session = HERE) -> str:
    return plain(runs_cell(of, known))


def test_the_process_that_a_pane_was_started_with_tells_its_script() -> None:
    assert said(Processes()) == "python"
    assert said(Processes({PID or 0: "/opt/conda/bin/python train.py"})) == "train.py"
    assert said(Processes({PID or 0: "-bash"})) == "python", "the shell is no longer in front"


def test_a_process_on_a_gpu_tells_the_script_where_only_one_pane_can_be_it() -> None:
    one = Processes({}, {HERE.id: ["python -m torch.distributed.run a.py", "python -m torch.distributed.run a.py"]})
    assert said(one) == "-m torch.distributed.run"
    assert said(Processes({}, {"$9": ["python a.py"]})) == "python", "of another session"
    assert said(Processes({}, {HERE.id: ["python a.py", "python b.py"]})) == "python"
    window = HERE.windows[0]
    two = replace(HERE, windows=(window, replace(window, id="@2", index=1)))
    assert said(one, two) == "python", "which of the two panes is it?"


def test_what_was_kept_from_an_earlier_start_tells_nothing() -> None:
    fleet = FakeFleet([HostSpec("gpu01")])
    fleet.state("gpu01", HostState.UP)
    gpu = Gpu("gpu01", 0, "u", "A100", processes=(GpuProcess(PID, command="python train.py", session=HERE.id),))
    parts: dict[str, Part[object]] = {"gpus": Part((gpu,), 1.0), "sessions": Part((HERE,), 1.0)}
    fleet.store.set_parts("gpu01", parts, 1.0, stale=True)
    assert known_processes(fleet.store.host("gpu01")) == Processes()
    fleet.put("gpu01", **{name: Part(part.value, 2.0) for name, part in parts.items()})
    (row,) = rows(fleet.store.host("gpu01"))
    assert row.item.runs == "train.py"
    assert "train.py" in row.facts.text


def test_a_program_that_a_host_names_in_escapes_is_shown_printed() -> None:
    assert said(Processes({PID or 0: "python \x1b[31m/x\x1b[0m.py"})) == r"x\x1b[0m.py"
