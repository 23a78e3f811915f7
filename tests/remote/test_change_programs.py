"""The programs of changes as they go to a host: one text of several scripts, where each name stands for one thing."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tui.remote.changes import tool
from tui.remote.changes.guard import guarded

PROGRAMS = {
    "tool": tool._program(),
    "look": guarded("change_look", "change_newplace"),
    "dry run": guarded("change_dry", "change_env"),
    "restore": guarded("change_restore", "change_trash"),
    "purge": guarded("change_purge", "change_trash"),
    "remove": guarded("change_remove", "change_trash"),
    "tools": guarded("change_tools"),
}
_FUNCTION = re.compile(rb"^[ \t]*([a-z_]+)\(\)", re.MULTILINE)


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_each_function_is_written_once(program: str) -> None:
    names = Counter(_FUNCTION.findall(PROGRAMS[program]))
    assert len(names) > 20
    assert [name for name, count in names.items() if count > 1] == []
