"""``tasks`` as a person and a script run it, over a real sshd."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.condafleet_command import PROGRAM, Command
from tests.services.tasking import FRESH_PROC, Operator, job
from tests.sshd import SshServer
from tui.domain.tasks import Task, TaskState
from tui.remote.jobs import Job

UNKNOWN = "20200101-000000-00000000"
HOSTILE = "\x1b]0;owned\x07[red]x\x1b[2J"


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=FRESH_PROC) as server:
        yield server


class Desk:
    """A person's command over a fleet of one real host and one that refuses, and the way to begin tasks there."""

    def __init__(self, server: SshServer, folder: Path, dead: int) -> None:
        self.ada = Operator(server, server.add_user(shell="/bin/bash"), folder)
        config = {
            "hosts": {
                "gpu01": {"search": [str(self.ada.user.home)], "only": True},
                "gpu02": {"address": "127.0.0.1", "port": dead, "user": "nobody"},
            },
            "limits": {"connect": "8s"},
        }
        self.command = Command(folder / "command", config, self.ada.files.config.read_text())

    def start(self, wanted: Job, *, wait: bool = True) -> Task:
        """Begin a task, as another client of the same account; with *wait* until it has ended."""

        async def begin() -> Task:
            async with self.ada.fleet(watch=False) as fleet:
                task = await fleet.tasks.start("gpu01", wanted)
                if wait:
                    return await fleet.tasks.settled("gpu01", task.id)
                while task.state is not TaskState.RUNNING:
                    await asyncio.sleep(0.05)
                    (task,) = [each for each in await fleet.tasks.look("gpu01") if each.id == task.id]
                return task

        return asyncio.run(begin())


def on_terminal(desk: Desk, *words: str, answer: bytes = b"") -> tuple[int, bytes]:
    """Run the command with a terminal of its own, where a person answers; the exit code, and what was shown."""
    mine, its = os.openpty()
    argv = ["setsid", "--ctty", "--wait", *PROGRAM, "--config", str(desk.command.config), *words]
    with subprocess.Popen(argv, stdin=its, stdout=its, stderr=its, env=desk.command.env) as process:
        os.close(its)
        seen = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            while data := os.read(mine, 65536):
                seen += data
                if answer and b"[y/N]" in seen:
                    os.write(mine, answer)
                    answer = b""
        os.close(mine)
        return process.wait(60), seen


@pytest.fixture
def desk(server: SshServer, tmp_path: Path) -> Iterator[Desk]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    yield Desk(server, tmp_path, port)


def test_what_ran_is_listed_shown_followed_and_remembered(desk: Desk) -> None:
    script = 'printf "%s\\n" "$1"; printf "=said\\0002\\000left\\000%s\\000" "$1" >>"$CONDAFLEET_SPOOL/said"; exit 7'
    done = desk.start(job("echo fine", kind="clean"))
    failed = desk.start(job(script, HOSTILE, target=f"/opt/envs/{HOSTILE}"))
    listed = desk.command("tasks", "--json")
    # The other host is down: that is told beside the results.
    assert listed.code == 1 and listed.hosts()["gpu02"]["fault"]["kind"] == "refused"
    assert {task["id"] for task in listed.json["tasks"]} == {done.id, failed.id}
    (one,) = desk.command("tasks", "list", "gpu01", "--search", "CLEAN", "--json").json["tasks"]
    fields = ("id", "host", "kind", "state", "operator", "exit_code", "log_bytes", "fault")
    assert [one[name] for name in fields] == [done.id, "gpu01", "clean", "succeeded", "ada@laptop", 0, 6, None]
    table = desk.command("tasks", "gpu01")
    assert table.code == 0 and b"\x1b" not in table.stdout + table.stderr
    assert failed.id.encode() in table.stdout and b"failed (exit code 7)" in table.stdout

    # HOST:ID asks that host alone.
    shown = desk.command("tasks", "show", f"gpu01:{failed.id}", "--json")
    (task,) = shown.json["tasks"]
    assert shown.code == 0 and list(shown.hosts()) == ["gpu01"]
    assert task["said"] == [["left", "\\x1b]0;owned\\x07[red]x\\x1b[2J"]] and task["log_lines"]
    text = desk.command("tasks", "show", f"gpu01:{failed.id}")
    assert text.code == 0 and b"\x1b" not in text.stdout and b"exit code  7" in text.stdout

    # What the log holds, byte for byte, only where that is asked for; the exit code is the task's own success.
    followed = desk.command("tasks", "follow", failed.id)
    assert (followed.code, followed.stdout) == (1, b"[red]x\n")
    assert b"exit code 7" in followed.stderr
    followed = desk.command("tasks", "follow", failed.id, "--raw")
    assert (followed.code, followed.stdout) == (1, HOSTILE.encode() + b"\r\n")
    assert b"exit code 7" in followed.stderr
    followed = desk.command("tasks", "follow", done.id, "--offset", "2", "--raw")
    assert (followed.code, followed.stdout) == (0, b"ne\r\n")
    events = [json.loads(line) for line in desk.command("tasks", "follow", done.id, "--json-lines").stdout.splitlines()]
    assert [event["event"] for event in events] == ["log", "task", "done"]
    assert events[0]["text"] == "fine\\x0d\\x0a" and events[1]["state"] == "succeeded" and events[2]["exit_code"] == 0
    # On a terminal nothing of it is obeyed.
    code, shown_there = on_terminal(desk, "tasks", "follow", f"gpu01:{failed.id}")
    assert code == 1 and b"\x1b]0;" not in shown_there and b"\x1b[2J" not in shown_there
    assert b"[red]x\r\n" in shown_there
    code, shown_there = on_terminal(desk, "tasks", "follow", f"gpu01:{failed.id}", "--raw")
    assert code == 2 and b"[red]x" not in shown_there

    remembered = desk.command("tasks", "list", "--history", "--json")
    assert remembered.code == 0 and remembered.json["hosts"] == []
    assert {task["id"]: task["exit_code"] for task in remembered.json["tasks"]} == {failed.id: 7, done.id: 0}
    assert desk.command("tasks", "list", "--history", "--search", "clean", "--since", "1h", "--json").json["tasks"]
    assert desk.command("tasks", "list", "--history", "--search", "nothing of this").code == 4


