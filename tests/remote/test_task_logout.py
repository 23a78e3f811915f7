"""Where a logout ends what a login left running: a task begins in a scope of its own, or its person is warned."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from tests.remote.shells import GNU_PATH, SHELLS
from tests.remote.taskhost import TaskHost
from tui.domain.tasks import TaskState

ME = getpass.getuser()
WRAP = ("env", "XDG_SESSION_ID=4")
KILLS = "KillUserProcesses=yes\nKillOnlyUsers=\nKillExcludeUsers=nobody"


def stand_in(folder: Path, name: str, script: str) -> None:
    """A program of that name that goes before the machine's."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def logind(folder: Path, manager: str, linger: str = "no") -> None:
    answer = f'case $1 in show-session) printf "%s\\n" "{manager}" ;; show-user) echo Linger={linger} ;; esac'
    stand_in(folder, "loginctl", f'{answer}; echo "$@" >>"{folder}/asked"')


def scopes(folder: Path, works: bool) -> None:
    run = 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"' if works else "exit 1"
    stand_in(folder, "systemd-run", f'echo "$@" >>"{folder}/scopes"; {run}')


@pytest.mark.parametrize(
    ("manager", "works", "linger", "note"),
    [
        (KILLS, True, "yes", None),
        (KILLS, True, "no", "scope"),
        (KILLS, False, "yes", "session"),
        (KILLS.replace("OnlyUsers=", f"OnlyUsers=bob {ME}"), False, "no", "session"),
    ],
)
@pytest.mark.parametrize("shell", sorted(SHELLS))
async def test_a_task_leaves_the_session_that_a_logout_ends(
    tmp_path: Path, shell: str, manager: str, works: bool, linger: str, note: str | None
) -> None:
    folder = tmp_path / "bin"
    logind(folder, manager, linger)
    scopes(folder, works)
    host = TaskHost(tmp_path / "home", SHELLS[shell], path=f"{folder}:{GNU_PATH}", wrap=WRAP)
    try:
        task, log = await host.run(host.sh("echo done; exit 3"))
    finally:
        await host.close()
    assert (task.state, task.exit_code, log) == (TaskState.FAILED, 3, b"done\r\n")
    assert task.said == (() if note is None else (("note", "logout", note),))
    tried = (folder / "scopes").read_text().splitlines()
    assert len(tried) == (2 if works else 1) and all("--user --scope" in line for line in tried)


@pytest.mark.parametrize("name", ["ada", "bob"])
async def test_root_s_task_leaves_the_session_of_the_login_that_asked_for_it(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "bin"
    logind(folder, f"{KILLS.replace('nobody', 'root bob')}\nName={name}")
    scopes(folder, True)
    host = TaskHost(tmp_path / "home", path=f"{folder}:{GNU_PATH}", wrap=(*WRAP, "CONDAFLEET_LOGIN=1000:/home/ada"))
    try:
        task, _ = await host.run(host.sh("exit 0"))
    finally:
        await host.close()
    assert task.state is TaskState.SUCCEEDED and task.said == ()
    if name == "bob":
        assert not (folder / "scopes").exists()
    else:
        # The machine's own manager has no end of logins to wait for.
        tried = (folder / "scopes").read_text().splitlines()
        assert len(tried) == 2 and all(line.startswith("--scope ") for line in tried)


@pytest.mark.parametrize(
    ("manager", "wrap"),
    [
        (KILLS.replace("yes", "no"), WRAP),
        (KILLS.replace("nobody", f"nobody {ME}"), WRAP),
        (KILLS.replace("OnlyUsers=", "OnlyUsers=bob"), WRAP),
        ("", WRAP),
        (KILLS, ()),
    ],
)
async def test_elsewhere_nothing_is_different(tmp_path: Path, manager: str, wrap: tuple[str, ...]) -> None:
    folder = tmp_path / "bin"
    logind(folder, manager)
    scopes(folder, True)
    host = TaskHost(tmp_path / "home", path=f"{folder}:{GNU_PATH}", wrap=wrap)
    try:
        task, _ = await host.run(host.sh("exit 0"))
    finally:
        await host.close()
    assert task.state is TaskState.SUCCEEDED and task.said == ()
    assert not (folder / "scopes").exists() and (folder / "asked").exists() == bool(wrap)


async def test_a_logind_that_hangs_holds_a_task_up_for_a_moment_only(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    stand_in(folder, "loginctl", "exec sleep 600")
    stand_in(folder, "timeout", 'shift; exec /usr/bin/timeout 0.2 "$@"')
    host = TaskHost(tmp_path / "home", path=f"{folder}:{GNU_PATH}", wrap=WRAP)
    try:
        task, _ = await host.run(host.sh("exit 0"))
    finally:
        await host.close()
    assert task.state is TaskState.SUCCEEDED and task.said == ()
