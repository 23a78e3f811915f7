"""What may be written next on the command line: the answer to the shells, from the configuration and last snapshots.

The shells call ``condafleet __complete SHELL WORD…``: the words after ``condafleet`` up to the cursor, without
their quotes, the last one (perhaps empty) being completed. The answer is a line for each candidate: the whole
word as it must be read in the end, a tab, what it means. Quoting is the shell's business, except for bash, which
has none of its own: ``__complete bash LINE START`` gets the line up to the cursor and where bash believes the
current word to begin, and answers what to put there, quoted.

The grammar is read from the parser itself, so that nothing can be completed that is not understood, and nothing be
understood that is not completed. No host is asked, nothing is written, and whatever goes wrong gives no candidates.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence

from tui.cli import parser
from tui.cli.commands import COMMANDS
from tui.cli.complete_bash import split, text_for_bash
from tui.domain.hosts import HostSpec

__all__ = ["answer", "candidates"]

MOST = 1000
"""More candidates than these help nobody."""

Candidate = tuple[str, str]


def answer(words: Sequence[str]) -> int:
    """Print the candidates for *words*; always 0."""
    lines: Iterable[str] = ()
    try:
        if words[:1] == ["bash"] and len(words) == 3:
            given, line = split(words[1])
            found = candidates(given[1:]) if given else []
            lines = text_for_bash([text for text, _ in found], line, int(words[2]))
        elif words:
            lines = [f"{text}\t{meaning}" for text, meaning in candidates(list(words[1:]))]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    except Exception:  # a broken configuration or a defect must not write into the line that a person is typing
        return 0
    return 0


def candidates(words: Sequence[str]) -> list[Candidate]:
    """What the last of *words* may become, each with its meaning."""
    current, before = (words[-1] if words else ""), list(words[:-1])
    command = _command_of(before)
    actions = _actions_of(command, _action_of(before, command))
    wanting = _wants_value(before, actions)
    if wanting is not None:
        found = [(str(choice), "") for choice in wanting.choices or ()]
        if wanting.dest == "jump":
            found = _hosts(_specs(before), "")
    elif current.startswith("-"):
        found = [(option, action.help or "") for action in actions for option in action.option_strings[-1:]]
    elif command is None:
        found = [(name, it.text) for name, it in COMMANDS.items()]
    else:
        found = list(_arguments(command, before, current, actions))
    held = [pair for pair in found if pair[0].startswith(current)]
    return [(text, " ".join(meaning.split())) for text, meaning in dict(held[:MOST]).items()]


def _command_of(words: Sequence[str]) -> str | None:
    """The command among *words*; None when there is none (yet), or no such one."""
    name = parser.command_of(words)
    return name if name in COMMANDS else None


def _actions_of(command: str | None, action: str | None) -> list[argparse.Action]:
    """The options and arguments of *command*, or of one of its actions; those of the program without one."""
    known: argparse.ArgumentParser = parser.build(command)
    for name in (command, action):
        below = [it for it in known._actions if isinstance(it, argparse._SubParsersAction)]
        known = below[0].choices.get(name, known) if name is not None and below else known
    return known._actions


def _action_of(before: Sequence[str], command: str | None) -> str | None:
    """The action among the words before, as ``add`` of ``hosts add``."""
    if command is None or not COMMANDS[command].actions:
        return None
    words = parser.with_action(before)
    rest = words[parser.place_of_command(words) + 1 :]
    return next((word for word in rest if word in COMMANDS[command].actions), None)


def _wants_value(before: Sequence[str], actions: Sequence[argparse.Action]) -> argparse.Action | None:
    """The option whose value comes now."""
    if not before or not before[-1].startswith("-"):
        return None
    options = {option: action for action in actions for option in action.option_strings}
    action = options.get(before[-1])
    return action if action is not None and action.nargs is None else None


def _arguments(
    command: str, before: Sequence[str], current: str, actions: Sequence[argparse.Action]
) -> Iterator[Candidate]:
    if command == "completion":
        yield from ((shell, "") for shell in ("bash", "zsh", "fish"))
        return
    known, action = COMMANDS[command], _action_of(before, command)
    if known.actions and action is None:
        yield from _words_of(actions)
    target = known.targets
    if not target or action in known.makes_config or (command == "find" and before[-1:] == ["find"]):
        return
    if action and action != known.default:
        target = target.rstrip("?")
    specs = _specs(before)
    kind = target.rstrip("?")
    host, colon, _ = current.partition(":")
    if colon:
        yield from _things(kind, host, specs)
        return
    if kind == "host" or target.endswith("?"):
        yield from _hosts(specs, "")
        yield from _groups(specs) if target.endswith("?") else ()
        if any(spec.name == current for spec in specs) and kind != "host":
            yield from _hosts(specs, ":")
    else:
        yield from _hosts(specs, ":")


def _words_of(actions: Sequence[argparse.Action]) -> Iterator[Candidate]:
    """The actions that a command's parser has, each with what it does."""
    for below in actions:
        if isinstance(below, argparse._SubParsersAction):
            yield from ((it.dest, it.help or "") for it in below._choices_actions)


def _hosts(specs: Sequence[HostSpec], end: str) -> list[Candidate]:
    return [(spec.name + end, spec.address or "host") for spec in specs]


def _groups(specs: Sequence[HostSpec]) -> list[Candidate]:
    groups = dict.fromkeys(group for spec in specs for group in spec.groups)
    return [(f"@{group}", f"{sum(group in spec.groups for spec in specs)} hosts") for group in groups]


def _things(kind: str, host: str, specs: Sequence[HostSpec]) -> Iterator[Candidate]:
    """``HOST:NAME`` of what was last seen on *host*, which may be a glob or a group too."""
    from tui.domain.globs import Glob
    from tui.domain.text import printable
    from tui.storage.names import kept_names

    if kind == "host":
        return
    group, glob = host.startswith("@"), Glob(host)
    part = "environments" if kind == "environment" else "sessions"
    for spec in specs:
        if not (host[1:] in spec.groups if group else glob.matches(spec.name)):
            continue
        for item in kept_names(spec.name, part):
            name, prefix = item.get("name"), item.get("prefix")
            if isinstance(name, str):
                version = item.get("python")
                yield (
                    f"{host}:{printable(name)}",
                    f"Python {printable(version)}" if isinstance(version, str) else part[:-1],
                )
            if isinstance(prefix, str) and not group and spec.name == host:
                yield f"{host}:{printable(prefix)}", "prefix"


def _specs(before: Sequence[str]) -> Sequence[HostSpec]:
    from pathlib import Path

    from tui import config as configuration

    named = next((before[at + 1] for at, word in enumerate(before[:-1]) if word == "--config"), None)
    return configuration.load(None if named is None else Path(named)).hosts
