"""Logins that a person gives for the servers of channels, for the time of one task. Pure.

How they get to the tool without being written down: as the text of a netrc file, in the environment of the task alone,
and there into a file without a name in the host's memory, whose descriptor the variable ``NETRC`` names. conda and pip
look there through requests, libmamba's programs through curl. Whoever is root on that host, or the same account, could
read them while the task runs, and no later.

A token (``/t/TOKEN/`` in a channel's address) cannot go that way: conda takes one from the address or from a named file
(``read_binstar_tokens``), and both would be written down.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Login", "is_usable", "netrc_text"]

_ODD = re.compile(r"[^!-~]|[\"'\\#]")
"""What a netrc file cannot hold, or not so that all who read it agree."""


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password for one server, in memory only."""

    server: str
    """Its name, without a port: netrc knows no more."""
    user: str
    password: str = field(repr=False)


def is_usable(word: str) -> bool:
    """Whether a user or password can be handed over."""
    return bool(word) and len(word) <= 1000 and _ODD.search(word) is None


def netrc_text(logins: Iterable[Login]) -> str:
    """*logins* as a netrc file; empty for none. Raises ValueError for a word that it cannot hold."""
    lines = []
    for each in logins:
        if not all(map(is_usable, (each.server, each.user, each.password))):
            raise ValueError(f"the login for {each.server!r} cannot be handed over")
        lines.append(f"machine {each.server} login {each.user} password {each.password}\n")
    return "".join(lines)
