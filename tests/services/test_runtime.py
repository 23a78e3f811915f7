"""The composition root."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import pytest

from tui import runtime


def test_run_gives_the_result_in_a_loop_of_uvloop() -> None:
    threshold = gc.get_threshold()

    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    try:
        assert runtime.run(main()).startswith("uvloop")
    finally:
        gc.set_threshold(*threshold)


def test_run_does_without_uvloop_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    threshold = gc.get_threshold()

    async def main() -> str:
        return type(asyncio.get_running_loop()).__module__

    try:
        assert runtime.run(main()).startswith("asyncio")
    finally:
        gc.set_threshold(*threshold)


async def test_the_system_clock_goes_forward_and_sleeps() -> None:
    clock = runtime.SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.01)
    assert 0.009 < clock.monotonic() - before < 5
    assert 0 <= clock.jitter() < 1
    assert clock.now() > 1_700_000_000


def test_the_root_is_imported_without_ssh_or_a_screen() -> None:
    code = "import sys, tui.runtime; print(sorted({'asyncssh', 'textual', 'yaml', 'uvloop'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
