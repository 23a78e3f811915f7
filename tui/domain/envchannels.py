"""Which channels an environment came from, how they are written, and in which order they were meant. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from tui.domain.assemble import channel_name
from tui.domain.envrecord import CondaRecord, EnvironmentRecord

__all__ = ["channel_of", "channels_of", "is_local"]

_PUBLIC = re.compile(r"https?://conda\.anaconda\.org/(?!t/)(?P<name>[^?#@]+)\Z")
_SUBDIR = re.compile(r"/(?:noarch|(?:linux|osx|win|freebsd|emscripten|wasi|zos)-[a-z0-9_]+)\Z")
_ASKED = re.compile(r"(?<!\S)(?:-c|--channel)(?:[ \t]+|=)([\"']?)([^\s\"']+)\1")


def channel_of(record: CondaRecord) -> str | None:
    """The channel of a package as ``environment.yml`` names it: its address without the platform.

    Of a channel of anaconda.org the name is enough: ``conda-forge``. None for a package whose record names none.
    """
    address = record.url.rpartition("/")[0] if record.url else record.channel or ""
    address = _SUBDIR.sub("", address.strip().rstrip("/"))
    if not address or address.startswith("<"):
        return None
    public = _PUBLIC.match(address)
    return public["name"] if public else address


def is_local(address: str) -> bool:
    """Whether a channel or a package's address is a place on the host's own disk."""
    return address.startswith(("file:", "/", "./", "../", "~")) or address == "local"


def channels_of(record: EnvironmentRecord) -> tuple[str, ...]:
    """The channels that the packages came from, the one that counts most first.

    First those that were named with ``-c`` when the environment was made and changed, in that order; then those that
    neither a command nor a configuration file names, the more special (fewer packages) before the more general; then
    those of the configuration files, in conda's order.
    """
    used = Counter(channel for each in record.conda if (channel := channel_of(each)) is not None)
    commands = [revision.command or "" for revision in reversed(record.history.revisions)]
    asked = _used(used, (match[2] for command in commands for match in _ASKED.finditer(command)))
    configured = _used(used, (channel for condarc in record.condarcs for channel in condarc.channels))
    others = sorted(used.keys() - {*asked, *configured}, key=lambda channel: (used[channel], channel))
    return tuple(dict.fromkeys((*asked, *others, *configured)))


def _used(used: Iterable[str], named: Iterable[str]) -> list[str]:
    """The channels in *used* that *named* means, in the order of *named*. ``defaults`` means several."""
    found: list[str] = []
    for name in dict.fromkeys(named):
        bare = name.rstrip("/")
        for channel in used:
            short = channel_name(channel) or ""
            if bare in (channel, short) or (bare == "defaults" and short.startswith("pkgs/")):
                found.append(channel)
    return found
