"""What the filter of the hosts knows. Pure.

Fields: host name address user state fault os gpu driver cuda load cores mem free disk diskfree inodes gpus util
gpumem envs sessions up. Flags behind ``is:``: up down waiting stale faulty local idle.
"""

from __future__ import annotations

from collections.abc import Iterable

from tui.domain.filterrows import HostRow
from tui.domain.filters import FAULTS
from tui.domain.hosts import HostState
from tui.domain.phrases import phrase
from tui.domain.query import Flag, Schema
from tui.domain.queryfields import (
    age_field,
    choice_field,
    number_field,
    percent_field,
    schema,
    size_field,
    text_field,
    version_field,
)
from tui.domain.text import printable

__all__ = ["HOSTS"]


def _memory_used(row: HostRow) -> int | None:
    load = row.load
    if load is None or load.memory_total_bytes is None or load.memory_available_bytes is None:
        return None
    return load.memory_total_bytes - load.memory_available_bytes


def _memory_share(row: HostRow) -> float | None:
    used, load = _memory_used(row), row.load
    return used / load.memory_total_bytes if used is not None and load and load.memory_total_bytes else None


def _inodes_share(row: HostRow) -> float | None:
    disk = row.disk
    if disk is None or not disk.inodes or disk.inodes_free is None:
        return None
    return 1 - disk.inodes_free / disk.inodes


def _most(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _gpu_memory(row: HostRow) -> float | None:
    return _most(
        gpu.memory_used_bytes / gpu.memory_total_bytes
        for gpu in row.gpus or ()
        if gpu.memory_used_bytes is not None and gpu.memory_total_bytes
    )


def _length(values: tuple[object, ...] | None) -> int | None:
    return None if values is None else len(values)


def _models(row: HostRow) -> str | None:
    return None if row.gpus is None else ", ".join(dict.fromkeys(printable(gpu.name or "") for gpu in row.gpus))


def _util(row: HostRow) -> float | None:
    busiest = _most(gpu.util_pct for gpu in row.gpus or ())
    return None if busiest is None else busiest / 100


def _user(row: HostRow) -> str | None:
    machine = row.snapshot.machine.value
    return row.spec.user if machine is None or machine.user is None else printable(machine.user)


def _os(row: HostRow) -> str | None:
    machine = row.snapshot.machine.value
    return None if machine is None or machine.os is None else printable(machine.os)


def _cores(row: HostRow) -> int | None:
    machine = row.snapshot.machine.value
    return None if machine is None else machine.cores


def _fault(row: HostRow) -> str | None:
    return None if row.fault is None else row.fault.kind.value


def _driver(row: HostRow) -> str | None:
    return row.gpus[0].driver if row.gpus else None


def _cuda(row: HostRow) -> str | None:
    return row.gpus[0].cuda_max if row.gpus else None


def _memory_free(row: HostRow) -> int | None:
    return None if row.load is None else row.load.memory_available_bytes


def _disk_free(row: HostRow) -> int | None:
    return None if row.disk is None else row.disk.free_bytes


def _booted(row: HostRow) -> float | None:
    """When it was started; its uptime is as old as the answer."""
    load = row.snapshot.load
    if load.value is None or load.value.uptime_s is None or load.time is None:
        return None
    return load.time - load.value.uptime_s


HOSTS: Schema[HostRow] = schema(
    (
        text_field("host", phrase("the name"), "host:gpu*", lambda row: row.spec.name),
        text_field("name", phrase("the name"), "name:gpu*", lambda row: row.spec.name),
        text_field(
            "address", phrase("where it is reached"), "address:192.0.2.*", lambda row: row.spec.address or row.spec.name
        ),
        text_field("user", phrase("the account that we are"), "user:ada", _user),
        choice_field(
            "state", phrase("how the connection stands"), "state:up", lambda row: row.state.value, tuple(HostState)
        ),
        choice_field("fault", phrase("why it is not there"), "fault:timeout", _fault, FAULTS),
        text_field("os", phrase("its system"), "os:debian", _os),
        text_field("gpu", phrase("the models of its GPUs"), "gpu:*H200*", _models),
        version_field("driver", phrase("its GPU driver"), "driver>=550", _driver),
        version_field("cuda", phrase("the highest CUDA that its driver runs"), "cuda>=12", _cuda),
        number_field(
            "load", phrase("load of the last minute"), "load>8", lambda row: row.load.load1 if row.load else None
        ),
        number_field("cores", phrase("processor cores"), "cores>=64", _cores),
        size_field("mem", phrase("memory in use"), "mem>90%", _memory_used, _memory_share),
        size_field("free", phrase("memory that is free"), "free>64G", _memory_free),
        percent_field(
            "disk",
            phrase("the fullest disk that conda uses, or any that is nearly full"),
            "disk>90%",
            lambda row: row.disk_share,
        ),
        size_field("diskfree", phrase("room left on the fullest disk that conda uses"), "diskfree<20G", _disk_free),
        percent_field("inodes", phrase("the inodes of that disk in use"), "inodes>90%", _inodes_share),
        number_field("gpus", phrase("how many GPUs"), "gpus>=8", lambda row: _length(row.gpus)),
        percent_field("util", phrase("the busiest GPU"), "util>50%", _util),
        percent_field("gpumem", phrase("the fullest GPU memory"), "gpumem>90%", _gpu_memory),
        number_field(
            "envs", phrase("how many environments"), "envs>40", lambda row: _length(row.snapshot.environments.value)
        ),
        number_field(
            "sessions", phrase("how many sessions"), "sessions>0", lambda row: _length(row.snapshot.sessions.value)
        ),
        age_field("up", phrase("time since it was started"), "up<1d", _booted),
    ),
    {
        "up": Flag(phrase("connected"), lambda row: row.state is HostState.UP),
        "down": Flag(
            phrase("not connected, for a reason"), lambda row: row.state in (HostState.DOWN, HostState.WAITING)
        ),
        "waiting": Flag(phrase("tried again soon"), lambda row: row.state is HostState.WAITING),
        "stale": Flag(phrase("some of it not renewed since the start"), lambda row: row.snapshot.stale),
        "faulty": Flag(
            phrase("it, or a part of it, failed"), lambda row: row.fault is not None or bool(row.snapshot.faults())
        ),
        "local": Flag(phrase("this machine"), lambda row: row.spec.is_local),
        "idle": Flag(phrase("never asked to connect"), lambda row: row.state is HostState.IDLE),
    },
)
