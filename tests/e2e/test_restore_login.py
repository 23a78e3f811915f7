"""``archive restore`` of an environment whose channel wanted a password: it is asked for, and written down nowhere."""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.condafleet_command import Command
from tests.e2e.test_carry import command
from tests.services.carryfleet import CarryFleet, wrapper
from tests.sshd import SshServer
from tests.standin import standin_channel
from tui.domain.archive import ArchiveCause
from tui.domain.envrecord import CondaRecord, EnvironmentRecord
from tui.domain.text import encode
from tui.storage.archives import Archives

SECRET = "hunter2-Zq9%41"
CAUSE = ArchiveCause("remove", "ada@laptop", "20261121-120000-00000001", None)


class Private(SimpleHTTPRequestHandler):
    """A channel for ada alone."""

    def do_GET(self) -> None:
        wanted = "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()
        if self.headers.get("Authorization") != wanted:
            self.send_error(401)
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def channel() -> Iterator[str]:
    handler = partial(Private, directory=str(standin_channel() / "channel"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer(wrapper=wrapper()) as server:
        yield server


def archived(run: Command, hosts: CarryFleet, channel: str, secret: str = f"ada:{SECRET}@") -> str:
    """The id of an archive of an environment on gpu02."""
    file = "libsmall-1.0-h0.conda"
    body = (standin_channel() / "channel/linux-64" / file).read_bytes()
    record = CondaRecord(
        "libsmall-1.0-h0", "libsmall", "1.0", "h0", f"http://{secret}{channel}/linux-64",
        f"http://{secret}{channel}/linux-64/{file}", hashlib.md5(body, usedforsecurity=False).hexdigest(),
        subdir="linux-64", file_name=file,
    )  # fmt: skip
    prefix = str(hosts.target.env("again"))
    return str(Archives(Path(run.env["CONDAFLEET_STATE_DIR"])).save(
        EnvironmentRecord("gpu02", prefix, "again", (record,)), CAUSE
    ))  # fmt: skip


class Watched:
    """Everything that is written on either side, and the arguments of every process, while it goes on."""

    def __init__(self, *folders: Path) -> None:
        self._folders = (*folders, Path("/dev/shm"))
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.found: set[str] = set()
        self.looks = 0

    def look(self) -> None:
        """Once."""
        self.looks += 1
        # What goes meanwhile is passed over.
        walked = (step for folder in self._folders for step in os.walk(folder))
        # Beside this test others have their demos in memory.
        places = [Path(at, name) for at, _, names in walked for name in names if "/condafleet-demo-" not in at]
        for path in (*places, *Path("/proc").glob("[0-9]*/cmdline")):
            try:
                if path.is_file() and not path.is_symlink() and encode(SECRET) in path.read_bytes():
                    self.found.add(str(path))
            except OSError:
                continue

    def _watch(self) -> None:
        while not self._end.wait(0.05):
            self.look()

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.look()


@pytest.mark.parametrize("tool", ["conda", "micromamba"])
def test_it_is_asked_for_and_is_nowhere_afterwards(server: SshServer, channel: str, tmp_path: Path, tool: str) -> None:
    hosts = CarryFleet(server, tmp_path, tool, "libsmall=1.0")
    run = command(server, hosts, tmp_path)
    id_ = archived(run, hosts, f"{channel}")
    hosts.target.slow(download="1", link="1")
    with Watched(hosts.user("gpu02").home, tmp_path) as watched:
        done = run.on_tty("archive", "restore", id_, "--yes", answers={r"User: ": "ada", r"password of ada: ": SECRET})
    assert done.code == 0, (done.stderr, done.terminal)
    assert hosts.target.env("again").joinpath("conda-meta/libsmall-1.0-h0.json").exists()
    assert watched.looks > 2
    assert not watched.found
    assert encode(SECRET) not in done.terminal + done.stdout + done.stderr
    assert b"REDACTED" not in b"".join(
        path.read_bytes() for path in hosts.target.env("again").rglob("conda-meta/*") if path.is_file()
    )


def test_a_wrong_one_fails_and_says_so(server: SshServer, channel: str, tmp_path: Path) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", "libsmall=1.0")
    run = command(server, hosts, tmp_path)
    id_ = archived(run, hosts, channel)
    done = run.on_tty("archive", "restore", id_, "--yes", answers={r"User: ": "ada", r"password of ada: ": "wrong"})
    assert done.code == 1, done.stderr
    assert b"401" in done.stderr
    assert not hosts.target.env("again").exists()


def test_a_token_or_nobody_to_ask_is_refused_with_its_reason(server: SshServer, channel: str, tmp_path: Path) -> None:
    hosts = CarryFleet(server, tmp_path, "conda", "libsmall=1.0")
    run = command(server, hosts, tmp_path)
    silent = run("archive", "restore", archived(run, hosts, channel), "--yes")
    assert silent.code == 3
    assert b"no terminal" in silent.stderr
    looked = run("archive", "restore", archived(run, hosts, channel), "--dry-run")
    assert looked.code == 0, looked.stderr
    assert b"it will be asked for a user and password of 127.0.0.1" in looked.stderr
    token = run.on_tty("archive", "restore", archived(run, hosts, f"{channel}/t/{SECRET}", ""), "--yes", answers={})
    assert token.code == 3
    assert b"written down" in token.stderr
    odd = run.on_tty(
        "archive", "restore", archived(run, hosts, channel), "--yes",
        answers={r"User: ": "ada", r"password of ada: ": "two words"},
    )  # fmt: skip
    assert odd.code == 3
    assert not hosts.target.env("again").exists()
