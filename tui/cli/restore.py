"""``archive restore ID [HOST:NAME]``: an environment made again from what was kept of it."""

from __future__ import annotations

from dataclasses import replace

from tui.cli.change import Found, run_changes
from tui.cli.context import Context, Fleet
from tui.cli.export import missing_hints
from tui.cli.makers import new_ones
from tui.cli.reply import Reply
from tui.domain.archive import Archive
from tui.domain.changes import Change, ChangeKind
from tui.domain.errors import RefusedError
from tui.domain.remake import remake
from tui.domain.selectors import parse_selector
from tui.domain.targets import check_new
from tui.domain.text import printable
from tui.domain.wishes import Recipe

__all__ = ["run_restore"]


async def run_restore(context: Context) -> Reply:
    """Create it anew, where it was or where the command line says. One that exists is never overwritten."""
    args = context.args
    archive = context.backend.archives().load(args.id)
    target = parse_selector(args.target or f"{archive.head.host}:{printable(archive.head.prefix)}")
    check_new(target)
    recipe = _recipe(archive)
    root = args.install
    if root is None and args.target is None and archive.head.cause.install is not None:
        root = archive.head.cause.install

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        made = new_ones(ChangeKind.CREATE, target, context.settings.hosts, found, recipe, root)
        return made if args.target is not None else [replace(each, name=archive.head.name) for each in made]

    for hint in missing_hints(archive.head.label, archive.head.missing):
        context.diag.note(hint)
    if archive.record.variables:
        names = ", ".join(printable(name) for name, _ in archive.record.variables)
        context.diag.note(f"{archive.head.label}: variables to be set again with `conda env config vars set`: {names}")
    return await run_changes(context, [target], make)


def _recipe(archive: Archive) -> Recipe:
    """What the archived environment is made of. Raises RefusedError where that is not enough."""
    wish = remake(archive.record)
    id_ = archive.head.id
    if wish.withheld:
        raise RefusedError(
            "A token or password was left out of it when it was archived, and it cannot be made without: "
            f"{', '.join(map(printable, wish.withheld))}. Nothing was changed.",
            f"Write it out with `condafleet archive show {id_} --file environment.yml`, put them in, and give the file "
            "to `condafleet create HOST:NAME -f FILE`.",
        )
    if not (wish.explicit or wish.specs or wish.pip):
        raise RefusedError(f"The archive {id_} names no package: nothing can be made of it. Nothing was changed.")
    return Recipe(wish.specs, wish.pip, wish.channels, wish.explicit)
