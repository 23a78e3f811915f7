"""The screen's layout is kept, and whatever lies in its place never stops anybody."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tui.domain.layout import Layout, ViewLayout
from tui.storage.layout import Layouts

KEPT = Layout("environments", "light", {"fleet": ViewLayout("disk", True, None, False), "environments": ViewLayout()})


def test_what_was_kept_comes_back_from_a_private_file(tmp_path: Path) -> None:
    Layouts(tmp_path / "state").save(KEPT)
    assert Layouts(tmp_path / "state").load() == KEPT
    assert stat.S_IMODE((tmp_path / "state" / "layout.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "found",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"schema": 2, "mode": "x"}',
        b"[" * 50_000,
        json.dumps({"schema": 1, "mode": 7, "views": [1], "theme": {}}).encode(),
        json.dumps({"schema": 1, "views": {"fleet": 3}}).encode(),
    ],
)
def test_what_cannot_be_understood_is_as_good_as_nothing(tmp_path: Path, found: bytes) -> None:
    (tmp_path / "layout.json").write_bytes(found)
    assert Layouts(tmp_path).load() == Layout()


def test_a_folder_that_cannot_be_written_costs_the_memory_alone(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    layouts = Layouts(tmp_path / "state")
    layouts.save(KEPT)
    assert layouts.load() == Layout()
