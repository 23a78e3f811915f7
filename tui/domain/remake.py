"""What to ask a tool for, so that an environment is made again from its record. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tui.domain.envchannels import channel_of, channels_of
from tui.domain.envrecord import EnvironmentRecord, without_secrets
from tui.domain.explicit import address_of, explicit_urls
from tui.domain.losses import is_plain
from tui.domain.piprequirements import requirement
from tui.domain.redact import PLACEHOLDER

__all__ = ["Remake", "remake", "with_logins_left"]

_LOGIN = re.compile(rf"(?P<scheme>https?://){PLACEHOLDER}@(?P<server>[A-Za-z0-9.-]+)(?=[:/])")
"""A user and password that were left out of an address."""


@dataclass(frozen=True, slots=True)
class Remake:
    """The parts of the wish. Either ``explicit`` or ``specs`` with ``channels``; neither for one without conda."""

    explicit: tuple[str, ...] = ()
    """The addresses of all packages with their hashes: nothing is solved."""
    specs: tuple[str, ...] = ()
    """``NAME=VERSION=BUILD``, where some package's address is not known."""
    channels: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    """Requirements, after conda's part."""
    withheld: tuple[str, ...] = ()
    """Channels and pip packages whose address lost a token or a password when it was written down: until somebody
    gives it again they cannot be had."""


def remake(record: EnvironmentRecord) -> Remake:
    """How to make the environment of *record* again, as nearly as it can be.

    It holds no secret, because what it asks for is written down on the host that makes it.
    """
    record = without_secrets(record)
    pip = {each.name: line for each in record.pip if (line := requirement(each)) is not None}
    channels = channels_of(record)
    known = all(address_of(each) is not None for each in record.conda)
    lost = {channel_of(each) or each.name for each in record.conda if PLACEHOLDER in (each.url or each.channel or "")}
    lost |= {name for name, line in pip.items() if PLACEHOLDER in line}
    specs = (
        "=".join(part for part in (each.name, each.version, each.build) if part)
        for each in record.conda
        if is_plain(each)
    )
    return Remake(
        explicit_urls(record) if known else (),
        () if known else tuple(specs),
        channels,
        tuple(pip.values()),
        tuple(sorted(lost)),
    )


def with_logins_left(wish: Remake) -> tuple[Remake, tuple[str, ...]] | None:
    """*wish* with addresses that hold no placeholder any more, and the servers that want a login instead.

    None where more than users and passwords were left out, or of other things than packages with their addresses:
    nobody could hand that over without writing it down.
    """
    servers = set()
    lines = []
    for line in wish.explicit:
        found = _LOGIN.match(line)
        if found is not None:
            servers.add(found["server"])
            line = _LOGIN.sub(r"\g<scheme>\g<server>", line, count=1)
        lines.append(line)
    if not servers or any(PLACEHOLDER in line for line in (*lines, *wish.pip)):
        return None
    return replace(wish, explicit=tuple(lines), channels=(), withheld=()), tuple(sorted(servers))
