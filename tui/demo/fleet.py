"""The handle on a demo fleet: starts its server process, says how to reach the hosts, ends it.

::

    with DemoFleet(6) as fleet:                       # or DemoFleet([HostPlan("a", behaviour=Behaviour(…)), …])
        subprocess.run(["ssh", "-F", fleet.ssh_config, "gpu01", "true"])
        environ = {**os.environ, **fleet.environ}     # condafleet sees the demo alone
        fleet.host("gpu01").home
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tui
from tui.demo.cleanup import reap, remove
from tui.demo.layouts import default_fleet
from tui.demo.plan import HostPlan
from tui.demo.settings import CONFIG, SSH_CONFIG, STATE, environment
from tui.domain.errors import CondafleetError

__all__ = ["DemoFleet", "DemoFleetHost"]

START_LIMIT_S = 90.0
STOP_LIMIT_S = 15.0


@dataclass(frozen=True, slots=True)
class DemoFleetHost:
    """Where a demo host is."""

    plan: HostPlan
    port: int
    root: Path
    """Everything of the host lies below; ``/opt/…`` of a layout is ``root/opt/…``."""

    @property
    def name(self) -> str:
        """Its name in the fleet."""
        return self.plan.name

    @property
    def home(self) -> Path:
        """Its account's home."""
        return self.root / "home" / self.plan.user

    @property
    def played(self) -> Path:
        """The folder of played numbers."""
        return self.root / "played"


class DemoFleet:
    """A fleet of real SSH servers on 127.0.0.1, gone when it is stopped or when this process ends, however."""

    def __init__(
        self,
        hosts: int | Sequence[HostPlan] = 6,
        *,
        debug: bool = False,
        parent: Path | None = None,
        name: str | None = None,
    ) -> None:
        """*hosts*: how many of the default fleet, or plans. *parent*: where to make the folder (None: as usual).

        *name*: what the folder is called after its prefix, for pictures; None: a name that nobody has.
        """
        self.plans = default_fleet(hosts) if isinstance(hosts, int) else tuple(hosts)
        self._debug = debug
        self._parent = parent
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._base: Path | None = None
        self._ports: dict[str, int] = {}
        self._unread = b""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Build and serve; returns when every host listens. Raises CondafleetError."""
        request = {
            "hosts": [plan.to_json() for plan in self.plans],
            "debug": self._debug,
            "parent": str(self._parent) if self._parent else None,
            "name": self._name,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tui.demo.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._server_environ(),
            cwd="/",
            start_new_session=True,  # Ctrl-C on the terminal is for the app; the demo ends after it
        )
        try:
            self._send(request)
            self._base = Path(self._answer(START_LIMIT_S)["base"])
            self._ports = self._answer(START_LIMIT_S)["ports"]
        except BaseException:
            self.stop()
            raise

    @staticmethod
    def _server_environ() -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "TMPDIR", "LANG", "LC_ALL", "HOME") if key in os.environ}
        above = str(Path(tui.__file__).resolve().parent.parent)
        return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (above, os.environ.get("PYTHONPATH"))))}

    def _send(self, words: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(words).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._failed("its server has ended") from error

    def _answer(self, limit: float) -> dict[str, Any]:
        assert self._process is not None and self._process.stdout is not None
        descriptor, end = self._process.stdout.fileno(), time.monotonic() + limit
        while b"\n" not in self._unread:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise self._failed(f"its server did not answer within {limit:.0f} s")
            data = os.read(descriptor, 65536)
            if not data:
                raise self._failed("its server has ended")
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        words: dict[str, Any] = json.loads(line)
        if "error" in words:
            raise self._failed(words["error"])
        return words

    def _failed(self, why: str) -> CondafleetError:
        words = ""
        if self._process is not None and self._process.stderr is not None:
            os.set_blocking(self._process.stderr.fileno(), False)
            with contextlib.suppress(OSError):
                words = (self._process.stderr.read() or b"").decode(errors="replace").strip().rpartition("\n")[2]
        return CondafleetError(
            f"The demo fleet could not be run: {why}{f' ({words})' if words else ''}. Nothing outside its own "
            "temporary folder was touched.",
            "It needs about 60 MB in the folder for temporary files and free ports on 127.0.0.1; TMPDIR moves it.",
        )

    def stop(self) -> None:
        """End all of it; returns when processes and files are gone. Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._base is not None and self._base.exists():  # the server was killed, or could not finish
            reap(self._base)
            remove(self._base)

    @property
    def base(self) -> Path:
        """The folder that holds everything."""
        if self._base is None:
            raise RuntimeError("the demo fleet was not started")
        return self._base

    @property
    def config(self) -> Path:
        """The configuration file of the fleet."""
        return self.base / CONFIG

    @property
    def ssh_config(self) -> Path:
        """For ``ssh -F``: knows the hosts by name, and nothing of the user's."""
        return self.base / SSH_CONFIG

    @property
    def state(self) -> Path:
        """The state folder for condafleet."""
        return self.base / STATE

    @property
    def identity(self) -> Path:
        """The private key that the hosts accept."""
        return self.base / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        """The file that vouches for the hosts."""
        return self.base / "known_hosts"

    @property
    def environ(self) -> dict[str, str]:
        """The variables that make condafleet use this fleet."""
        return environment(self.base)

    @property
    def server_pid(self) -> int:
        """The server process."""
        if self._process is None:
            raise RuntimeError("the demo fleet does not run")
        return self._process.pid

    @property
    def hosts(self) -> tuple[DemoFleetHost, ...]:
        """All hosts, in order."""
        return tuple(DemoFleetHost(plan, self._ports[plan.name], self.base / plan.name) for plan in self.plans)

    def host(self, name: str) -> DemoFleetHost:
        """One of them. Raises KeyError."""
        return {host.name: host for host in self.hosts}[name]

    def drop(self, name: str) -> None:
        """End all connections to a host at once; new ones are accepted."""
        self._order("drop", name)

    def stop_host(self, name: str) -> None:
        """As :meth:`drop`, and refuse new connections until :meth:`start_host`."""
        self._order("stop", name)

    def start_host(self, name: str) -> None:
        """Accept connections again, on the same port, with the same host key."""
        self._order("start", name)

    def _order(self, order: str, name: str) -> None:
        self._send({"order": order, "host": name})
        self._answer(10)
