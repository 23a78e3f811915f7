"""Domain values as the JSON of the outside contract. Pure.

Every string that came from a host is in printed form (:func:`tui.domain.text.printable`); command lines, titles,
addresses and messages have their secrets taken out (:func:`tui.domain.redact.redact`), names and paths stay as
they are because they are read back. Times are ISO 8601 in UTC, sizes whole bytes, what is unknown is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from tui.cli.once import once
from tui.cli.report import HostReport
from tui.cli.words import harmless
from tui.domain.environments import Environment, Install, Use
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import Fault
from tui.domain.gpus import Gpu, GpuProcess, MigDevice
from tui.domain.machine import Load, Machine, Mount
from tui.domain.packages import Package
from tui.domain.redact import redact
from tui.domain.sessions import Pane, Session, Window
from tui.domain.text import printable
from tui.ports import ConnectionFacts, TrustedKey

__all__ = [
    "SCHEMA",
    "connection_json",
    "document",
    "environment_json",
    "error_json",
    "fault_json",
    "gpu_json",
    "host_json",
    "install_json",
    "load_json",
    "machine_json",
    "mount_json",
    "package_json",
    "session_json",
    "time_json",
    "trusted_key_json",
]

SCHEMA = 1

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Object = dict[str, Json]


def document(
    now: float,
    hosts: Iterable[HostReport],
    plural: str,
    items: Sequence[Object] = (),
    error: CondafleetError | None = None,
    extra: Mapping[str, Json] | None = None,
) -> Object:
    """The one object that a command prints: results under *plural*, then *extra*, then the error.

    Where the results are the hosts themselves, *items* are these in full.
    """
    shown: Object = {
        "schema": SCHEMA,
        "generated": time_json(now),
        "hosts": [host_json(report, now) for report in hosts],
    }
    if plural != "hosts" or items:
        shown[plural] = list(items)
    shown.update(extra or {})
    shown["error"] = None if error is None else error_json(error)
    return shown


def time_json(time: float | None) -> str | None:
    """Unix seconds as ``2026-01-31T09:30:00Z``; None for what is unknown or beyond the calendar."""
    if time is None or not math.isfinite(time):
        return None
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None


def error_json(error: CondafleetError) -> Object:
    """An error as ``{kind, message, remedy}``."""
    return {
        "kind": str(error.kind),
        "message": redact(harmless(error.message)),
        "remedy": harmless(once(error.remedy)) or None,
    }


def fault_json(fault: Fault | None) -> Object | None:
    """A fault as ``{kind, message, remedy, retry_at}``; None stays None.

    ``retry_at`` is null: a command asks once and ends, so nobody makes the try that a watcher would.
    """
    if fault is None:
        return None
    return {**error_json(HostFaultError(fault)), "retry_at": None}


def host_json(report: HostReport, now: float) -> Object:
    """A selected host, dead ones too. ``parts`` holds why something of it is not there."""
    view = report.view
    time = view.snapshot.time
    return {
        "name": view.name,
        "address": _text(view.facts.address or view.spec.address),
        "user": _text(view.facts.user or view.spec.user),
        "port": view.facts.port or view.spec.port,
        "state": view.state.value,
        "fault": fault_json(report.fault),
        "snapshot_time": time_json(time),
        "age_s": None if time is None else max(0, round(now - time)),
        "groups": sorted(view.spec.groups),
        "part_faults": [{"part": part, **(fault_json(fault) or {})} for part, fault in report.part_faults],
    }


def trusted_key_json(key: TrustedKey) -> Object:
    """The host key that ``hosts trust`` saved; ``file`` is null when it was known before or no file is named."""
    return {
        "key_type": _text(key.key_type),
        "fingerprint": _text(key.fingerprint),
        "file": _text(key.file),
        "known_before": key.known_before,
    }


def environment_json(env: Environment) -> Object:
    """One environment, in the contract's fields and order."""
    size = env.size
    return {
        "host": env.host,
        "name": _text(env.name),
        "prefix": printable(env.prefix),
        "install": _text(env.install),
        "manager": env.manager.value,
        "kind": env.kind.value,
        "python": _text(env.python),
        "conda_packages": env.conda_packages,
        "pip_packages": env.pip_packages,
        "created": time_json(env.created),
        "modified": time_json(env.modified),
        "last_used": time_json(env.last_used),
        "last_used_signal": None if env.last_used_signal is None else env.last_used_signal.value,
        "owner": _text(env.owner),
        "writable": env.writable,
        "frozen": env.frozen,
        "protected": env.protected,
        "fs_id": _text(env.fs_id),
        "in_use": [_use_json(use) for use in env.in_use],
        "in_use_complete": env.in_use_complete,
        "linked_to": _text(env.linked_to),
        "seen_in": sorted(map(printable, env.seen_in)),
        "total_bytes": None if size is None else size.total_bytes,
        "exclusive_bytes": None if size is None else size.exclusive_bytes,
        "shared_bytes": None if size is None else size.shared_bytes,
        "files": None if size is None else size.files,
        "size_time": None if size is None else time_json(size.time),
        "size_bound": None if size is None else size.bound.value,
        "fault": fault_json(env.fault),
    }


def _use_json(use: Use) -> Object:
    return {"pid": use.pid, "user": _text(use.user), "command": _redacted(use.command), "via": _text(use.via) or None}


def package_json(package: Package, requested: frozenset[str], clobbered: frozenset[str]) -> Object:
    """One package of an environment with these names requested and clobbered."""
    return {
        "name": printable(package.name),
        "version": _text(package.version),
        "build": _text(package.build),
        "channel": _redacted(package.channel),
        "manager": package.manager.value,
        "requested": package.name in requested,
        "clobbered": package.name in clobbered,
    }


