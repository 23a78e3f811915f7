"""What the status answers over one connection add up to: what need not be sent again, and parts of the snapshot."""

from __future__ import annotations

import secrets
from typing import Any

from tui.domain.faults import Fault
from tui.domain.sessions import Session
from tui.domain.snapshot import Part
from tui.ports import Clock
from tui.remote.mounts import MountPlan, parse_mountinfo
from tui.remote.probe_types import ProbeMemory
from tui.remote.sessions import PaneProcess, join_prefixes, parse_environ, parse_sessions
from tui.remote.status import StatusAnswer

__all__ = ["StatusSoFar"]

ENVIRON_EVERY_S = 30.0
MACHINE_EVERY_S = 300.0


class StatusSoFar:
    """One question at a time: :meth:`arguments`, then :meth:`take` of its answer, or nothing when it failed."""

    def __init__(self, host: str, clock: Clock, memory: ProbeMemory) -> None:
        self._host = host
        self._clock = clock
        self._memory = memory
        # Short, as it stands between all fields; names that hold it by chance are one in a million.
        self._nonce = secrets.token_hex(3)
        self._asked_at = 0.0
        self._asked_environ = False
        self._machine_at = 0.0
        # The first answer tells all, and who asks just once has no use for digests: the host need not make them.
        self._mounts_digest = self._sessions_digest = b"-"
        self._sessions_fault: Fault | None = None
        self._pane_processes: tuple[PaneProcess, ...] = ()
        self._environ_at: float | None = None
        self.environ_off = False
        """Looking into other processes may hang on one that is stuck in the kernel: from now on without."""
        self.known = False
        """True from the first answer."""
        self.boot: str | None = None
        self.plan: MountPlan | None = None
        """None also when the host shows no mounts."""
        self.listed: tuple[Session, ...] | None = None

    def arguments(self) -> tuple[str | bytes, ...]:
        """For ``status.sh``."""
        now = self._asked_at = self._clock.monotonic()
        known = self.boot if self.boot and now - self._machine_at < MACHINE_EVERY_S else ""
        lately = self._environ_at is not None and now - self._environ_at < ENVIRON_EVERY_S
        self._asked_environ = not self.environ_off and not lately
        environ = "env" if self._asked_environ else ""
        return known, self._mounts_digest, self._nonce, self._sessions_digest, environ

    def take(self, answer: StatusAnswer) -> dict[str, Part[Any]]:
        """machine, load and sessions."""
        now = self._clock.now()
        self.known = True
        self._memory.rebooted(answer.boot_id)
        if self._asked_environ:
            self._environ_at = self._asked_at
        if answer.machine is not None:
            self.boot, self._machine_at = answer.boot_id, self._asked_at
        parts: dict[str, Part[Any]] = {"load": Part(answer.load, now, answer.load_fault(self._host))}
        machine = answer.machine if answer.machine is not None else self._memory.old("machine").value
        if machine is not None:
            parts["machine"] = Part(machine, now)
        if answer.mountinfo is not None:
            self.plan = parse_mountinfo(answer.mountinfo) if answer.mountinfo else None
            self._mounts_digest = answer.mounts_digest
        if answer.environ is not None:
            self._pane_processes = parse_environ(answer.environ)
        if answer.listings is not None:
            self.listed, self._sessions_fault = parse_sessions(self._host, self._nonce, answer.listings, answer.tmux)
            self._sessions_digest = answer.sessions_digest
            if answer.environ is None:
                self._environ_at = None
        if self.listed is None:
            assert self._sessions_fault is not None
            parts["sessions"] = self._memory.old("sessions").failed(self._sessions_fault)
        else:
            parts["sessions"] = Part(join_prefixes(self.listed, self._pane_processes), now, self._sessions_fault)
        return parts
