"""Which disks matter to conda, and which are told of whatever they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tui.domain.condadisks import conda_mounts, full_mounts, fullest
from tui.domain.environments import Install, Manager
from tui.domain.faults import Fault, FaultKind
from tui.domain.filterrows import HostRow
from tui.domain.filters_hosts import HOSTS
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Mount
from tui.domain.query import compile_query
from tui.domain.snapshot import HostSnapshot, Part


def mount(path: str, used: int, **other: object) -> Mount:
    plain = Mount(path, "/dev/x", "ext4", 100, used, 100 - used)
    return replace(plain, **other)  # type: ignore[arg-type]  # fields of Mount


ROOT, HOME, CD = mount("/", 97), mount("/home", 49), mount("/media/cd", 100, read_only=True)
FAILED: Part[tuple[()]] = Part(None, None, Fault(FaultKind.TIMEOUT, "No answer.", ""))
CONDA = Part((Install("/home/ada/conda", Manager.CONDA, "26.7.1"),))
NONE: Part[tuple[()]] = Part(())


def snapshot(**parts: Part[Any]) -> HostSnapshot:
    return replace(HostSnapshot("cpu01"), mounts=Part((ROOT, HOME, CD)), **parts)  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    "parts", [{}, {"installs": CONDA}, {"environments": NONE}, {"installs": FAILED, "environments": FAILED}]
)
def test_conda_s_disks_are_not_known_before_the_inventory_is(parts: dict[str, Part[Any]]) -> None:
    assert conda_mounts(snapshot(**parts)) is None
    assert fullest(conda_mounts(snapshot(**parts))) is None


def test_conda_s_disks_are_those_that_hold_it() -> None:
    assert conda_mounts(snapshot(installs=CONDA, environments=NONE)) == (HOME,)
    assert conda_mounts(snapshot(installs=CONDA, environments=FAILED)) == (HOME,)
    assert conda_mounts(snapshot(installs=NONE, environments=NONE)) == ()


@pytest.mark.parametrize("parts", [{}, {"installs": CONDA, "environments": NONE}])
def test_a_full_disk_is_told_of_before_and_after(parts: dict[str, Part[Any]]) -> None:
    assert full_mounts(snapshot(**parts)) == (ROOT,)


@pytest.mark.parametrize("parts", [{}, {"installs": CONDA, "environments": NONE}])
@pytest.mark.parametrize(("words", "found"), [("disk>90", True), ("disk>97%", False), ("disk>=97", True)])
def test_a_filter_for_full_disks_misses_none(parts: dict[str, Part[Any]], words: str, found: bool) -> None:
    row = HostRow(HostSpec("cpu01"), HostState.UP, snapshot(**parts))
    assert compile_query(words, HOSTS).matches(row, 0.0) is found
