"""Plan files: read back as they were written, readable by people, and errors that name line and key."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.errors import ConfigError, StorageError
from tui.domain.planitems import Item, ItemKind
from tui.domain.planmissed import Missed
from tui.domain.plans import Plan
from tui.domain.text import decode
from tui.storage.planfiles import read_plan, write_plan

ENV = Item(
    "gpu01",
    ItemKind.ENVIRONMENT,
    "/opt/conda/envs/x",
    "x",
    6_100,
    600,
    12,
    "m:1:2:/opt",
    True,
    1_690_000_000.0,
    "pycache",
)
CACHE = Item("gpu02", ItemKind.TARBALLS, "/opt/conda/pkgs", None, 9_000, 9_000, 3)
MISSED = (Missed("gpu03", "refused", "gpu03 refused the connection."), Missed("gpu04", "not_counted"))
PLAN = Plan((ENV, CACHE), 1_700_000_000.0, "ada@laptop", (("gpu01", 1_700_000_001.0),), 86400.0, MISSED)


@pytest.mark.parametrize("name", ["plan.yaml", "plan.json", "plan"])
def test_what_was_written_is_read_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_plan(path, PLAN)
    assert read_plan(path) == PLAN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [name]
    if name.endswith(".json"):
        assert json.loads(path.read_text())["condafleet-plan"] == 1


names = st.binary(max_size=40).map(lambda raw: decode(raw.replace(b"\0", b"")))


@given(path=names, name=st.none() | names, identity=st.none() | names)
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_any_name_survives(
    tmp_path_factory: pytest.TempPathFactory, form: str, path: str, name: str | None, identity: str | None
) -> None:
    file = tmp_path_factory.mktemp("plans") / f"plan.{form}"
    plan = Plan((Item("gpu01", ItemKind.HUB, "/" + path, name, fs_id=identity),), 0.0)
    write_plan(file, plan)
    assert read_plan(file) == plan
    # The form for people holds no control character.
    assert all(char == "\n" or category(char) != "Cc" for char in file.read_text("utf-8"))


GOOD = """\
condafleet-plan: 1
made: 2026-11-21T10:15:00Z
hosts:
  gpu01:
    items:
      - kind: environment
        path: /opt/conda/envs/x
"""


@pytest.mark.parametrize(
    ("before", "after", "line", "key", "expected"),
    [
        ("condafleet-plan: 1", "condafleet-plan: 2", 1, "condafleet-plan", "the version"),
        ("made: 2026-11-21T10:15:00Z", "made: yesterday", 2, "made", "a time such as"),
        ("kind: environment", "kind: everything", 6, "hosts.gpu01.items[0].kind", "tarballs"),
        ("path: /opt", "path: opt", 7, "hosts.gpu01.items[0].path", "an absolute path"),
        ("        path: /opt/conda/envs/x\n", "", 6, "hosts.gpu01.items[0].path", "a text"),
        ("    items:", "    itmes:", 6, "hosts.gpu01.itmes", "counted, items"),
        (
            "kind: environment",
            "bytes: many\n        kind: environment",
            6,
            "hosts.gpu01.items[0].bytes",
            "whole number",
        ),
        ("hosts:", "made: 2026-11-21T10:15:00Z\nhosts:", 3, "", "each key once"),
        ("made: 2026", "made: [2026", 3, "", "YAML or JSON"),
        ("condafleet-plan: 1\n", "", 1, "condafleet-plan", "a whole number"),
        ("hosts:", "missed: {gpu02: {}}\nhosts:", 3, "missed.gpu02.why", "a text"),
        ("hosts:", "missed: {gpu02: {why: x, who: y}}\nhosts:", 3, "missed.gpu02.who", "message, why"),
        ("hosts:", "missed: [gpu02]\nhosts:", 3, "missed", "keys with values"),
        (GOOD[GOOD.index("items:") :], "items: {}\n", 5, "hosts.gpu01.items", "a list of items"),
    ],
)
def test_every_error_says_line_and_key(
    tmp_path: Path, before: str, after: str, line: int | None, key: str, expected: str
) -> None:
    path = tmp_path / "plan.yaml"
    assert before in GOOD
    path.write_text(GOOD.replace(before, after, 1))
    with pytest.raises(ConfigError) as caught:
        read_plan(path)
    found = [(each.line, each.key) for each in caught.value.problems]
    assert (line, key) in found
    assert expected in str(caught.value)


@given(data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("plans") / "plan.yaml"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_plan(path)


def test_files_that_cannot_be_are_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        read_plan(tmp_path / "none.yaml")
    with pytest.raises(StorageError, match="cannot be written"):
        write_plan(tmp_path / "none" / "plan.yaml", PLAN)
    (tmp_path / "same.yaml").write_text(GOOD + GOOD[GOOD.index("      - kind") :])
    with pytest.raises(ConfigError, match="each item once"):
        read_plan(tmp_path / "same.yaml")
