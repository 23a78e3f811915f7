"""What the Disk mode's rows hold, and what its filter knows of them. Pure.

Fields: host what name path mount owner frees holds files unused; flags behind ``is:``: suggested refused shared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tui.domain.diskreport import HostDisk
from tui.domain.environments import Environment
from tui.domain.phrases import Phrase, phrase
from tui.domain.planitems import HostTables, Item, ItemKind
from tui.domain.query import Flag, Schema
from tui.domain.queryfields import choice_field, number_field, schema, size_field, text_field
from tui.domain.suggestions import Suggestion
from tui.domain.text import printable

__all__ = ["DISK", "CountedHost", "DiskRow"]


@dataclass(frozen=True)
class CountedHost:
    """All that is told of one count of a host."""

    disk: HostDisk
    tables: HostTables
    rows: tuple[DiskRow, ...]

    @property
    def suggested(self) -> tuple[DiskRow, ...]:
        """The rows of its sensible plan."""
        return tuple(row for row in self.rows if row.sensible)


@dataclass(slots=True, eq=False)
class DiskRow:
    """Something that could go."""

    item: Item
    mount: str | None = None
    environment: Environment | None = None
    suggestion: Suggestion | None = None
    sensible: bool = False
    """It is part of the host's sensible plan."""
    refusals: tuple[str, ...] = ()
    """Why it may not go as things stand, for people."""
    forbidden: bool = False
    """There is no way past one of them."""
    not_suggested: str = ""
    """Why it is suggested to nobody, for people, where that is known."""
    way: Phrase | None = None
    """How its own tool cleans it, as advice."""
    idle_days: int | None = None
    shared_with: tuple[tuple[str, int], ...] = ()
    """(label, bytes) of who holds some of the same files."""
    groups: tuple[str, ...] = ()
    said: str = ""
    _text: str | None = field(default=None, repr=False)

    @property
    def packages(self) -> None:
        """The filter looks at no packages here."""
        return

    @property
    def frees(self) -> int | None:
        """What comes back when it alone goes; None when that is not known."""
        return self.item.exclusive_bytes

    @property
    def text(self) -> str:
        """Host, name, path, kind and reasons; case-folded."""
        if self._text is None:
            item = self.item
            parts = (f"{item.host}:{printable(item.label)}", printable(item.path), item.kind.value, self.said)
            self._text = "\n".join((*parts, *self.refusals)).casefold()
        return self._text


def _owner(row: DiskRow) -> str | None:
    return None if row.environment is None or row.environment.owner is None else printable(row.environment.owner)


DISK: Schema[DiskRow] = schema(
    (
        text_field("host", phrase("the host"), "host:gpu*", lambda row: row.item.host),
        choice_field("what", phrase("what it is"), "what:tarballs", lambda row: row.item.kind.value, tuple(ItemKind)),
        text_field("name", phrase("the name"), "name:llm-*", lambda row: printable(row.item.label)),
        text_field("path", phrase("the place"), "path:/data/*", lambda row: printable(row.item.path)),
        text_field("mount", phrase("the file system"), "mount:/data", lambda row: row.mount and printable(row.mount)),
        text_field("owner", phrase("who owns it"), "owner:ada", _owner),
        size_field("frees", phrase("what comes back when it alone goes"), "frees>1G", lambda row: row.frees),
        size_field("holds", phrase("what it holds"), "holds>5G", lambda row: row.item.bytes),
        number_field("files", phrase("how many files"), "files>100000", lambda row: row.item.files),
        number_field("unused", phrase("days without use"), "unused>90", lambda row: row.idle_days),
    ),
    {
        "suggested": Flag(phrase("part of its host's sensible plan"), lambda row: row.sensible),
        "refused": Flag(phrase("something speaks against it"), lambda row: bool(row.refusals)),
        "shared": Flag(phrase("it shares files with something else"), lambda row: bool(row.shared_with)),
    },
)
