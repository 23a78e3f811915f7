"""The hosts of tests that want nothing special of them; a module that does has a fixture of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.remote.changehost import ChangeHost


@pytest.fixture(params=("dash", "bash", "busybox"))
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ChangeHost]:
    """One on which environments are changed, with each of these shells in turn."""
    host = ChangeHost(tmp_path, request.param)
    yield host
    await host.close()


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[ChangeHost]:
    """The same with dash alone."""
    host = ChangeHost(tmp_path)
    yield host
    await host.close()
