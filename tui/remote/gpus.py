"""GPUs out of what ``scripts/gpus.sh`` gathers from nvidia-smi, rocm-smi and /proc.

Unknown values (``[N/A]``, ``[Not Supported]``, ``ERR!``, ``[Unknown Error]`` …) are None, never 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tui.domain.faults import Fault, FaultKind
from tui.domain.gpus import Gpu, GpuProcess, MigDevice
from tui.domain.phrases import phrase
from tui.domain.sessions import Session
from tui.domain.text import decode, printable
from tui.remote.wire import Record, WireError, records

__all__ = ["GpuAnswer", "join_sessions", "parse_gpus"]

MIB = 1 << 20
MAX_GPUS = 1024
_CUDA = re.compile(r"CUDA (?:UMD )?Version\s*:\s*(\d{1,3}\.\d{1,3})")
_LIST_GPU = re.compile(r"GPU (\d{1,4}):")
_LIST_MIG = re.compile(r"\s+MIG (\S{1,40})\s+Device\s+(\d{1,4}):(?:.*\(UUID: ([^)]{1,100})\))?")
_TABLE_MIG = re.compile(r"\|\s+(\d{1,4})\s+\d{1,4}\s+\d{1,4}\s+(\d{1,4})\s+\|\s+(\d{1,9})MiB\s+/\s+(\d{1,9})MiB")
_PROC = re.compile(rb"==> /proc/(\d{1,10})/\w+ <==")


@dataclass(frozen=True, slots=True)
class GpuAnswer:
    """The GPUs; None when nothing is known, () when the host has none."""

    gpus: tuple[Gpu, ...] | None
    fault: Fault | None
    cuda: Mapping[str, str] = field(default_factory=dict)
    """Highest CUDA version by driver version, to be remembered by the caller."""
    tmux: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    """Socket and pane of the processes that run in tmux, by pid; see :func:`join_sessions`."""


@dataclass(frozen=True, slots=True)
class _Process:
    user: str | None = None
    command: str | None = None
    prefix: str | None = None
    socket: str | None = None
    pane: str | None = None


def parse_gpus(body: bytes, host: str, cuda: Mapping[str, str]) -> GpuAnswer:
    """The answer *body*; *cuda* is what is remembered. Raises WireError when it is not whole."""
    found: dict[str, Record] = {}
    vendors: list[str] = []
    for record in records(body):
        if record.tag == "device":
            vendors.append(record.text(0) or "")
        else:
            found[record.tag] = record
    if "end" not in found:
        raise WireError("the GPU answer is not whole")
    gpus: list[Gpu] = []
    faults: list[Fault] = []
    tmux: dict[int, tuple[str, str]] = {}
    cuda = dict(cuda)
    if "nvidia" in found:
        processes = _parse_processes(found["procs"]) if "procs" in found else {}
        rows, fault = _parse_nvidia(found, host, cuda, processes)
        gpus += rows
        faults += [fault] if fault else []
        tmux = {pid: (item.socket, item.pane) for pid, item in processes.items() if item.socket and item.pane}
    if "rocm" in found:
        rows, fault = _parse_rocm(found["rocm"], host, len(gpus))
        gpus += rows
        faults += [fault] if fault else []
    for vendor in vendors:
        tool = "rocm-smi" if vendor == "amd" else "nvidia-smi"
        faults.append(
            Fault(
                FaultKind.TOOL_MISSING,
                phrase(
                    "{host} has a GPU ({vendor}), but {tool} was not found.",
                    host=host,
                    vendor=printable(vendor),
                    tool=tool,
                ),
                phrase("Install {tool} there, or put it on the PATH of non-interactive shells.", tool=tool),
            )
        )
    value = tuple(gpus) if gpus or not faults else None
    return GpuAnswer(value, faults[0] if faults else None, cuda, tmux)


def join_sessions(
    gpus: Sequence[Gpu], tmux: Mapping[int, tuple[str, str]], sessions: Sequence[Session]
) -> tuple[Gpu, ...]:
    """*gpus* with the tmux session of each process that runs in one."""
    panes = {
        (session.socket, pane.id): session.id
        for session in sessions
        for window in session.windows
        for pane in window.panes
    }
    return tuple(
        replace(
            gpu,
            processes=tuple(
                process
                if process.pid is None or process.pid not in tmux
                else replace(process, session=panes.get(tmux[process.pid]))
                for process in gpu.processes
            ),
        )
        for gpu in gpus
    )


def _parse_nvidia(
    found: Mapping[str, Record], host: str, cuda: dict[str, str], processes: Mapping[int, _Process]
) -> tuple[list[Gpu], Fault | None]:
    status, csv = found["nvidia"].integer(0), found["nvidia"].text(1) or ""
    if "no devices were found" in csv.lower():
        return [], None
    rows = [row for row in map(_split_row, csv.split("\n")) if row is not None][:MAX_GPUS]
    if not rows:
        said = printable(" ".join(csv.split())[:300]) or phrase("nothing (status {status})", status=str(status))
        return [], Fault(
            FaultKind.INCOMPLETE,
            phrase("nvidia-smi on {host} gave no GPUs; it said: {said}", host=host, said=said),
            phrase("Look at the driver: `nvidia-smi`, `dmesg | grep -i nvrm`; a new kernel may need its module."),
        )
    table = found["table"].text(0) or "" if "table" in found else ""
    version = _CUDA.search(table)
    if version:
        cuda.update({row[3]: version[1] for row in rows if _known(row[3])})
    migs = _parse_mig(found["list"].text(0) or "", table) if "list" in found else {}
    apps = _parse_apps(found["apps"], processes) if "apps" in found else {}
    gpus = []
    for row in rows:
        uuid = _known(row[1])
        gpus.append(
            Gpu(
                host=host,
                index=int(row[0]),
                uuid=uuid,
                name=_known(row[2]),
                driver=_known(row[3]),
                cuda_max=cuda.get(row[3]),
                util_pct=_number(row[4]),
                memory_used_bytes=_bytes(row[5]),
                memory_total_bytes=_bytes(row[6]),
                temperature_c=_number(row[7]),
                power_w=_number(row[8]),
                mig={"Enabled": True, "Disabled": False}.get(row[9]),
                mig_devices=tuple(migs.get(int(row[0]), ())),
                processes=tuple(apps.get(uuid or "", ())),
            )
        )
    fault = None
    if status:
        fault = Fault(
            FaultKind.INCOMPLETE,
            phrase("nvidia-smi on {host} ended with status {status}; some cards may miss.", host=host, status=status),
            "",
        )
    elif "apps" in found and found["apps"].integer(0):
        fault = Fault(
            FaultKind.INCOMPLETE,
            phrase("nvidia-smi on {host} could not list the processes on its GPUs.", host=host),
            "",
        )
    return gpus, fault


def _split_row(line: str) -> tuple[str, ...] | None:
    """index, uuid, name, driver, util, used, total, temperature, power, mig; the name alone may hold commas."""
    fields = [part.strip() for part in line.split(",")]
    if len(fields) < 9 or not fields[0].isascii() or not fields[0].isdigit() or len(fields[0]) > 4:
        return None
    # Drivers too old for MIG are asked without its field: then the last one is the power draw.
    if len(fields) == 9 or not (fields[-1] in ("Enabled", "Disabled") or fields[-1].startswith("[")):
        fields.append("[N/A]")
    return (fields[0], fields[1], ", ".join(fields[2:-7]), *fields[-7:])


def _parse_apps(record: Record, processes: Mapping[int, _Process]) -> dict[str, list[GpuProcess]]:
    apps: dict[str, list[GpuProcess]] = {}
    if record.integer(0):
        return apps
    for line in (record.text(1) or "").split("\n"):
        fields = [part.strip() for part in line.split(",")]
        if len(fields) != 3:
            continue
        pid = int(fields[1]) if fields[1].isascii() and fields[1].isdigit() and len(fields[1]) <= 10 else None
        seen = processes.get(pid, _Process()) if pid is not None else _Process()
        apps.setdefault(fields[0], []).append(GpuProcess(pid, seen.user, seen.command, _bytes(fields[2]), seen.prefix))
    return apps


def _parse_mig(listing: str, table: str) -> dict[int, list[MigDevice]]:
    memory = {
        (int(match[1]), int(match[2])): (int(match[3]) * MIB, int(match[4]) * MIB)
        for match in _TABLE_MIG.finditer(table)
    }
    devices: dict[int, list[MigDevice]] = {}
    gpu = None
    for line in listing.split("\n"):
        if match := _LIST_GPU.match(line):
            gpu = int(match[1])
        elif gpu is not None and (match := _LIST_MIG.match(line)):
            used, total = memory.get((gpu, int(match[2])), (None, None))
            devices.setdefault(gpu, []).append(MigDevice(int(match[2]), match[1], match[3], used, total))
    return devices


def _parse_processes(record: Record) -> dict[int, _Process]:
    """Owners (``/proc/7 ada``), links (``… /proc/7/exe -> /path``), command lines and environments, by pid."""
    owners, links, commands, environs = (record.fields + (b"",) * 4)[:4]
    users: dict[int, bytes] = {}
    for line in owners.split(b"\n"):
        if match := re.fullmatch(rb"/proc/(\d{1,10}) (.+)", line):
            users[int(match[1])] = match[2]
    programs: dict[int, bytes] = {}
    for line in links.split(b"\n"):
        if match := re.search(rb" /proc/(\d{1,10})/exe -> (.+)", line):
            programs[int(match[1])] = match[2]
    lines = {pid: part.strip(b"\n\x01").replace(b"\x01", b" ") for pid, part in _by_process(commands).items()}
    places = {pid: _variables(part) for pid, part in _by_process(environs).items()}
    known: dict[int, _Process] = {}
    for pid in users.keys() | programs.keys() | lines.keys() | places.keys():
        values = places.get(pid, {})
        prefix = values.get(b"CONDA_PREFIX") or values.get(b"VIRTUAL_ENV") or _prefix_of(programs.get(pid, b""))
        socket = values.get(b"TMUX", b"").rsplit(b",", 2)[0]
        known[pid] = _Process(
            user=_text(users.get(pid)),
            command=_text(lines.get(pid)),
            prefix=_text(prefix),
            socket=_text(socket),
            pane=_text(values.get(b"TMUX_PANE")),
        )
    return known


def _by_process(text: bytes) -> dict[int, bytes]:
    """The parts of tail's answer by pid."""
    heads = list(_PROC.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return {int(head[1]): text[head.end() : end] for head, end in zip(heads, ends, strict=False)}


def _variables(part: bytes) -> dict[bytes, bytes]:
    pairs = (line.partition(b"=") for line in part.split(b"\n") if b"=" in line)
    return {key: value.replace(b"\x01", b"\n") for key, _, value in pairs}


def _prefix_of(program: bytes) -> bytes:
    """The prefix of a Python that runs out of an environment; empty for the system's."""
    match = re.fullmatch(rb"(/.+)/bin/python[0-9.]*", program)
    return match[1] if match and match[1] not in (b"/usr", b"/usr/local") else b""


def _parse_rocm(record: Record, host: str, first: int) -> tuple[list[Gpu], Fault | None]:
    status, said = record.integer(0), record.text(1) or ""
    # Warnings may stand before the JSON.
    start = said.find("{")
    try:
        cards = json.loads(said[start:]) if start >= 0 else None
    except (ValueError, RecursionError):
        cards = None
    if not isinstance(cards, dict):
        words = printable(" ".join(said.split())[:300]) or phrase("nothing (status {status})", status=str(status))
        return [], Fault(
            FaultKind.INCOMPLETE,
            phrase("rocm-smi on {host} gave no GPUs; it said: {words}", host=host, words=words),
            phrase("Look at the driver: `rocm-smi`, `dmesg | grep -i amdgpu`."),
        )
    system = cards.get("system")
    driver = system.get("Driver version") if isinstance(system, dict) else None
    gpus = []
    for name, card in list(cards.items())[:MAX_GPUS]:
        if not re.fullmatch(r"card\d{1,4}", name) or not isinstance(card, dict):
            continue
        get = {str(key).lower(): str(value).strip() for key, value in card.items()}.get
        sensors = (_number(get(f"temperature (sensor {name}) (c)", "")) for name in ("edge", "junction", "hotspot"))
        power = get("average graphics package power (w)") or get("current socket graphics package power (w)") or ""
        gpus.append(
            Gpu(
                host=host,
                index=first + int(name[4:]),
                uuid=_known(get("unique id", "")),
                name=_known(get("card series", "")) or _known(get("card model", "")),
                driver=_known(str(driver)) if driver is not None else None,
                util_pct=_number(get("gpu use (%)", "")),
                memory_used_bytes=_plain_bytes(get("vram total used memory (b)", "")),
                memory_total_bytes=_plain_bytes(get("vram total memory (b)", "")),
                temperature_c=next((value for value in sensors if value is not None), None),
                power_w=_number(power),
                vendor="amd",
            )
        )
    gpus.sort(key=lambda gpu: gpu.index)
    return gpus, None


def _text(raw: bytes | None) -> str | None:
    return decode(raw[:10_000]) if raw else None


def _known(text: str | None) -> str | None:
    """*text*, or None for the many ways in which the tools say that they do not know."""
    if not text or text.startswith("[") or text.upper() in ("N/A", "ERR!", "UNKNOWN ERROR"):
        return None
    return text


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d{1,12}(\.\d{1,6})?", text) else None


def _bytes(mebibytes: str) -> int | None:
    return int(mebibytes) * MIB if mebibytes.isascii() and mebibytes.isdigit() and len(mebibytes) <= 12 else None


def _plain_bytes(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
