"""The changing commands: what each means on the hosts that answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui.cli.change import Found, run_changes
from tui.cli.context import Context, Fleet
from tui.cli.makers import chosen, environment_selectors, install_root, new_ones, one_source
from tui.cli.reply import Reply
from tui.domain.changes import CarryMode, Change, ChangeKind
from tui.domain.errors import ConfigError, UsageError
from tui.domain.selectors import parse_selector, select_one_environment
from tui.domain.targets import check_new
from tui.domain.wishes import Recipe, renamed

__all__ = ["run_clone", "run_create", "run_packages_change", "run_recreate", "run_remove", "run_rename"]


_DRIVERS = ("gpus",)
"""What CUDA packages are held against."""


async def run_remove(context: Context) -> Reply:
    """``remove``"""
    selectors = environment_selectors(context.args.selectors)
    specs = context.settings.hosts
    keep = context.settings.removal_keep if context.args.keep is None else context.args.keep

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        return [
            Change(ChangeKind.REMOVE, env.host, env.prefix, install_root(env, found), env.name, keep_s=keep)
            for env in chosen(selectors, specs, found)
        ]

    return await run_changes(context, selectors, make)


async def run_packages_change(context: Context, name: str) -> Reply:
    """``install``, ``update`` and ``uninstall``"""
    args, specs = context.args, context.settings.hosts
    selectors = environment_selectors([args.selector])
    kind = ChangeKind(name)
    wanted, channels = _words(args.specs), _words(getattr(args, "channel", ()))

    _check(wanted, channels)

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        return [
            Change(kind, env.host, env.prefix, install_root(env, found), env.name, specs=wanted, channels=channels)
            for env in chosen(selectors, specs, found)
        ]

    return await run_changes(context, selectors, make, more=_DRIVERS)


async def run_rename(context: Context) -> Reply:
    """``rename``"""
    selectors = environment_selectors([context.args.selector])

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        env = select_one_environment(selectors[0], found.environments, context.settings.hosts)
        return [renamed(env, context.args.name, found.installs(env.host))]

    return await run_changes(context, selectors, make)


async def run_recreate(context: Context) -> Reply:
    """``recreate``"""
    selectors = environment_selectors([context.args.selector])

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        env = select_one_environment(selectors[0], found.environments, context.settings.hosts)
        return [Change(ChangeKind.RECREATE, env.host, env.prefix, install_root(env, found), env.name)]

    return await run_changes(context, selectors, make)


async def run_clone(context: Context) -> Reply:
    """``clone``"""
    args, specs = context.args, context.settings.hosts
    source, target = environment_selectors([args.source, args.target])
    check_new(target)

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        recipe = Recipe(source=one_source(args.source, specs, found), carry=CarryMode(args.carry))
        return new_ones(ChangeKind.CLONE, target, specs, found, recipe, _root(args.install))

    return await run_changes(context, [source, target], make, more=_DRIVERS)


async def run_create(context: Context) -> Reply:
    """``create``"""
    args, specs = context.args, context.settings.hosts
    target = parse_selector(args.target)
    check_new(target)
    sources = [text for text in (args.file, args.like) if text is not None]
    if len(sources) + bool(args.specs) == 0:
        raise UsageError(
            "Nothing says what is to be in it.", "Name packages, a file with -f, or an environment with --like."
        )
    if len(sources) > 1 or (args.like and args.specs):
        raise UsageError("Packages, -f and --like don't go together here.", "Take one of them.")
    selectors = [target, *environment_selectors([args.like] if args.like else [])]
    written = _written(args.file) if args.file is not None else Recipe()
    for text in written.left_out:
        context.diag.note(f"{args.file}: left out: {text}")
    _check(args.specs, args.channel)

    async def make(found: Found, fleet: Fleet) -> list[Change]:
        recipe = Recipe(
            specs=(*written.specs, *_words(args.specs)),
            pip=written.pip,
            channels=(*_words(args.channel), *written.channels),
            explicit=written.explicit,
            source=one_source(args.like, specs, found) if args.like else None,
            carry=CarryMode(args.carry),
        )
        return new_ones(ChangeKind.CREATE, target, specs, found, recipe, _root(args.install))

    return await run_changes(context, selectors, make, more=_DRIVERS)


def _written(file: str) -> Recipe:
    """What an operator's file wants. Raises UsageError, which names file and line."""
    from tui.config.environment_file import load_environment_file

    try:
        read = load_environment_file(Path(file).expanduser())
    except ConfigError as error:
        raise UsageError(error.message, "Mend the file, or name another with -f; nothing was done.") from error
    return Recipe(read.specs, read.pip, read.channels, read.explicit, left_out=read.left_out)


def _check(specs: Sequence[str], channels: Sequence[str]) -> None:
    """Whether the words are what they are meant to be, before any host is asked. Raises UsageError."""
    from tui.domain.toolwords import check_channels, check_specs

    check_specs([spec for spec in specs if not spec.startswith("pip:")])
    check_channels(channels)


def _words(texts: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Arguments as raw text: what the shell handed over, byte for byte."""
    return tuple(texts)


def _root(text: str | None) -> str | None:
    from tui.domain.text import parse_printed

    return None if text is None else parse_printed(text)
