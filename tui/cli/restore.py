"""``archive restore ID [HOST:NAME]``: an environment made again from what was kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tui.cli.change import Found, run_changes
from tui.cli.context import Context, Fleet
from tui.cli.export import missing_hints
from tui.cli.makers import new_ones
from tui.cli.reply import Reply
from tui.domain.archive import Archive
from tui.domain.changes import Change, ChangeKind
from tui.domain.errors import RefusedError
from tui.domain.logins import Login, is_usable
from tui.domain.remake import remake, with_logins_left
from tui.domain.selectors import parse_selector
from tui.domain.targets import check_new
from tui.domain.text import printable
from tui.domain.wishes import Recipe
from tui.ports import SecretKind, SecretQuestion
from tui.terminal.prompts import TtyPrompter

__all__ = ["run_restore"]


async def run_restore(context: Context) -> Reply:
    """Create it anew, where it was or where the command line says. One that exists is never overwritten."""
    args = context.args
    archive = context.backend.archives().load(args.id)
    target = parse_selector(args.target or f"{archive.head.host}:{printable(archive.head.prefix)}")
    check_new(target)
    recipe, logins = await _recipe(context, archive)
    root = args.install
    if root is None and args.target is None and archive.head.cause.install is not None:
        root = archive.head.cause.install

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        made = new_ones(ChangeKind.CREATE, target, context.settings.hosts, found, recipe, root)
        made = [replace(each, logins=logins) for each in made]
        return made if args.target is not None else [replace(each, name=archive.head.name) for each in made]

    for hint in missing_hints(archive.head.label, archive.head.missing):
        context.diag.note(hint)
    if archive.record.variables:
        names = ", ".join(printable(name) for name, _ in archive.record.variables)
        context.diag.note(f"{archive.head.label}: variables to be set again with `conda env config vars set`: {names}")
    return await run_changes(context, [target], make)


async def _recipe(context: Context, archive: Archive) -> tuple[Recipe, tuple[Login, ...]]:
    """What the archived environment is made of, and the logins for it. Raises RefusedError where that is not enough."""
    wish = remake(archive.record)
    logins: tuple[Login, ...] = ()
    if wish.withheld:
        left = with_logins_left(wish)
        if left is None:
            raise _withheld(
                archive,
                wish.withheld,
                "A token in a channel's address, and what pip's addresses held, cannot be asked for here: tools take "
                "them in an address or from a named file alone, and both would be written down on the host. ",
            )
        logins = await _ask(context, archive, wish.withheld, left[1])
        wish = left[0]
    if not (wish.explicit or wish.specs or wish.pip):
        raise RefusedError(
            f"The archive {archive.head.id} names no package: nothing can be made of it. Nothing was changed."
        )
    return Recipe(wish.specs, wish.pip, wish.channels, wish.explicit), logins


async def _ask(
    context: Context, archive: Archive, withheld: Sequence[str], servers: Sequence[str]
) -> tuple[Login, ...]:
    """A login for each of *servers*: it stays in memory, here and on the host that makes the environment."""
    if context.args.dry_run:
        context.diag.note(f"it will be asked for a user and password of {', '.join(servers)}")
        return ()
    prompter = TtyPrompter(around=context.diag.progress.silenced)
    logins = []
    for server in servers:
        user = await prompter.line(f"{archive.head.label} needs a login of {server}. User: ")
        question = SecretQuestion(server, SecretKind.PASSWORD, f"password of {printable(user or '')}")
        password = await prompter.secret(question) if user else None
        if not user or not password:
            raise _withheld(archive, withheld, "Nobody gave it, or there is no terminal to ask at. ")
        if not (is_usable(user.strip()) and is_usable(password)):
            raise _withheld(
                archive,
                servers,
                "Blanks, quotes, backslashes and # cannot be handed to conda without writing it down. ",
            )
        logins.append(Login(server, user.strip(), password))
    return tuple(logins)


def _withheld(archive: Archive, what: Sequence[str], why: str) -> RefusedError:
    return RefusedError(
        "A token or password was left out of it when it was archived, and it cannot be made without: "
        f"{', '.join(map(printable, what))}. {why}Nothing was changed.",
        f"Write it out with `condafleet archive show {archive.head.id} --file environment.yml`, put the addresses "
        "without them, let the host have its own (`~/.netrc`, or `anaconda login`), and give the file to `condafleet "
        "create HOST:NAME -f FILE`.",
    )