def gpu_json(gpu: Gpu) -> Object:
    """One GPU with its processes."""
    return {
        "host": gpu.host,
        "index": gpu.index,
        "uuid": _text(gpu.uuid),
        "name": _text(gpu.name),
        "driver": _text(gpu.driver),
        "cuda_max": _text(gpu.cuda_max),
        "util_pct": _number(gpu.util_pct),
        "memory_used_bytes": gpu.memory_used_bytes,
        "memory_total_bytes": gpu.memory_total_bytes,
        "temperature_c": _number(gpu.temperature_c),
        "power_w": _number(gpu.power_w),
        "mig": gpu.mig,
        "mig_devices": [_mig_json(device) for device in gpu.mig_devices],
        "processes": [_gpu_process_json(process) for process in gpu.processes],
        "vendor": _text(gpu.vendor),
    }


def _mig_json(device: MigDevice) -> Object:
    return {
        "index": device.index,
        "profile": _text(device.profile),
        "uuid": _text(device.uuid),
        "memory_used_bytes": device.memory_used_bytes,
        "memory_total_bytes": device.memory_total_bytes,
    }


def _gpu_process_json(process: GpuProcess) -> Object:
    return {
        "pid": process.pid,
        "user": _text(process.user),
        "command": _redacted(process.command),
        "memory_bytes": process.memory_bytes,
        "prefix": _text(process.prefix),
        "session": _text(process.session),
    }


def session_json(session: Session) -> Object:
    """One session with its windows and their panes."""
    return {
        "host": session.host,
        "kind": _text(session.kind),
        "socket": _text(session.socket),
        "id": _text(session.id),
        "name": printable(session.name),
        "created": time_json(session.created),
        "activity": time_json(session.activity),
        "attached": session.attached,
        "windows": [_window_json(window) for window in session.windows],
    }


def _window_json(window: Window) -> Object:
    return {
        "id": _text(window.id),
        "index": window.index,
        "name": _text(window.name),
        "active": window.active,
        "panes": [_pane_json(pane) for pane in window.panes],
    }


def _pane_json(pane: Pane) -> Object:
    return {
        "id": _text(pane.id),
        "pid": pane.pid,
        "command": _redacted(pane.command),
        "title": _redacted(pane.title),
        "dead": pane.dead,
        "exit_status": pane.exit_status,
        "ended": time_json(pane.ended),
        "cwd": _text(pane.cwd),
        "prefix": _text(pane.prefix),
        "active": pane.active,
    }


def machine_json(machine: Machine) -> Object:
    """What a machine is."""
    return {
        "machine_id": _text(machine.machine_id),
        "boot_id": _text(machine.boot_id),
        "hostname": _text(machine.hostname),
        "os": _text(machine.os),
        "kernel": _text(machine.kernel),
        "arch": _text(machine.arch),
        "libc": _text(machine.libc),
        "cores": machine.cores,
        "user": _text(machine.user),
        "uid": machine.uid,
        "home": _text(machine.home),
        "shell": _text(machine.shell),
        "clock_offset_s": _number(machine.clock_offset_s),
        "tools": sorted(map(printable, machine.tools)),
        "played": machine.played,
    }


def load_json(load: Load) -> Object:
    """How busy a machine is."""
    return {
        "load1": _number(load.load1),
        "load5": _number(load.load5),
        "load15": _number(load.load15),
        "memory_total_bytes": load.memory_total_bytes,
        "memory_available_bytes": load.memory_available_bytes,
        "swap_total_bytes": load.swap_total_bytes,
        "swap_free_bytes": load.swap_free_bytes,
        "uptime_s": _number(load.uptime_s),
    }


def mount_json(mount: Mount, host: str) -> Object:
    """One mounted file system of *host*."""
    return {
        "host": host,
        "path": printable(mount.path),
        "source": _redacted(mount.source),
        "type": printable(mount.fs_type),
        "size_bytes": mount.size_bytes,
        "used_bytes": mount.used_bytes,
        "free_bytes": mount.free_bytes,
        "inodes": mount.inodes,
        "inodes_free": mount.inodes_free,
        "read_only": mount.read_only,
        "network": mount.network,
        "device": _text(mount.device),
        "export_id": _text(mount.export_id),
        "fault": fault_json(mount.fault),
    }


def install_json(install: Install, host: str) -> Object:
    """One install of *host*."""
    return {
        "host": host,
        "root": printable(install.root),
        "manager": install.manager.value,
        "version": _text(install.version),
        "tools": {printable(name): _text(version) for name, version in sorted(install.tools)},
        "owner": _text(install.owner),
        "writable": install.writable,
        "envs_dirs": [printable(path) for path in install.envs_dirs],
        "pkgs_dirs": [printable(path) for path in install.pkgs_dirs],
        "dirs_confirmed": install.dirs_confirmed,
        "fault": fault_json(install.fault),
    }


def connection_json(facts: ConnectionFacts, log: Sequence[tuple[float, str]]) -> Object:
    """How a host was reached, and the last lines of its connection log."""
    return {
        "address": _text(facts.address),
        "port": facts.port,
        "user": _text(facts.user),
        "via": [printable(hop) for hop in facts.via],
        "host_key": _text(facts.host_key),
        "auth_method": _text(facts.auth_method),
        "server_version": _text(facts.server_version),
        "not_honoured": [harmless(line) for line in facts.not_honoured],
        "connected_at": time_json(facts.connected_at),
        "log": [{"time": time_json(time), "text": redact(harmless(text))} for time, text in log],
    }


def _text(raw: str | None) -> str | None:
    return None if raw is None else printable(raw)


def _redacted(raw: str | None) -> str | None:
    return None if raw is None else printable(redact(raw))


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
