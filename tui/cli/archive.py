"""``archive list|show|restore``: what was kept of environments before they went. No host is asked but by restore."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tui.cli.context import Context
from tui.cli.export import missing_hints, missing_json, text_lines
from tui.cli.jsonview import Object, time_json
from tui.cli.reply import Reply
from tui.cli.tables import Column, Table
from tui.cli.words import age, size
from tui.domain.archive import ArchiveHead, ArchiveListing
from tui.domain.errors import NothingMatchedError
from tui.domain.globs import Glob
from tui.domain.text import printable

__all__ = ["run_archive"]


async def run_archive(context: Context) -> Reply:
    """Carry out the action that the command line names; without one, list."""
    action = context.args.action
    if action == "show":
        return _show(context)
    if action == "restore":
        from tui.cli.restore import run_restore  # it brings all that a change needs

        return await run_restore(context)
    return _list(context)


def _list(context: Context) -> Reply:
    patterns = getattr(context.args, "selectors", [])
    listing = context.backend.archives().list()
    archives = [head for head in listing.archives if _wanted(head, patterns)]
    error = None
    if patterns and not archives:
        error = NothingMatchedError(
            f"No archive fits {' or '.join(map(repr, patterns))}.", "`condafleet archive list` shows all of them."
        )
    return Reply(
        "archives",
        items=lambda: [_head_json(head) for head in archives],
        lines=lambda width: _table(archives, time.time()).lines(width),
        error=error,
        hints=_list_hints(listing, archives),
    )


def _list_hints(listing: ArchiveListing, archives: Sequence[ArchiveHead]) -> tuple[str, ...]:
    hints = [f"archive {id_} cannot be read: {why}" for id_, why in listing.unreadable]
    if not listing.archives:
        hints.append("nothing was archived yet: it is done before every removal and every change of packages")
    return tuple(hints)


def _wanted(head: ArchiveHead, patterns: Sequence[str]) -> bool:
    """Whether one of *patterns* (HOST, HOST:NAME, HOST:/prefix) fits; the host need not be in the fleet any more."""
    for pattern in patterns:
        host, colon, rest = pattern.partition(":")
        fits = not colon or any(Glob(rest).matches(word) for word in (head.name, head.prefix) if word is not None)
        if fits and Glob(host).matches(head.host):
            return True
    return not patterns


def _show(context: Context) -> Reply:
    args = context.args
    archive = context.backend.archives().load(args.id)
    texts = archive.texts
    if args.file is not None:
        if args.file not in texts:
            raise NothingMatchedError(
                f"The archive {archive.head.id} has no file {args.file!r}.", f"It has {', '.join(sorted(texts))}."
            )
        texts = {args.file: texts[args.file]}
    hints = () if args.file is not None else missing_hints(archive.head.label, archive.head.missing)
    return Reply(
        "archives",
        items=lambda: [{**_head_json(archive.head), "texts": {name: printed(text) for name, text in texts.items()}}],
        lines=lambda width: _facts(archive.head) if args.file is None else text_lines(printed(texts[args.file])),
        hints=tuple(hints),
    )


def printed(text: str) -> str:
    """A file's text, harmless to a terminal: what we made holds nothing else, a file of a host's may."""
    return "\n".join(
        line
        if line.isprintable()
        else "".join(char if char.isprintable() or char == "\t" else printable(char) for char in line)
        for line in text.split("\n")
    )


def _facts(head: ArchiveHead) -> list[str]:
    cause = head.cause
    task = "" if cause.task is None else f", task {printable(cause.task)}"
    rows = (
        ("ID", head.id),
        ("MADE", f"{time_json(head.time)} by {printable(cause.operator)}"),
        ("BEFORE", f"{printable(cause.kind)}{task}"),
        ("ENVIRONMENT", head.label),
        ("PREFIX", printable(head.prefix)),
        ("PACKAGES", f"{head.conda_packages} by conda, {head.pip_packages} by pip"),
        ("SIZE", size(head.size_bytes)),
        ("FILES", ", ".join(head.files)),
    )
    width = max(len(title) for title, _ in rows) + 2
    return [f"{title:<{width}}{value}" for title, value in rows]


def _table(heads: Sequence[ArchiveHead], now: float) -> Table:
    columns = (
        Column("ID"), Column("AGE", right=True), Column("ENVIRONMENT", flexible=True), Column("BEFORE"),
        Column("BY", flexible=True, drop=1), Column("CONDA", right=True, drop=3), Column("PIP", right=True, drop=2),
    )  # fmt: skip
    rows = (
        (
            head.id,
            age(now - head.time),
            head.label,
            printable(head.cause.kind),
            printable(head.cause.operator),
            str(head.conda_packages),
            str(head.pip_packages),
        )
        for head in heads
    )
    return Table(columns, tuple(rows))


def _head_json(head: ArchiveHead) -> Object:
    cause = head.cause
    return {
        "id": head.id,
        "time": time_json(head.time),
        "host": printable(head.host),
        "name": None if head.name is None else printable(head.name),
        "prefix": printable(head.prefix),
        "install": None if cause.install is None else printable(cause.install),
        "kind": printable(cause.kind),
        "operator": printable(cause.operator),
        "task": None if cause.task is None else printable(cause.task),
        "conda_packages": head.conda_packages,
        "pip_packages": head.pip_packages,
        "size_bytes": head.size_bytes,
        "files": list(head.files),
        "missing": missing_json(head.missing),
    }
