"""OpenSSH's own client finds demo hosts to be what it expects of an SSH server."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import random
import struct
import subprocess
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest

from tests.demo.reach import run_ssh, wait_for
from tui.demo.child import Child
from tui.demo.cleanup import members
from tui.demo.fleet import DemoFleet
from tui.demo.plan import PASSWORD, Answer, Auth, Behaviour, HostKey, HostPlan

Ssh = Callable[..., subprocess.CompletedProcess[bytes]]


def test_output_errors_and_exit_status_of_a_command_arrive(ssh: Ssh) -> None:
    done = ssh("gpu01", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 7)


def test_any_bytes_pass_through_unchanged_in_both_directions(ssh: Ssh) -> None:
    data = random.Random(1).randbytes(6_000_000)
    done = ssh("gpu01", "cat", stdin=data)
    assert done.stdout == data


def test_a_program_sees_nothing_of_this_machines_environment(ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ssh("gpu01", "env").stdout.decode().splitlines()
    names = {line.partition("=")[0] for line in lines}
    assert names <= {
        *("HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TMPDIR", "TMUX_TMPDIR", "SCREENDIR", "PWD"),
        *("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"),
        *("CONDAFLEET_PLAYED", "CONDAFLEET_DEMO", "SSH_CLIENT", "SSH_CONNECTION", "OLDPWD", "SHLVL", "_"),
    }


def test_package_managers_and_gpu_tools_of_this_machine_are_not_on_a_hosts_path(ssh: Ssh) -> None:
    done = ssh("cpu01", "command -v conda mamba micromamba nvidia-smi rocm-smi; command -v find")
    assert len(done.stdout.splitlines()) == 1


def test_a_terminal_has_the_clients_size_and_follows_it(fleet: DemoFleet) -> None:
    master, slave = pty.openpty()
    resize(master, 100, 30)
    script = "trap 'stty size; exit 3' WINCH; tty; stty size; while :; do sleep 0.05; done"
    client = subprocess.Popen(
        ["ssh", "-F", str(fleet.ssh_config), "-tt", "gpu01", script],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        seen = read_until(master, b"30 100")
        assert b"/dev/pts/" in seen
        resize(master, 77, 22)
        read_until(master, b"22 77")
        assert client.wait(10) == 3
    finally:
        client.kill()
        client.wait()
        os.close(master)


def resize(descriptor: int, columns: int, rows: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read_until(descriptor: int, wanted: bytes) -> bytes:
    seen = b""
    os.set_blocking(descriptor, False)

    def found() -> bool:
        nonlocal seen
        with contextlib.suppress(BlockingIOError):
            seen += os.read(descriptor, 4096)
        return wanted in seen

    wait_for(found)
    return seen


def test_a_login_shell_opens_at_home_with_its_prompt(fleet: DemoFleet) -> None:
    done = subprocess.run(
        ["ssh", "-F", str(fleet.ssh_config), "-tt", "gpu01"],
        input=b"stty -echo; pwd; tty | cut -c1-8; exit 4\n",
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 4
    assert str(fleet.host("gpu01").home).encode() in done.stdout
    assert b"/dev/pts" in done.stdout
    assert b"[demo] gpu01 is a throwaway host" in done.stdout


def test_a_program_on_a_lost_connection_is_hung_up_with_its_group(fleet: DemoFleet) -> None:
    client = subprocess.Popen(
        ["ssh", "-F", str(fleet.ssh_config), "lab", "MARKED=yes; export MARKED; sleep 301 & sleep 302; :"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    wait_for(lambda: len(sleeping(fleet)) == 2)
    client.kill()
    client.communicate()
    wait_for(lambda: not sleeping(fleet))


def sleeping(fleet: DemoFleet) -> list[int]:
    found = []
    for pid in members(fleet.base):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"sleep" and words[1] in (b"301", b"302"):
            found.append(pid)
    return found


def test_a_program_that_detached_survives_its_connection(fleet: DemoFleet, ssh: Ssh) -> None:
    done = ssh("lab", "setsid sleep 299 </dev/null >/dev/null 2>&1 & echo $!")
    assert done.returncode == 0
    wait_for(
        lambda: (
            b"sleep\x00299"
            in b"".join(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in members(fleet.base) if alive(pid))
        )
    )


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").exists()


def test_without_the_fleets_key_nobody_comes_in(fleet: DemoFleet, tmp_path: Path) -> None:
    other = tmp_path / "other"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(other)
    other.chmod(0o600)
    text = fleet.ssh_config.read_text().replace(str(fleet.identity), str(other))
    (tmp_path / "config").write_text(text)
    argv = ["ssh", "-F", str(tmp_path / "config"), "-o", "BatchMode=yes", "gpu01", "true"]
    refused = subprocess.run(argv, capture_output=True, timeout=20, check=False)
    assert refused.returncode == 255 and b"Permission denied" in refused.stderr


async def connect(fleet: DemoFleet, name: str, **more: object) -> asyncssh.SSHClientConnection:
    options = {"client_keys": [str(fleet.identity)], "known_hosts": str(fleet.known_hosts), **more}
    host = fleet.host(name)
    return await asyncssh.connect(
        "127.0.0.1", host.port, username=host.plan.user, config=None, agent_path=None, **options
    )


async def test_more_channels_than_max_sessions_are_refused_and_the_connection_lives(fleet: DemoFleet) -> None:
    async with await connect(fleet, "gpu01") as connection:
        held = [await connection.create_process("cat", encoding=None) for _ in range(10)]
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.create_process("cat", encoding=None)
        held[0].stdin.write_eof()
        await held[0].wait_closed()
        async with asyncio.timeout(20):
            while True:  # the place is free once the server has taken note of the end, too
                try:
                    done = await connection.run("echo still here")
                    break
                except asyncssh.ChannelOpenError:
                    continue
        assert done.stdout == "still here\n"


async def test_forty_hosts_in_one_process_answer_all_at_once() -> None:
    with DemoFleet(40) as many:

        async def ask(name: str) -> str:
            connection = await connect(many, name)
            done = await connection.run("ls ~/miniforge3/envs")
            connection.close()
            return str(done.stdout)

        nodes = [host.name for host in many.hosts if host.plan.layout == "node"]
        answers = await asyncio.gather(*map(ask, nodes))
    assert answers == ["etl\nllm-train\n"] * 34


async def test_a_program_is_waited_for_where_the_kernel_gives_no_handle_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    seen, ended = bytearray(), asyncio.get_running_loop().create_future()
    child = Child(
        ["/bin/sh", "-c", "echo out; exit 5"],
        environ={"PATH": os.defpath},
        cwd="/",
        size=None,
        output=lambda data, is_stderr: seen.extend(data),
        ended=ended.set_result,
        blocked=lambda full: None,
    )
    async with asyncio.timeout(10):
        assert await ended == 5
    assert seen == b"out\n"
    child.abandon()


async def test_a_program_ended_by_a_signal_says_so(fleet: DemoFleet) -> None:
    async with await connect(fleet, "gpu01") as connection:
        done = await connection.run("kill -TERM $$")
        assert done.exit_signal is not None and done.exit_signal[0] == "TERM"


async def test_a_reader_that_stops_holds_the_program_back(fleet: DemoFleet) -> None:
    async with await connect(fleet, "gpu01") as connection:
        process = await connection.create_process("echo $$; exec yes", encoding=None, window=65536)
        pid = int(await process.stdout.readline())
        before, now = -1, 0
        async with asyncio.timeout(15):
            while before != now or not now:
                before, now = now, written_by(pid)
                await asyncio.sleep(0.2)
        assert now < 8 << 20
        await process.stdout.readexactly(1 << 20)
        await asyncio.to_thread(wait_for, lambda: written_by(pid) >= now + (1 << 18))
        process.close()


def written_by(pid: int) -> int:
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar")).split()[1])


ODD = [
    HostPlan("silent", behaviour=Behaviour(answer=Answer.SILENT)),
    HostPlan("refused", behaviour=Behaviour(answer=Answer.REFUSED)),
    HostPlan("garbage", behaviour=Behaviour(answer=Answer.GARBAGE)),
    HostPlan("password", behaviour=Behaviour(auth=Auth.PASSWORD)),
    HostPlan("asks", behaviour=Behaviour(auth=Auth.INTERACTIVE)),
    HostPlan("nobody", behaviour=Behaviour(auth=Auth.NOBODY)),
    HostPlan("unknown", behaviour=Behaviour(host_key=HostKey.UNKNOWN)),
    HostPlan("changed", behaviour=Behaviour(host_key=HostKey.CHANGED)),
    HostPlan("dies", behaviour=Behaviour(drop_after=1000)),
    HostPlan("stalls", behaviour=Behaviour(stall_after=1000)),
    HostPlan("noisy", behaviour=Behaviour(shout="welcome \x1b[31m\n")),
    HostPlan("floods", behaviour=Behaviour(flood=True)),
    HostPlan("jump", behaviour=Behaviour(forwarding=True)),
    HostPlan("plain"),
]


@pytest.fixture(scope="module")
def odd() -> Iterator[DemoFleet]:
    with DemoFleet(ODD) as running:
        yield running


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("refused", b"Connection refused"),
        ("nobody", b"Permission denied"),
        ("unknown", b"Host key verification failed"),
        ("changed", b"REMOTE HOST IDENTIFICATION HAS CHANGED"),
        ("silent", b"Connection timed out during banner exchange"),
        ("password", b"Permission denied (password)"),
    ],
)
def test_a_faulty_host_fails_the_way_its_plan_says(odd: DemoFleet, host: str, words: bytes) -> None:
    done = run_ssh(odd, host, "true", "-o", "ConnectTimeout=1")
    assert done.returncode == 255
    assert words in done.stderr


def test_garbage_is_no_ssh_server(odd: DemoFleet) -> None:
    assert run_ssh(odd, "garbage", "true", "-o", "ConnectTimeout=2").returncode == 255


async def test_a_password_and_an_interactive_answer_let_in(odd: DemoFleet) -> None:
    for name in ("password", "asks"):
        async with await connect(odd, name, client_keys=None, password=PASSWORD) as connection:
            assert (await connection.run("echo in")).stdout == "in\n"


async def test_a_wrong_password_does_not(odd: DemoFleet) -> None:
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(odd, "password", client_keys=None, password="wrong")


def test_a_dying_connection_gives_no_exit_status(odd: DemoFleet) -> None:
    done = run_ssh(odd, "dies", "head -c 100000 /dev/zero; exit 0")
    assert done.returncode == 255 and len(done.stdout) < 100000


async def test_a_stalled_host_keeps_the_connection_and_says_no_more(odd: DemoFleet) -> None:
    async with await connect(odd, "stalls") as connection:
        process = await connection.create_process("head -c 100000 /dev/zero; exec cat", encoding=None)
        assert len(await process.stdout.readexactly(1000)) == 1000
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await process.stdout.read(1)
        process.close()


def test_a_noisy_host_says_its_words_before_the_answer(odd: DemoFleet) -> None:
    assert run_ssh(odd, "noisy", "echo answer").stdout == b"welcome \x1b[31m\nanswer\n"


async def test_a_flooding_host_never_ends_and_stops_when_let_go(odd: DemoFleet) -> None:
    async with await connect(odd, "floods") as connection:
        process = await connection.create_process("true", encoding=None)
        assert len(await process.stdout.readexactly(1 << 20)) == 1 << 20
        process.close()
        await process.wait_closed()


def test_a_jump_host_passes_on_and_others_do_not(odd: DemoFleet) -> None:
    assert run_ssh(odd, "plain", "echo through", "-J", "jump").stdout == b"through\n"
    assert run_ssh(odd, "plain", "echo through", "-J", "noisy").returncode == 255


async def test_a_host_can_be_dropped_stopped_and_started_again(odd: DemoFleet) -> None:
    connection = await connect(odd, "plain")
    process = await connection.create_process("exec cat", encoding=None)
    await asyncio.to_thread(odd.stop_host, "plain")
    async with asyncio.timeout(5):
        with pytest.raises(asyncssh.ConnectionLost):
            await process.stdout.read(1)
        await connection.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await connect(odd, "plain")
    await asyncio.to_thread(odd.start_host, "plain")
    async with await connect(odd, "plain") as again:
        assert (await again.run("echo back")).stdout == "back\n"
        await asyncio.to_thread(odd.drop, "plain")
        async with asyncio.timeout(5):
            await again.wait_closed()