def test_cancelling_and_clearing_away(desk: Desk) -> None:
    running = desk.start(job("sleep 600"), wait=False)
    name = f"gpu01:{running.id}"
    # Nobody can be asked.
    for words in (("cancel", name), ("purge", name), ("purge", "--older-than", "0")):
        refused = desk.command("tasks", *words)
        assert refused.code == 2 and b"--yes" in refused.stderr
    assert desk.command("--readonly", "tasks", "cancel", name, "--yes").code == 3
    assert desk.command("tasks", "purge").code == 2
    # What runs is not cleared away.
    stays = desk.command("tasks", "purge", name, "--yes", "--json")
    assert stays.code == 1 and "stays" in stays.json["tasks"][0]["result"]
    assert desk.ada.spool(running).exists()
    code, said = on_terminal(desk, "tasks", "cancel", name, answer=b"n\r")
    assert code == 3 and b"nobody said yes" in said
    ended = desk.command("tasks", "cancel", name, "--yes", "--json")
    assert ended.code == 0, ended
    assert [task["state"] for task in ended.json["tasks"]] == ["cancelled"]
    assert desk.command("tasks", "cancel", name, "--yes").code == 0  # it was over
    assert desk.command("tasks", "purge", "--older-than", "1d", "--yes").code == 1  # gpu02 is down
    assert desk.ada.spool(running).exists()
    gone = desk.command("tasks", "purge", name, "--yes", "--json")
    assert gone.code == 0 and gone.json["tasks"][0]["result"] == "cleared away"
    assert not desk.ada.spool(running).exists()


@pytest.mark.parametrize("action", [("show",), ("follow",), ("cancel", "--yes"), ("purge", "--yes")])
def test_an_unknown_id_is_no_match(desk: Desk, action: tuple[str, ...]) -> None:
    answer = desk.command("tasks", *action, f"gpu01:{UNKNOWN}", "--json")
    assert answer.code == 4 and answer.json["error"]["kind"] == "no_match", answer
    # On some host that did not answer it may be kept.
    assert desk.command("tasks", *action, UNKNOWN).code == 1
    assert desk.command("tasks", *action, "no id").code == 4
    assert desk.command("tasks", *action, f"gpu09:{UNKNOWN}").code == 2


def test_ctrl_c_leaves_the_task_and_says_how_to_come_back(desk: Desk) -> None:
    task = desk.start(job("echo begun; sleep 600"), wait=False)
    followed = subprocess.Popen(
        [*PROGRAM, "--config", str(desk.command.config), "tasks", "follow", task.id],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=desk.command.env,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    try:
        assert followed.stdout is not None
        assert followed.stdout.readline() == b"begun\n"
        followed.send_signal(signal.SIGINT)
        out, err = followed.communicate(timeout=60)
    finally:
        followed.kill()
    assert followed.returncode == 130 and out == b""
    assert f"tasks follow gpu01:{task.id} --offset 7".encode() in err
    shown = desk.command("tasks", "show", f"gpu01:{task.id}", "--json").json["tasks"][0]
    assert shown["state"] == "running" and shown["log_lines"] == ["begun"]
    assert desk.command("tasks", "cancel", f"gpu01:{task.id}", "--yes").code == 0


def test_a_dead_host_does_not_hold_up_what_another_keeps(desk: Desk) -> None:
    task = desk.start(job("exit 0"))
    answer = desk.command("tasks", "show", task.id, "--json")
    assert answer.code == 0 and list(answer.hosts()) == ["gpu01"]
