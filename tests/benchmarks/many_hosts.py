"""Many SSH hosts on loopback for the benchmarks, as a light server or as real sshd, with the client's files.

Both are used as ``with light_hosts(200) as hosts:``; addresses are 127/8 alone, and nothing is left behind.
The peers' ssh is tuned as a careful person would: curve25519 (Debian's default costs the client 55 ms),
one key, no agent, no GSSAPI. Our client reads the same files. known_hosts holds 300 other machines beside.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.light_server import address
from tests.benchmarks.scratch import masters, scratch
from tests.sshd import SshServer, generate_key
from tui.remote.scripts import script
from tui.remote.status import parse_status

__all__ = ["Hosts", "light_hosts", "real_hosts", "status_dialogue"]

_OTHERS = 300
_ADDRESSES_OF_ONE_SSHD = 16
"""sshd listens on no more (MAX_LISTEN_SOCKS)."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts that listen, and what a client needs to reach them."""

    names: tuple[str, ...]
    config: Path
    """For ``ssh -F``."""
    shared_config: Path
    """The same with ControlMaster and ControlPersist."""
    control: Path
    """The folder of the shared connections' sockets."""
    command: str
    """What the peers run on a host: the very status script of ours, once."""
    directory: Path

    def masters(self) -> list[int]:
        """The processes of shared connections that are open now."""
        return masters(self.control)

    def end_masters(self) -> None:
        """End the shared connections."""
        for pid in self.masters():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 15
        while self.masters():
            if time.monotonic() > deadline:
                raise RuntimeError("shared ssh connections do not end")
            time.sleep(0.02)


def status_dialogue() -> dict[str, bytes]:
    """What a real ``sh`` on this machine answers to our status question: first, and when nothing changed."""
    with subprocess.Popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None and shell.stdout is not None
        stdin, stdout = shell.stdin, shell.stdout
        stdin.write(script("lane") + b"f0() {\n" + script("status") + b"\n}\n")
        number = 0

        def ask(call: str) -> bytes:
            nonlocal number
            number += 1
            nonce = f"{number:016x}"
            stdin.write(f"R {nonce} {call}\n".encode())
            stdin.flush()
            begin, end = f"\n@{nonce}{{".encode(), re.compile(b"\n@" + nonce.encode() + rb"}\d+\n")
            said = b""
            while not end.search(said):
                piece = os.read(stdout.fileno(), 65536)
                if not piece:
                    raise RuntimeError("the shell ended")
                said += piece
            return end.split(said.partition(begin)[2])[0]

        greeting = ask("S")
        first = ask("f0 '' - abcdef - env")
        answer = parse_status(ask("f0 '' '' abcdef '' ''"), 0.0)
        mounts, sessions = answer.mounts_digest.decode(), answer.sessions_digest.decode()
        again = ask(f"f0 '{answer.boot_id}' '{mounts}' abcdef '{sessions}' ''")
        stdin.close()
    return {"S": greeting, "f0": first, "f0:again": again}


