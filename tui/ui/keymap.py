"""The configuration's ``keys:`` laid over ours: what is taken, and in words what is not and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from textual.keys import Keys, _character_to_key

from tui.domain.text import printable
from tui.ui.catalog import LABELS, RESERVED
from tui.ui.commands import Command
from tui.ui.language import tr

__all__ = ["Keymap", "Untaken", "lay_over"]

_MODIFIERS = frozenset({"ctrl", "shift", "alt", "meta", "super"})
_NAMED = frozenset(key.value for key in Keys if not key.value.startswith("<"))


@dataclass(frozen=True, slots=True)
class Untaken:
    """A key of the configuration that could not be taken, and why; as text, both in printed form."""

    command: str
    """As it is written there. Raw."""
    why: str

    def __str__(self) -> str:
        return tr("{text}: {problem}", text=printable(self.command), problem=self.why)


@dataclass(frozen=True, slots=True)
class Keymap:
    """The commands with the keys that they really have, and what of the configuration could not be taken."""

    commands: tuple[Command, ...]
    taken: Mapping[str, str]
    """Command id to Textual keys: what differs from ours."""
    problems: tuple[Untaken, ...] = ()


def lay_over(commands: Sequence[Command], wanted: Mapping[str, str]) -> Keymap:
    """*commands* with the keys of *wanted* (command id to comma-separated keys).

    What is wanted is left out, and told of, when it names no command, no key, a key that moves about in tables,
    or one that another command of the same mode keeps. So every command keeps a key, ``quit`` too.
    """
    problems: list[Untaken] = []
    known = {command.id for command in commands}
    taken: dict[str, str] = {}
    for name, written in wanted.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = tr("; did you mean {near}?", near=near[0]) if near else ""
            problems.append(Untaken(name, tr("there is no such command{hint}", hint=hint)))
            continue
        keys = [_character_to_key(key) if len(key) == 1 else key for key in map(str.strip, written.split(",")) if key]
        wrong = [key for key in keys if not _is_key(key)]
        held = [key for key in keys if key in RESERVED]
        if wrong or not keys:
            problems.append(Untaken(name, tr("{key} is no key", key=repr(printable(wrong[0] if wrong else written)))))
        elif held:
            problems.append(Untaken(name, tr("{key} is needed to move about or to leave", key=held[0])))
        else:
            taken[name] = ",".join(keys)
    while clash := _clash(commands, taken):
        one, other, key, mode = clash
        loser, keeper = (one, other) if one.id in taken else (other, one)
        problems.append(
            Untaken(loser.id, tr("{key} is {other} in {mode}", key=key, other=keeper.id, mode=LABELS[mode]))
        )
        del taken[loser.id]
    return Keymap(tuple(_with(command, taken) for command in commands), taken, tuple(problems))


def _with(command: Command, taken: Mapping[str, str]) -> Command:
    return replace(command, keys=taken[command.id]) if command.id in taken else command


def _clash(commands: Sequence[Command], taken: Mapping[str, str]) -> tuple[Command, Command, str, str] | None:
    for mode in LABELS:
        holders: dict[str, Command] = {}
        for command in commands:
            if not command.in_mode(mode):
                continue
            for key in _with(command, taken).keys.split(","):
                other = holders.setdefault(key, command)
                if other is not command:
                    return (command, other, key, mode)
    return None


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    if not set(modifiers) <= _MODIFIERS or not last:
        return False
    return len(last) == 1 or last in _NAMED or last in _WORDS


_WORDS = frozenset(_character_to_key(chr(code)) for code in range(33, 127))
"""What Textual calls the keys of punctuation: ``slash``, ``question_mark``."""
