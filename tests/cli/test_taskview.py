"""Tasks in words and in JSON: what a host tells of somebody's command line holds no secret."""

from __future__ import annotations

import json
from dataclasses import replace

from tui.cli.taskview import task_json, waits_text
from tui.domain.tasks import Holder, TaskSpec, TaskState, queued

COMMAND = ("conda", "install", "--token", "zz secret", "-c", "https://bob:hunter2@repo/" + "x" * 60, "numpy")
HOLDER = Holder("process", pid=12, command=COMMAND)


def test_whom_a_task_waits_for_is_told_without_their_secrets() -> None:
    spec = TaskSpec("20261121-120000-00000001", "remove", "/envs/a", COMMAND, "ada@laptop")
    task = replace(queued(spec, "gpu01", 1.0), state=TaskState.WAITING_LOCK, waits_for=HOLDER)
    told = json.dumps(task_json(task)) + waits_text(HOLDER)
    assert "hunter2" not in told and "zz secret" not in told and "numpy" in told
    assert waits_text(HOLDER).startswith("waits for conda install --token REDACTED -c https://REDACTED@repo/xx")


def test_a_cut_never_uncovers_half_a_secret() -> None:
    for length in range(120):
        command = ("conda", "install", "x" * length, "https://bob:hunter2@repo/channel")
        assert "hunter" not in waits_text(Holder("process", pid=12, command=command))
