"""``condafleet demo``: the screen, or a command, on a throwaway fleet."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tui.demo.fleet import DemoFleet
from tui.demo.layouts import DEFAULT_HOSTS, MOST_HOSTS
from tui.demo.standin.place import SLOW
from tui.domain.errors import UsageError

__all__ = ["run_demo"]

_PACE = "solve=0.5 download=0.15 link=0.04 unlink=0.02 remove=0.5"
"""How long the hosts' conda takes for somebody who watches: packages so small would be there before they are seen."""


def run_demo(
    hosts: int | None,
    command: Sequence[str] | None,
    *,
    debug: bool = False,
    readonly: bool = False,
    open_screen: Callable[[Path], int],
) -> int:
    """Run *command*, or *open_screen* with the configuration file, on *hosts* throwaway hosts; its exit code.

    *hosts* None means six. Both see CONDAFLEET_CONFIG, CONDAFLEET_SSH_CONFIG and CONDAFLEET_STATE_DIR set, and
    no SSH agent. CONDAFLEET_READONLY=1 tells a command of *readonly*. A command ended by a signal gives 128 + its
    number, one that is not there 127. Raises UsageError for a wrong number of hosts and CondafleetError when the
    fleet can't be made.
    """
    hosts = DEFAULT_HOSTS if hosts is None else hosts
    if not 1 <= hosts <= MOST_HOSTS:
        raise UsageError(f"demo --hosts takes 1 to {MOST_HOSTS}, not {hosts}.", "Nothing was started.")
    if sys.stderr.isatty():
        print(f"Making a throwaway fleet of {hosts} {'host' if hosts == 1 else 'hosts'} …", file=sys.stderr)
    with DemoFleet(hosts, debug=debug) as fleet:
        changes = {**fleet.environ, **({"CONDAFLEET_READONLY": "1"} if readonly else {})}
        if command:
            return _run(command, changes)
        for host in fleet.hosts:
            (host.home / SLOW).write_text(_PACE, encoding="utf-8")
        with _environ(changes):
            return open_screen(fleet.config)


def _run(command: Sequence[str], changes: Mapping[str, str]) -> int:
    environ = {**os.environ, **changes}
    environ.pop("SSH_AUTH_SOCK", None)
    # So that `condafleet` means this one, also where its environment was not activated.
    environ["PATH"] = os.pathsep.join((environ.get("PATH", os.defpath), str(Path(sys.executable).parent)))
    with _passing_signals() as started:
        try:
            process = subprocess.Popen(list(command), env=environ)
        except OSError as error:
            print(f"condafleet demo: {command[0]}: {error.strerror}", file=sys.stderr)
            return 126 if isinstance(error, PermissionError) else 127
        started(process)
        code = process.wait()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _passing_signals() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Ctrl-C reaches the command by the terminal; being told to end is passed on to it, once it is known."""
    command: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, _: object) -> None:
        if command:
            command[0].send_signal(number)
        else:
            early.append(number)

    def started(process: subprocess.Popen[bytes]) -> None:
        command.append(process)
        for number in early:
            process.send_signal(number)

    before = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
    before |= {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _environ(changes: Mapping[str, str]) -> Iterator[None]:
    """These variables for a while, and no SSH agent."""
    before = {key: os.environ.get(key) for key in (*changes, "SSH_AUTH_SOCK")}
    os.environ.update(changes)
    os.environ.pop("SSH_AUTH_SOCK", None)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
