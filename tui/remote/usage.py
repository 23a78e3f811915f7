"""Which processes use which environments, from what ``inventory_uses.sh`` brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tui.domain.environments import Use
from tui.domain.redact import redact
from tui.domain.text import decode, printable
from tui.remote.wire import Record

__all__ = ["UsesSeen"]

LONGEST_COMMAND = 200
MOST_USES = 1000


@dataclass(slots=True)
class UsesSeen:
    """What looking at all processes brought."""

    prefixes: Sequence[str]
    """What each path handed to the script stands for, in that order; several may stand for one environment."""
    uses: dict[str, list[Use]] = field(default_factory=dict)
    complete: bool | None = None
    """False when some process could not be looked at; None when nobody looked."""
    whole: bool = False
    _users: dict[int, str] = field(default_factory=dict)
    _found: list[tuple[str, int, int | None, str, str | None]] = field(default_factory=list)
    _blind: bool = False
    _looked: bool = False

    @property
    def asked(self) -> frozenset[str]:
        """The environments that the answer is about."""
        return frozenset(self.prefixes)

    def take(self, record: Record) -> None:
        """Learn from one record."""
        tag = record.tag
        if tag == "use":
            self._use(record)
        elif tag == "user":
            uid, name = record.integer(0), record.text(1)
            if uid is not None and name is not None:
                self._users[uid] = name[:100]
        elif tag == "unseen":
            self._looked = True
            if record.integer(0) != 0:
                self._blind = True
        elif tag == "many":
            self._blind = True
        elif tag == "missing":
            self._looked = False
            self._blind = True
        elif tag == "end":
            self._finish()

    def _use(self, record: Record) -> None:
        pid, which = record.integer(0), record.integer(2)
        if pid is None or which is None or not 1 <= which <= len(self.prefixes) or len(self._found) >= MOST_USES:
            return
        via = ",".join(
            word for word in (record.text(3) or "").split(",") if word in ("exe", "cwd", "maps", "CONDA_PREFIX")
        )
        if record.text(4) == "T":
            via += ",session"
        raw = record.fields[5] if len(record.fields) > 5 else b""
        self._found.append((self.prefixes[which - 1], pid, record.integer(1), via, command_line(raw)))

    def _finish(self) -> None:
        self.whole = True
        self.complete = None if not self._looked and not self._blind else not self._blind
        merged: dict[tuple[str, int], Use] = {}
        for prefix, pid, uid, via, command in self._found:
            user = None if uid is None else self._users.get(uid, str(uid))
            known = merged.get((prefix, pid))
            ways = dict.fromkeys(",".join((known.via, via) if known else (via,)).split(","))
            merged[prefix, pid] = Use(pid, user, command, ",".join(ways))
        for (prefix, _), use in sorted(merged.items()):
            self.uses.setdefault(prefix, []).append(use)


def command_line(raw: bytes) -> str | None:
    r"""A process's arguments, parted by ``\1``, as one line: the program without its folder, without secrets."""
    words = [word for word in decode(raw).split("\x01") if word]
    if not words:
        return None
    words[0] = words[0].rsplit("/", 1)[-1] or words[0]
    text = printable(redact(" ".join(words)))
    return text if len(text) <= LONGEST_COMMAND else text[: LONGEST_COMMAND - 1] + "…"
