"""Fixtures of the command line's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.cli.fakes import Run
from tests.terminal.ptychannel import Terminal


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``condafleet`` with a fake fleet."""
    return Run(capsys)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    """A terminal of 100×30."""
    made = Terminal(100, 30)
    yield made
    made.close()
