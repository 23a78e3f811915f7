"""The key map of the configuration: what is taken, what is told of, and that nothing is ever lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.ui.catalog import COMMANDS, LABELS, RESERVED
from tui.ui.keymap import lay_over

IDS = [command.id for command in COMMANDS]


def test_our_own_keys_do_not_clash_and_leave_moving_about_alone() -> None:
    assert lay_over(COMMANDS, {}).problems == ()
    for mode in LABELS:
        keys = [key for command in COMMANDS if command.in_mode(mode) for key in command.keys.split(",")]
        assert len(keys) == len(set(keys)), mode
        assert not RESERVED & set(keys)


def test_ids_are_unique() -> None:
    assert len(IDS) == len(set(IDS))


def test_two_commands_can_swap_their_keys() -> None:
    keymap = lay_over(COMMANDS, {"refresh": "y", "copy": "r"})
    assert keymap.problems == ()
    assert dict(keymap.taken) == {"refresh": "y", "copy": "r"}
    assert next(each.key_text for each in keymap.commands if each.id == "refresh") == "y"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"refresh": "q"}, "refresh: q is quit in"),
        ({"refresh": "j"}, "refresh: j is needed to move about or to leave"),
        ({"quit": "ctrl+q"}, "quit: ctrl+q is needed to move about or to leave"),
        ({"refresh": "bogus+x"}, "refresh: 'bogus+x' is no key"),
        ({"refresh": ""}, "refresh: '' is no key"),
        ({"quitt": "x"}, "quitt: there is no such command; did you mean quit?"),
        ({"copy": "f5", "refresh": "f5"}, "f5 is"),
    ],
)
def test_what_cannot_be_taken_is_said(wanted: dict[str, str], said: str) -> None:
    problems = lay_over(COMMANDS, wanted).problems
    assert len(problems) == 1
    assert said in str(problems[0])


@settings(max_examples=60)
@given(
    st.dictionaries(st.sampled_from(IDS), st.sampled_from([*"qrjyxA?:/", "f5", "ctrl+q", "escape", "a,b"]), max_size=6)
)
def test_no_key_map_makes_two_commands_share_a_key_or_leaves_no_way_out(wanted: dict[str, str]) -> None:
    keymap = lay_over(COMMANDS, wanted)
    for mode in LABELS:
        keys = [key for command in keymap.commands if command.in_mode(mode) for key in command.keys.split(",")]
        assert len(keys) == len(set(keys))
        assert not RESERVED & set(keys)
    assert next(command for command in keymap.commands if command.id == "quit").keys