@contextlib.contextmanager
def light_hosts(count: int) -> Iterator[Hosts]:
    """One process that answers for all hosts from memory: isolates the client."""
    with scratch() as directory:
        generate_key(directory / "host_key")
        generate_key(directory / "client")
        shutil.copy(directory / "client.pub", directory / "client.pub.keys")
        answers = {name: base64.b64encode(body).decode() for name, body in status_dialogue().items()}
        (directory / "answers.json").write_text(json.dumps(answers))
        port = _free_port(address(0))
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.light_server", str(count), str(port),
             str(directory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert server.stdin is not None and server.stdout is not None
        try:
            if server.stdout.readline().strip() != b"ready":
                raise RuntimeError("the light server did not start")
            host_key = (directory / "host_key.pub").read_text().split()[:2]
            hosts = {f"h{number:03}": (address(number), port, " ".join(host_key)) for number in range(count)}
            yield _client_files(directory, hosts, "root", directory / "client", "light")
        finally:
            server.stdin.close()
            server.stdout.close()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@contextlib.contextmanager
def real_hosts(count: int) -> Iterator[Hosts]:
    """OpenSSH's sshd under as many addresses; every session is real, with a shell of its own."""
    with scratch() as directory, contextlib.ExitStack() as stack:
        directory.chmod(0o755)
        options = _readable_proc(directory)
        hosts: dict[str, tuple[str, int, str]] = {}
        first: SshServer | None = None
        user = None
        for begin in range(0, count, _ADDRESSES_OF_ONE_SSHD):
            numbers = range(begin, min(count, begin + _ADDRESSES_OF_ONE_SSHD))
            server = SshServer(
                addresses=[address(number) for number in numbers],
                host_keys=["ed25519"],
                options=options,
            )
            stack.enter_context(server)
            if first is None or user is None:
                first, user = server, server.add_user(shell="/bin/bash")
            else:
                server.authorize(user, user.key.with_suffix(".pub").read_text())
            host_key = " ".join(server.host_key().with_suffix(".pub").read_text().split()[:2])
            hosts |= {f"h{number:03}": (address(number), server.port, host_key) for number in numbers}
        assert user is not None
        once = directory / "status.sh"
        once.write_bytes(script("lane") + b"f0() {\n" + script("status") + b"\n}\nf0 '' - abcdef - env\n")
        yield _client_files(directory, hosts, user.name, user.key, f"exec /bin/sh {once}")


def _readable_proc(directory: Path) -> list[str]:
    """Lines of sshd_config; where only root may enter /proc, which no host in use is like, copies are read."""
    if Path("/proc").stat().st_mode & 0o005 == 0o005:
        return []
    played = directory / "played"
    played.mkdir()
    for name, source in (
        ("boot-id", "sys/kernel/random/boot_id"), ("loadavg", "loadavg"), ("uptime", "uptime"), ("meminfo", "meminfo"),
        ("hostname", "sys/kernel/hostname"), ("osrelease", "sys/kernel/osrelease"), ("mountinfo", "self/mountinfo"),
    ):  # fmt: skip
        (played / name).write_bytes((Path("/proc") / source).read_bytes())
    return [f"SetEnv CONDAFLEET_PLAYED={played}"]


def _client_files(
    directory: Path, hosts: Mapping[str, tuple[str, int, str]], user: str, key: Path, command: str
) -> Hosts:
    lines = [f"[{where}]:{port} {host_key}\n" for where, port, host_key in hosts.values()]
    dice = random.Random(1)
    head = b"\0\0\0\x0bssh-ed25519\0\0\0 "
    for number in range(_OTHERS):
        blob = base64.b64encode(head + dice.randbytes(32)).decode()
        lines.append(f"10.9.{number // 250}.{number % 250} ssh-ed25519 {blob}\n")
    dice.shuffle(lines)
    known_hosts = directory / "known_hosts"
    known_hosts.write_text("".join(lines))
    common = [
        "Host *", f"  User {user}", f"  IdentityFile {key}", "  IdentitiesOnly yes", "  IdentityAgent none",
        f"  UserKnownHostsFile {known_hosts}", "  GlobalKnownHostsFile /dev/null", "  StrictHostKeyChecking yes",
        "  BatchMode yes", "  ConnectTimeout 60", "  KexAlgorithms curve25519-sha256",
        "  HostKeyAlgorithms ssh-ed25519", "  Ciphers aes128-gcm@openssh.com", "  GSSAPIAuthentication no",
        "  PreferredAuthentications publickey", "  ForwardX11 no", "  LogLevel ERROR",
    ]  # fmt: skip
    blocks = "".join(f"Host {name}\n  HostName {where}\n  Port {port}\n" for name, (where, port, _) in hosts.items())
    config, shared = directory / "ssh_config", directory / "ssh_config_shared"
    control = directory / "c"
    control.mkdir()
    config.write_text(blocks + "\n".join(common) + "\n")
    sharing = ["  ControlMaster auto", f"  ControlPath {control}/%n", "  ControlPersist 600"]
    shared.write_text(blocks + "\n".join(common + sharing) + "\n")
    return Hosts(tuple(hosts), config, shared, control, command, directory)


def _free_port(where: str) -> int:
    with socket.socket() as sock:
        sock.bind((where, 0))
        port: int = sock.getsockname()[1]
        return port
