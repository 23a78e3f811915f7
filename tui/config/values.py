"""What single values must look like. Each function returns the value or raises ValueError("expected …")."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tui.domain.durations import DURATION_FORM, parse_duration
from tui.domain.hosts import HOST_NAME
from tui.domain.places import expand_home

__all__ = [
    "HOST_FORM",
    "absolute_path",
    "address",
    "group",
    "jump",
    "local_path",
    "protect_pattern",
    "seconds",
    "user",
]

HOST_FORM = "letters, digits, dots, dashes and underscores, with no dash at the beginning"

# A leading dash would be an option to ssh; blanks and control characters are in no address and no account.
_WORD = re.compile(r"[^-\s\x00-\x1f\x7f][^\s\x00-\x1f\x7f]{0,254}\Z")
_HOST_GLOB = re.compile(r"[A-Za-z0-9._*?\[\]!-]+\Z")


def address(text: str) -> str:
    """A host name or an IP address."""
    if not _WORD.match(text) or any(char in text for char in "@/,"):
        raise ValueError(
            "a host name or an address, without user, port or blanks (`user:` and `port:` have their own keys)"
        )
    return text


def user(text: str) -> str:
    """The name of an account."""
    if not _WORD.match(text):
        raise ValueError("the name of an account, without blanks and with no dash at the beginning")
    return text


def jump(text: str) -> str:
    """Hosts to pass through, separated by commas, each ``[user@]host[:port]``; ``none`` for no one."""
    hops = [hop.strip() for hop in text.split(",")]
    if not all(_WORD.match(hop) and "/" not in hop for hop in hops):
        raise ValueError("a host of the fleet or an alias of ssh_config, or several separated by commas")
    return ",".join(hops)


def group(text: str) -> str:
    """The name of a group."""
    if not HOST_NAME.match(text):
        raise ValueError(f"the name of a group: {HOST_FORM}")
    return text


def local_path(text: str, environ: Mapping[str, str]) -> str:
    """A path on the operator's machine, its ``~`` replaced."""
    return expand_home(text, environ)


def absolute_path(text: str) -> str:
    """A path on a host: absolute, or below its ``~``, which is left for the host."""
    if not text.startswith(("/", "~/")) and text != "~":
        raise ValueError("an absolute path on the host, or one below `~/`")
    return text


def protect_pattern(text: str) -> str:
    """``HOST:NAME`` or ``HOST:/prefix``, globs in both parts."""
    host, colon, rest = text.partition(":")
    if not colon or not rest or not _HOST_GLOB.match(host) or host.startswith("-"):
        raise ValueError("a pattern HOST:NAME or HOST:/prefix, such as `*:prod-*`")
    return text


def seconds(text: str) -> float:
    """A duration from 1 second to 30 days."""
    value = parse_duration(text)
    if not 1 <= value <= 30 * 86400:
        raise ValueError(f"{DURATION_FORM}, from 1s to 30d")
    return value
