"""OpenSSH's own sshd with users of its own, for the tests of the whole project.

::

    with SshServer() as server:
        ada = server.add_user(shell="/bin/bash")
        files = server.client_config({"gpu01": ada})
        subprocess.run(["ssh", "-F", files.config, "gpu01", "id"])

Needs root (or ``sudo -n``): sshd changes to the users that the test makes, and a test as root would
prove nothing about permissions. Where neither is possible it fails and says so. Users, homes, keys and
processes are gone when the server ends; what a killed test run left behind is removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import TracebackType

__all__ = [
    "ClientFiles",
    "HostEntry",
    "SshServer",
    "SshUser",
    "fingerprint",
    "generate_key",
    "run_as_root",
    "sign_key",
    "write_client_config",
]

_USER_PREFIX = "cft"
_COMMENT = "condafleet-test-of-"
_LOCK = Path(tempfile.gettempdir()) / "condafleet-test-users.lock"


@cache
def _root_prefix() -> tuple[str, ...]:
    if os.geteuid() == 0:
        return ()
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ("sudo", "-n")
    raise RuntimeError("these tests start a real sshd with users of its own: run them as root, or allow `sudo -n`")


def run_as_root(*argv: str | Path, stdin: str | None = None) -> str:
    """Run a command as root; its stdout. Raises RuntimeError with its stderr."""
    done = subprocess.run(
        [*_root_prefix(), *map(str, argv)], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{argv} failed with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


@cache
def _sshd_path() -> str:
    path = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin:" + os.environ.get("PATH", ""))
    if path is None:
        raise RuntimeError("these tests need OpenSSH's sshd: install openssh-server")
    return path


@cache
def _openssh_version() -> tuple[int, int]:
    shown = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=True).stderr
    match = re.search(r"OpenSSH_(\d+)\.(\d+)", shown)
    assert match, shown
    return int(match[1]), int(match[2])


def generate_key(path: Path, kind: str = "ed25519", passphrase: str = "", comment: str = "test") -> Path:
    """A new key pair at *path* and *path*.pub."""
    size = ["-b", "2048"] if kind == "rsa" else []
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, *size, "-N", passphrase, "-C", comment, "-f", str(path)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return path


def sign_key(
    ca: Path, public: Path, principals: Sequence[str], *, host: bool = False, validity: str = "-1d:+1d"
) -> Path:
    """Let *ca* sign *public* (a ``.pub`` file); the certificate's path."""
    subprocess.run(
        ["ssh-keygen", "-q", "-s", str(ca), "-I", "test", *(["-h"] if host else []),
         "-n", ",".join(principals), "-V", validity, str(public)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    return public.with_name(public.name.removesuffix(".pub") + "-cert.pub")


def fingerprint(public: Path) -> str:
    """``SHA256:…`` of a ``.pub`` file, as OpenSSH shows it."""
    shown = subprocess.run(["ssh-keygen", "-lf", str(public)], check=True, capture_output=True, text=True, timeout=60)
    return shown.stdout.split()[1]


@dataclass(frozen=True, slots=True)
class SshUser:
    """A real account of this machine, made for one test server."""

    name: str
    uid: int
    home: Path
    shell: str
    password: str | None
    key: Path
    """A private key that the server accepts for it (unless ``authorized`` was False)."""

    def run(self, *argv: str | Path, stdin: str | None = None) -> str:
        """Run a command as this user; its stdout. Raises RuntimeError."""
        return run_as_root("setpriv", f"--reuid={self.uid}", "--regid=nogroup", "--clear-groups",
                           "env", f"HOME={self.home}", *argv, stdin=stdin)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """What a client needs: ``ssh -F config``."""

    config: Path
    known_hosts: Path


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One alias of a client configuration."""

    server: SshServer
    user: SshUser
    address: str | None = None
    key: bool = True
    """Name the user's key; False: no IdentityFile at all."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further directives, which win over the ones written here."""


def write_client_config(directory: Path, hosts: Mapping[str, HostEntry], extra: str = "") -> ClientFiles:
    """Write ``ssh_config`` and ``known_hosts`` (all the servers' keys) below *directory*.

    The config names no agent and no global known_hosts, so nothing of the person running the test is used.
    *extra* goes before all, as it stands.
    """
    directory.mkdir(parents=True, exist_ok=True)
    known_hosts = directory / "known_hosts"
    lines = {line for entry in hosts.values() for line in entry.server.known_hosts_lines()}
    known_hosts.write_text("".join(sorted(lines)))
    blocks = [extra]
    for alias, entry in hosts.items():
        directives = {
            "HostName": entry.address or entry.server.address,
            "Port": str(entry.server.port),
            "User": entry.user.name,
            "IdentityFile": str(entry.user.key) if entry.key else "none",
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "UserKnownHostsFile": str(known_hosts),
            "GlobalKnownHostsFile": "/dev/null",
        }  # fmt: skip
        directives.update(entry.options)
        blocks.append(f"Host {alias}\n" + "".join(f"  {name} {value}\n" for name, value in directives.items()))
    config = directory / "ssh_config"
    config.write_text("\n".join(blocks))
    return ClientFiles(config, known_hosts)


class SshServer:
    """One running sshd; a context manager (also ``async with``).

    *options* are lines of sshd_config that win over the ones written here; a ``Match`` block goes in *match*,
    which is put last. All *addresses* are listened on, on one port. *wrapper* is a command that starts sshd
    (``frozen_mount.py``, say) and ends with it.
    """

    def __init__(
        self,
        *,
        addresses: Sequence[str] = ("127.0.0.1",),
        host_keys: Sequence[str] = ("ed25519", "ecdsa"),
        options: Iterable[str] = (),
        match: Iterable[str] = (),
        port: int | None = None,
        wrapper: Sequence[str | Path] = (),
    ) -> None:
        self.wrapper = [str(word) for word in wrapper]
        self.addresses = tuple(addresses)
        self.host_key_kinds = tuple(host_keys)
        self.options = list(options)
        self.match = list(match)
        self._wanted_port = port
        self.port = 0
        self.directory = Path()
        self._daemon: subprocess.Popen[bytes] | None = None
        self._daemon_pid = 0
        self._orphans: list[int] = []
        self._users: list[SshUser] = []

    # -- life ---------------------------------------------------------------------------------------

    def __enter__(self) -> SshServer:
        _root_prefix()
        sweep_users()
        # Not below a test's own directory: the users must be able to pass through to their homes.
        self.directory = Path(tempfile.mkdtemp(prefix="condafleet-sshd-"))
        self.directory.chmod(0o755)
        try:
            for name in ("keys", "authorized", "homes"):
                (self.directory / name).mkdir()
            for kind in self.host_key_kinds:
                generate_key(self.host_key(kind), kind)
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for user in self._users:
            _remove_user(user.name)
        self._users.clear()
        if self.directory != Path():
            run_as_root("rm", "-rf", "--one-file-system", self.directory)

    async def __aenter__(self) -> SshServer:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def start(self) -> None:
        """Start the daemon (again, on the same port, after :meth:`stop`)."""
        run_as_root("mkdir", "-p", "/run/sshd")
        for _ in range(20):
            self.port = self._wanted_port or _free_port(self.addresses)
            self._write_config()
            self.log_path.write_text("")
            self._daemon = subprocess.Popen(
                [*_root_prefix(), *self.wrapper, _sshd_path(), "-D",
                 "-f", str(self.directory / "sshd_config"), "-E", str(self.log_path)],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            if self._listens():
                self._wanted_port = self.port
                return
            if "Address already in use" not in self.log() or self._wanted_port:
                break
        raise RuntimeError(f"sshd did not start:\n{self.log()}")

    def stop(self) -> None:
        """End the daemon and every session of it."""
        for pid in (*self.session_pids(), self._daemon_pid if self._daemon else 0):
            _kill(pid, signal.SIGKILL)
        self._orphans = []
        if self._daemon is not None:
            self._daemon.wait(60)
            self._daemon = None

    def stop_listening(self) -> None:
        """End the daemon alone: sessions live on, new connections are refused."""
        self._orphans = self.session_pids()
        _kill(self._daemon_pid, signal.SIGKILL)
        if self._daemon is not None:
            self._daemon.wait(60)
            self._daemon = None

    def reload(self, options: Iterable[str] | None = None, match: Iterable[str] | None = None) -> None:
        """Take up other options without ending sessions or changing the port."""
        if options is not None:
            self.options = list(options)
        if match is not None:
            self.match = list(match)
        self._write_config()
        before = self.log().count("Server listening on")
        _kill(self._daemon_pid, signal.SIGHUP)
        _wait(lambda: self.log().count("Server listening on") >= before + len(self.addresses), self.log)

    # -- what tests do to it ------------------------------------------------------------------------

    def freeze(self) -> None:
        """Stop (SIGSTOP) the daemon: connections are taken by the kernel and never answered."""
        _kill(self._daemon_pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Undo :meth:`freeze` and :meth:`freeze_sessions`."""
        for pid in (self._daemon_pid, *self.session_pids()):
            _kill(pid, signal.SIGCONT)

    def freeze_sessions(self) -> None:
        """Stop (SIGSTOP) the processes that serve the open connections: a black hole."""
        stopped: set[int] = set()
        # A login that has just succeeded goes on forking: look again until nobody new turns up.
        while new := set(self.session_pids()) - stopped:
            for pid in new:
                _kill(pid, signal.SIGSTOP)
            stopped |= new

    def kill_sessions(self) -> None:
        """Kill the processes that serve the open connections."""
        for pid in self.session_pids():
            _kill(pid, signal.SIGKILL)

    def session_pids(self) -> list[int]:
        """The sshd processes that serve connections (all users'), without the daemon."""
        found = [*self._orphans, *(_descendants(self._daemon_pid) if self._daemon else [])]
        return [pid for pid in found if _command(pid).startswith("sshd")]

    # -- host keys ----------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The first address listened on."""
        return self.addresses[0]

    def host_key(self, kind: str = "ed25519") -> Path:
        """The private host key of *kind*; its public half is beside it, with ``.pub``."""
        return self.directory / "keys" / f"host_{kind}"

    def fingerprint(self, kind: str = "ed25519") -> str:
        """``SHA256:…`` of a host key."""
        return fingerprint(self.host_key(kind).with_suffix(".pub"))

    def known_hosts_lines(self, kinds: Sequence[str] | None = None) -> list[str]:
        """Lines for a known_hosts file, for every address and key (of *kinds*)."""
        names = ",".join(f"[{address}]:{self.port}" for address in self.addresses)
        keys = (self.host_key(kind).with_suffix(".pub").read_text().split() for kind in kinds or self.host_key_kinds)
        return [f"{names} {key[0]} {key[1]}\n" for key in keys]

    def replace_host_key(self, kind: str = "ed25519") -> None:
        """Give the server another key of *kind*, as after a new installation; connections live on."""
        path = self.host_key(kind)
        path.unlink()
        path.with_suffix(".pub").unlink()
        generate_key(path, kind)
        self.reload()

    # -- users --------------------------------------------------------------------------------------

    def add_user(
        self,
        name: str | None = None,
        *,
        shell: str = "/bin/sh",
        password: str | None = None,
        home: Path | None = None,
        authorized: bool = True,
        key_kind: str = "ed25519",
        key_options: str = "",
    ) -> SshUser:
        """Make a real account. Without *name* it gets a fresh one; without *home* one below the server's directory.

        *key_options* stand before its key in authorized_keys (``command="…"``, ``from="…"``).
        """
        name = name or f"{_USER_PREFIX}{secrets.token_hex(4)}"
        resolved = shutil.which(shell)
        if resolved is None:
            raise RuntimeError(f"these tests need the shell {shell}: install it")
        home = home or self.directory / "homes" / name
        with _users_locked():
            run_as_root("useradd", "-M", "-N", "-g", "nogroup", "-d", home, "-s", resolved, "-p", "*",
                        "-c", f"{_COMMENT}{os.getpid()}", name)  # fmt: skip
            if password is not None:
                run_as_root("chpasswd", "-c", "SHA512", stdin=f"{name}:{password}\n")
        key = generate_key(self.directory / "keys" / f"user_{name}", key_kind)
        user = SshUser(name, pwd.getpwnam(name).pw_uid, home, resolved, password, key)
        self._users.append(user)
        run_as_root("install", "-d", "-o", name, "-g", "nogroup", "-m", "0755", home)
        if authorized:
            self.authorize(user, key.with_suffix(".pub").read_text(), key_options)
        return user

    def authorize(self, user: SshUser, public: str, options: str = "") -> None:
        """Accept one more public key (a line) for *user*."""
        with (self.directory / "authorized" / user.name).open("a") as file:
            file.write(f"{options} {public.strip()}\n".lstrip())

    def client_config(
        self,
        users: Mapping[str, SshUser],
        *,
        directory: Path | None = None,
        options: Mapping[str, Mapping[str, str]] | None = None,
        extra: str = "",
    ) -> ClientFiles:
        """``ssh_config`` and ``known_hosts`` for aliases of this server; *options* per alias."""
        hosts = {alias: HostEntry(self, user, options=(options or {}).get(alias, {})) for alias, user in users.items()}
        return write_client_config(directory or self.directory / "client", hosts, extra)

    # -- inside -------------------------------------------------------------------------------------

    @property
    def log_path(self) -> Path:
        """The daemon's log."""
        return self.directory / "log"

    def log(self) -> str:
        """What the daemon wrote so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def _write_config(self) -> None:
        lines = [
            *self.options,
            *(f"ListenAddress {address}:{self.port}" for address in self.addresses),
            *(f"HostKey {self.host_key(kind)}" for kind in self.host_key_kinds),
            f"PidFile {self.directory / 'pid'}",
            f"AuthorizedKeysFile {self.directory / 'authorized'}/%u",
            "UsePAM no",
            "StrictModes no",
            "UseDNS no",
            "LogLevel VERBOSE",
            "MaxStartups 500:30:1000",
            "PermitRootLogin no",
            "PrintMotd no",
            "PrintLastLog no",
            *(["PerSourcePenalties no"] if _openssh_version() >= (9, 8) else []),
            *self.match,
        ]
        (self.directory / "sshd_config").write_text("\n".join(lines) + "\n")

    def _listens(self) -> bool:
        assert self._daemon is not None
        daemon = self._daemon

        def decided() -> bool:
            return daemon.poll() is not None or self.log().count("Server listening on") >= len(self.addresses)

        _wait(decided, self.log)
        if daemon.poll() is not None:
            return False
        pid_file = self.directory / "pid"
        _wait(lambda: pid_file.exists() and pid_file.read_text().strip(), self.log)
        self._daemon_pid = int(pid_file.read_text())
        return True


# -- users of this machine ------------------------------------------------------------------------------


@contextlib.contextmanager
def _users_locked() -> Iterator[None]:
    # useradd gives up at once when another one holds the password files.
    with _LOCK.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sweep_users() -> None:
    """Remove users that test runs which are gone left behind."""
    for entry in pwd.getpwall():
        if not entry.pw_gecos.startswith(_COMMENT):
            continue
        owner = entry.pw_gecos.removeprefix(_COMMENT)
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _remove_user(entry.pw_name)
            home = Path(entry.pw_dir)
            server = home.parent.parent
            if server.parent == Path(tempfile.gettempdir()) and server.name.startswith("condafleet-sshd-"):
                run_as_root("rm", "-rf", "--one-file-system", server)


def _remove_user(name: str) -> None:
    try:
        uid = pwd.getpwnam(name).pw_uid
    except KeyError:
        return
    for _ in range(50):
        pids = _processes_of(uid)
        if not pids:
            break
        for pid in pids:
            _kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    shutil.rmtree(f"/tmp/tmux-{uid}", ignore_errors=True)  # where a session of the user's kept its socket
    with _users_locked(), contextlib.suppress(RuntimeError):
        run_as_root("userdel", name)


def _processes_of(uid: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                status = (entry / "status").read_text()
                real = re.search(r"^Uid:\s+(\d+)", status, re.MULTILINE)
                if real and int(real[1]) == uid and not re.search(r"^State:\s+Z", status, re.MULTILINE):
                    found.append(int(entry.name))
    return found


# -- processes ------------------------------------------------------------------------------------------


def _kill(pid: int, number: int) -> None:
    if pid <= 1:
        return
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        with contextlib.suppress(RuntimeError):
            run_as_root("kill", f"-{int(number)}", str(pid))


def _descendants(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    queue = [root]
    while queue:
        children = parents.get(queue.pop(), [])
        found += children
        queue += children
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _free_port(addresses: Sequence[str]) -> int:
    with socket.socket() as sock:
        sock.bind((addresses[0], 0))
        port: int = sock.getsockname()[1]
        return port


def _wait(condition: object, log: object, limit: float = 30.0) -> None:
    assert callable(condition) and callable(log)
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"sshd did not come to it within {limit} s:\n{log()}")
        time.sleep(0.01)
