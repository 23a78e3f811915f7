from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import eventually
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tui.domain.faults import FaultKind
from tui.domain.sessions import Session
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.sessions import join_prefixes, parse_environ, parse_sessions
from tui.remote.status import StatusAnswer, parse_status

NONCE = "n0nce"


class Tmux:
    """Private tmux servers in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sockets = folder / f"tmux-{os.getuid()}"
        self._used: set[str] = set()

    def __call__(self, *words: str, socket: str = "default", env: dict[str, str] | None = None) -> str:
        self._used.add(socket)
        argv = ["/usr/bin/tmux", "-u", "-f", "/dev/null", "-L", socket, *words]
        environ = {"PATH": GNU_PATH, "HOME": "/nonexistent", "TMUX_TMPDIR": str(self.folder), **(env or {})}
        return subprocess.run(argv, check=True, capture_output=True, text=True, env=environ, timeout=20).stdout

    def end(self) -> None:
        for name in self._used:
            argv = ["/usr/bin/tmux", "-L", name, "kill-server"]
            subprocess.run(argv, capture_output=True, env={"TMUX_TMPDIR": str(self.folder)}, timeout=20, check=False)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    # A socket's path is short: pytest's folders may not be.
    folder = Path("/tmp") / f"cf-{os.getpid()}-{tmp_path.name[-8:]}"
    folder.mkdir()
    made = Tmux(folder)
    yield made
    made.end()
    shutil.rmtree(folder)


async def ask(connection: ShellConnection, *, environ: bool = True) -> StatusAnswer:
    lane = await Lane.open(connection, timeout=10)
    args = ["", "", NONCE, "", "env" if environ else ""]
    return parse_status(await lane.ask(script("status"), args, timeout=20), 0.0)


def sessions_of(answer: StatusAnswer) -> tuple[Session, ...]:
    assert answer.listings is not None
    found, fault = parse_sessions("h", NONCE, answer.listings, answer.tmux)
    assert fault is None
    assert found is not None
    return join_prefixes(found, parse_environ(answer.environ or ()))


@pytest.fixture(params=[f"{shell} {userland}" for shell in SHELLS for userland in ("gnu", "busybox")])
async def connection(request: pytest.FixtureRequest, tmux: Tmux, tmp_path: Path) -> AsyncIterator[ShellConnection]:
    shell, userland = request.param.split()
    path = GNU_PATH
    if userland == "busybox":
        path = busybox_path(tmp_path)
        (Path(path) / "tmux").symlink_to("/usr/bin/tmux")
    made = ShellConnection(SHELLS[shell], env={"PATH": path, "TMUX_TMPDIR": str(tmux.folder)})
    yield made
    await made.close()


def pane(tmux: Tmux, target: str, what: str, socket: str = "default") -> str:
    return tmux("display-message", "-p", "-t", target, f"#{{{what}}}", socket=socket).strip()


async def runs(tmux: Tmux, target: str, program: str = "sleep", socket: str = "default") -> Path:
    """Wait until *program* took the place of tmux's own child in a pane; its folder in /proc.

    Before that, the pane has neither its command's name nor its environment.
    """
    await eventually(lambda: pane(tmux, target, "pane_current_command", socket) == program)
    return Path("/proc") / pane(tmux, target, "pane_pid", socket)


def dead_with_status(tmux: Tmux, target: str, command: str) -> bool:
    """Whether the pane ended and tmux noticed how: 3.3a misses the status of some, which are then run again."""
    dead, _, status = (
        tmux("display-message", "-p", "-t", target, "#{pane_dead} #{pane_dead_status}").strip().partition(" ")
    )
    if dead == "1" and not status:
        tmux("respawn-pane", "-t", target, command)
    return bool(status)


async def test_odd_names_and_places_come_back_as_they_are(
    connection: ShellConnection, tmux: Tmux, tmp_path: Path
) -> None:
    place = tmp_path / "two\nlines |other| @P|other|$9|\n@P|"
    place.mkdir()
    name = "we|ird \"n'é 训练 #{x}"
    tmux(
        "new-session",
        "-d",
        "-x",
        "80",
        "-y",
        "24",
        "-s",
        name.replace("#", "##"),
        "-n",
        "a\tb | 训",
        "-c",
        str(place),
        "sleep 600",
    )
    tmux("new-window", "-d", "-t", "$0", "-n", "second", "CONDA_PREFIX='/opt/envs/x y' sleep 600")
    tmux("split-window", "-d", "-t", "@1", "exec sleep 600")
    tmux("set-option", "-g", "remain-on-exit", "on")
    tmux("new-window", "-d", "-t", "$0", "-n", "dead", "exit 7")
    await eventually(lambda: dead_with_status(tmux, "$0:dead", "exit 7"))
    tmux("new-session", "-d", "-s", "other", "sleep 600", socket="sec ond")
    for target in ("%0", "%1", "%2"):
        await runs(tmux, target)

    found = sessions_of(await ask(connection))
    assert [session.name for session in found] == [name, "other"]
    first, second = found
    assert (first.id, first.kind, first.socket) == ("$0", "tmux", str(tmux.sockets / "default"))
    assert second.socket == str(tmux.sockets / "sec ond")
    assert first.created is not None
    assert first.version is not None
    assert (first.attached, first.tmux) == (0, None)
    assert [(window.index, window.name, window.active, len(window.panes)) for window in first.windows] == [
        (0, "a\tb | 训", True, 1),
        (1, "second", False, 2),
        (2, "dead", False, 1),
    ]
    pane = first.windows[0].panes[0]
    assert (pane.id, pane.cwd, pane.command, pane.dead, pane.exit_status) == ("%0", str(place), "sleep", False, None)
    dead = first.windows[2].panes[0]
    assert (dead.dead, dead.exit_status) == (True, 7)
    assert dead.ended is not None and abs(dead.ended - time.time()) < 600 and pane.ended is None
    assert [pane.prefix for pane in first.windows[1].panes] == ["/opt/envs/x y", None]
    assert pane.pid is not None
    os.kill(pane.pid, 0)


async def test_what_a_run_writes_counts_as_activity_of_its_session(connection: ShellConnection, tmux: Tmux) -> None:
    tmux("new-session", "-d", "-s", "a", "exec sleep 600")
    # Nobody looks at it or types; tmux tells whole seconds, and its own time of the session stays what it was.
    tmux("new-window", "-d", "-t", "a", "-n", "writes", "while sleep 0.2; do echo; done")
    typed = tmux("display-message", "-p", "-t", "a", "#{session_activity}").strip()
    await eventually(lambda: float(pane(tmux, "a:writes", "window_activity")) >= float(typed) + 2)
    (session,) = sessions_of(await ask(connection))
    assert session.activity is not None
    assert session.activity >= float(typed) + 2
    assert session.activity == max(window.activity or 0 for window in session.windows)
    assert tmux("display-message", "-p", "-t", "a", "#{session_activity}").strip() == typed


async def test_no_server_and_stale_sockets_are_no_sessions_and_no_fault(
    connection: ShellConnection, tmux: Tmux
) -> None:
    assert sessions_of(await ask(connection)) == ()
    tmux.sockets.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(tmux.sockets / "stale"))
    (tmux.sockets / "no-socket").touch()
    tmux("new-session", "-d", "-s", "one", "sleep 600")
    tmux("kill-server")
    assert sessions_of(await ask(connection)) == ()


async def test_a_server_that_keeps_no_session_is_empty(connection: ShellConnection, tmux: Tmux) -> None:
    tmux("new-session", "-d", "-s", "one", "sleep 600", ";", "set-option", "-g", "exit-empty", "off")
    tmux("kill-session", "-t", "one")
    assert sessions_of(await ask(connection)) == ()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("client", "kind"),
    [
        ("#!/bin/sh\nexit 0\n", FaultKind.PROTOCOL),
        ("#!/bin/sh\necho 'protocol version mismatch (client 8, server 7)'; exit 1\n", FaultKind.PROTOCOL),
    ],
    ids=["says nothing", "mismatch"],
)
async def test_a_client_that_does_not_fit_the_server_is_replaced_by_the_servers_own_program(
    tmux: Tmux, tmp_path: Path, shell: str, client: str, kind: FaultKind
) -> None:
    tmux("new-session", "-d", "-s", "old", "exec sleep 600")
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "tmux").write_text(client)
    (bad / "tmux").chmod(0o755)
    path = f"{bad}:{busybox_path(tmp_path) if shell == 'busybox' else GNU_PATH}"
    connection = ShellConnection(SHELLS[shell], env={"PATH": path, "TMUX_TMPDIR": str(tmux.folder)})
    process = await runs(tmux, "old")
    await eventually(lambda: b"\0TMUX=" in b"\0" + (process / "environ").read_bytes())
    found = sessions_of(await ask(connection))
    server = tmux("display-message", "-p", "#{pid}").strip()
    assert [(session.name, session.tmux) for session in found] == [("old", f"/proc/{server}/exe")]

    # Without a process that names the server, it is a fault, and not "no sessions".
    tmux("new-session", "-d", "-s", "x", "exec env -i sleep 600", socket="bare")
    await runs(tmux, "x", socket="bare")
    tmux("kill-server")
    await eventually(lambda: not process.exists())
    answer = await ask(connection)
    assert answer.listings is not None
    nothing, fault = parse_sessions("h", NONCE, answer.listings, answer.tmux)
    assert nothing is None
    assert fault is not None
    assert fault.kind is kind
    await connection.close()


@pytest.mark.parametrize("shell", SHELLS)
async def test_few_programs_are_started(tmux: Tmux, tmp_path: Path, shell: str) -> None:
    tools, log = tmp_path / "tools", tmp_path / "log"
    tools.mkdir()
    for folder in ("/bin", "/usr/bin"):
        for program in sorted(Path(folder).iterdir()):  # noqa: ASYNC240
            if not (tools / program.name).exists():
                (tools / program.name).write_text(f'#!/bin/sh\necho {program.name} >>{log}\nexec {program} "$@"\n')
                (tools / program.name).chmod(0o755)
    tmux("new-session", "-d", "-s", "a", "CONDA_PREFIX=/opt/envs/x exec sleep 600")
    await runs(tmux, "a")
    connection = ShellConnection(SHELLS[shell], env={"PATH": str(tools), "TMUX_TMPDIR": str(tmux.folder)})
    lane = await Lane.open(connection, timeout=10)

    async def started(*args: str) -> tuple[list[str], str | None]:
        log.write_text("")
        answer = parse_status(await lane.ask(script("status"), args, timeout=20), 0.0)
        return sorted(log.read_text().split()), sessions_of(answer)[0].windows[0].panes[0].prefix

    programs = ["find", "getconf", "grep", "timeout", "tmux"]
    assert await started("", "-", NONCE, "-", "env") == (programs, "/opt/envs/x")
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()  # noqa: ASYNC240
    assert await started(boot, "", NONCE, "", "") == (["cksum", "timeout", "tmux"], None)
    # Where no environment can be seen, it is not looked for in another way.
    tmux("respawn-pane", "-k", "-t", "a", "exec env -i sleep 600")
    await runs(tmux, "a")
    assert await started("", "-", NONCE, "-", "env") == (programs, None)
    await connection.close()


async def test_a_host_without_tmux_says_so(tmp_path: Path) -> None:
    connection = ShellConnection(env={"PATH": busybox_path(tmp_path), "TMUX_TMPDIR": str(tmp_path)})
    answer = await ask(connection)
    found, fault = parse_sessions("h", NONCE, answer.listings or b"", answer.tmux)
    assert found is None
    assert fault is not None
    assert fault.kind is FaultKind.TOOL_MISSING
    await connection.close()


def test_a_client_that_hung_is_named() -> None:
    listing = b"@S|n|/t/default|n|tmux|n|\nserver version is too old for client\n@E|n|124|n|\n"
    found, fault = parse_sessions("h", "n", listing, "tmux")
    assert found is None
    assert fault is not None
    assert fault.kind is FaultKind.TOOL_HUNG
    assert "/t/default" in fault.message


def test_a_child_of_the_pane_says_more_than_its_shell() -> None:
    processes = parse_environ(
        [
            b"/proc/10/environ:TMUX=/s/a,b,9,0",
            b"/proc/10/environ:TMUX_PANE=%1",
            b"/proc/10/environ:CONDA_PREFIX=/base",
            b"/proc/12/environ:TMUX=/s/a,b,9,0",
            b"/proc/12/environ:TMUX_PANE=%1",
            b"/proc/12/environ:CONDA_PREFIX=/e\n\xff",
            b"/proc/13/environ:CONDA_PREFIX=/elsewhere",
            b"garbage",
        ]
    )
    assert [(process.pid, process.socket, process.pane) for process in processes] == [
        (10, "/s/a,b", "%1"),
        (12, "/s/a,b", "%1"),
    ]
    assert processes[1].prefix == "/e\n\udcff"


@given(st.lists(st.sampled_from([b"@S|n|", b"@P|n|", b"@E|n|", b"|n|", b"\n", b"$1", b"0", b"x\xff", b"@V|n|"])))
@settings(max_examples=300, deadline=None)
def test_noise_from_tmux_never_raises(parts: list[bytes]) -> None:
    parse_sessions("h", "n", b"".join(parts), "tmux")
    parse_environ(parts)
