"""The answer of ``scripts/status.sh``: machine and load, and what changed of mounts and sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Load, Machine
from tui.domain.phrases import joined, phrase
from tui.domain.text import decode, printable
from tui.remote.wire import Record, WireError, records

__all__ = ["StatusAnswer", "parse_cpu_list", "parse_load", "parse_machine", "parse_status"]

KIB = 1024
_TOLD_BY = {
    "/proc/loadavg": phrase("load"),
    "/proc/uptime": phrase("time since the start"),
    "/proc/meminfo": phrase("memory"),
}


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """One answer; None stands for a part that the host did not send because the caller knows it."""

    boot_id: str | None
    load: Load
    machine: Machine | None
    mounts_digest: bytes
    """Empty when the host cannot make digests: then everything is sent each time."""
    mountinfo: bytes | None
    """Lines of ``/proc/self/mountinfo``, already without kernel file systems; b"" when there is none."""
    sessions_digest: bytes
    tmux: str | None
    """The tmux program of the host; None when it has none (or nothing was sent)."""
    listings: bytes | None
    """What :func:`tui.remote.sessions.parse_sessions` reads."""
    environ: tuple[bytes, ...] | None
    """What :func:`tui.remote.sessions.parse_environ` reads."""
    lacks: tuple[str, ...] = ()
    """Files below ``/proc`` without which a part of the load is unknown."""
    forbidden: bool = False
    """True when those are kept from this account; False: they are not there."""

    def load_fault(self, host: str) -> Fault | None:
        """Why the load, or a part of it, is unknown; None when all is known."""
        if not self.lacks:
            return None
        what = joined("{before}, {next}", (_TOLD_BY[path] for path in self.lacks))
        files = printable(", ".join(self.lacks))
        if self.forbidden:
            return Fault(
                FaultKind.PERMISSION,
                phrase(
                    "This account may not read {files} on {host}: {what} unknown.", files=files, host=host, what=what
                ),
                phrase("Allow this account to read /proc there, or connect as a user who may."),
            )
        return Fault(
            FaultKind.TOOL_MISSING,
            phrase("{host} has no {files}: {what} unknown.", host=host, files=files, what=what),
            phrase("Mount /proc there."),
        )


def parse_status(body: bytes, arrived: float) -> StatusAnswer:
    """*body* of an answer that arrived at Unix time *arrived*. Raises WireError when it is not whole."""
    found: dict[str, Record] = {}
    same: set[bytes] = set()
    for record in records(body):
        if record.tag == "same":
            same.update(record.fields)
        else:
            found[record.tag] = record
    if "end" not in found or "load" not in found:
        raise WireError("the status is not whole")
    boot_id = found["load"].text(0)
    machine = found.get("machine")
    mounts = found.get("mounts")
    sessions = found.get("sessions")
    lacks = found.get("lacks")
    environ = found.get("environ")
    return StatusAnswer(
        boot_id=boot_id,
        load=parse_load(found["load"]),
        machine=replace(parse_machine(machine, arrived), boot_id=boot_id) if machine else None,
        mounts_digest=_field(mounts, 0),
        mountinfo=None if b"mounts" in same or mounts is None else _field(mounts, 1),
        sessions_digest=_field(sessions, 0),
        tmux=sessions.text(1) if sessions else None,
        listings=None if b"sessions" in same or sessions is None else _field(sessions, 2),
        environ=environ.fields if environ else None,
        lacks=tuple(path for path in decode(_field(lacks, 1)).split() if path in _TOLD_BY),
        forbidden=_field(lacks, 0) == b"x",
    )


def parse_load(record: Record) -> Load:
    """The ``=load`` record: boot id, loadavg, uptime, lines of meminfo."""
    loads = Record("", tuple(record.fields[1].split()) if len(record.fields) > 1 else ())
    uptime = Record("", tuple(record.fields[2].split()) if len(record.fields) > 2 else ())
    memory: dict[bytes, int] = {}
    for word in record.fields[3].split() if len(record.fields) > 3 else ():
        key, _, value = word.partition(b":")
        if value.isdigit() and len(value) <= 15:
            memory[key] = int(value) * KIB
    available = memory.get(b"MemAvailable")
    if available is None and b"MemFree" in memory:
        # Kernels before 3.14 don't say it; this is what was counted then.
        available = memory[b"MemFree"] + memory.get(b"Buffers", 0) + memory.get(b"Cached", 0)
    return Load(
        load1=loads.number(0),
        load5=loads.number(1),
        load15=loads.number(2),
        memory_total_bytes=memory.get(b"MemTotal"),
        memory_available_bytes=available,
        swap_total_bytes=memory.get(b"SwapTotal"),
        swap_free_bytes=memory.get(b"SwapFree"),
        uptime_s=uptime.number(0),
    )


def parse_machine(record: Record, arrived: float) -> Machine:
    """The ``=machine`` record; where its clock is read to the second, the offset is right to half of one."""
    clock = record.number(11)
    if clock is not None and record.integer(11) is not None:
        clock += 0.5
    return Machine(
        machine_id=record.text(0),
        hostname=record.text(1),
        os=_unquoted(record.text(2)),
        kernel=record.text(3),
        arch=record.text(4),
        cores=parse_cpu_list(_field(record, 5)),
        libc=_libc(record.text(6)),
        user=record.text(7),
        uid=record.integer(8),
        home=record.text(9),
        shell=record.text(10),
        clock_offset_s=clock - arrived if clock is not None else None,
        tools=frozenset(map(decode, _field(record, 12).split())),
        played=_field(record, 13) == b"played",
    )


def parse_cpu_list(text: bytes) -> int | None:
    """How many processors ``0-63,128`` are; a single plain number above 0 is their count in a played file.

    None when it cannot be read. A machine with one processor says ``0``.
    """
    text = text.strip()
    if text == b"0":
        return 1
    if text.isdigit() and len(text) <= 6:
        return int(text)
    total = 0
    for part in text.split(b","):
        low, dash, high = part.partition(b"-")
        if not low.isdigit() or len(low) > 6 or (dash and (not high.isdigit() or len(high) > 6)):
            return None
        total += int(high) - int(low) + 1 if dash else 1
    return total if total > 0 else None


def _libc(said: str | None) -> str | None:
    """``glibc 2.36``, from getconf or from the first lines of ``ldd --version``."""
    if said is None:
        return None
    lines = said.splitlines()
    first = lines[0].strip()
    if first.startswith("glibc "):
        return first[:40]
    if "musl" in first:
        version = next((line.split()[-1] for line in lines if line.startswith("Version ")), "")
        return f"musl {version}".strip()[:40]
    words = first.split()
    if first.startswith("ldd ") and words[-1][:1].isdigit():
        return f"glibc {words[-1]}"[:40]
    return None


def _unquoted(value: str | None) -> str | None:
    """A value of os-release: shell quoting as far as that file uses it."""
    if value is None:
        return None
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return re.sub(r"\\(.)", r"\1", value) or None


def _field(record: Record | None, index: int) -> bytes:
    return record.fields[index] if record is not None and index < len(record.fields) else b""
