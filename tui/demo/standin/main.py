"""Where the stand-in begins."""

from __future__ import annotations

import argparse
import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from tui.demo.standin.faults import Exit, Fault, report
from tui.demo.standin.grammar import parse
from tui.demo.standin.place import Place

__all__ = ["main", "run"]

_COMMANDS = {
    "create": "changes:create",
    "install": "changes:install",
    "update": "changes:install",
    "upgrade": "changes:install",
    "remove": "changes:remove",
    "uninstall": "changes:remove",
    "rename": "cloning:rename",
    "clean": "cleaning:clean",
    "list": "listing:packages",
    "info": "facts:info",
    "config": "facts:config",
    "search": "listing:search",
    "run": "running:run",
    "export": "exporting:export",
    "env create": "exporting:create",
    "env update": "exporting:update",
    "env export": "exporting:export",
    "env remove": "changes:remove",
    "env list": "listing:environments",
}


def main(root: str, argv: Sequence[str]) -> int:
    """Do what the command line *argv* asks of the install at *root*; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names are what they are, whatever the locale
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")
    if Path(argv[0]).name in ("mamba", "micromamba"):
        from tui.demo.standin.libmamba import main as as_libmamba

        return as_libmamba(root, argv)
    args = parse(argv[1:])
    place = Place.read(root, argv)
    place.as_json = bool(getattr(args, "json", False))
    if args.version:
        print(f"conda {place.version}")
        return 0
    if args.command is None:
        parse(["--help"])
    return _guarded(place, args)


def run(root: str, argv: Sequence[str]) -> NoReturn:
    """:func:`main`, and the end of this process.

    Nothing is cleaned up: the solver's threads outlive a solve, and bring an interpreter that ends in order down.
    """
    code = main(root, argv)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(code)


def _guarded(place: Place, args: argparse.Namespace) -> int:
    try:
        code = _command(args)(place, args)
        sys.stdout.flush()
        return code or 0
    except Exit as end:
        sys.stdout.flush()
        if not (place.as_json and end.name == "DryRunExit"):
            print(f"\n{end.name}: {end.message}\n", file=sys.stderr)
        return 0
    except Fault as fault:
        return report(fault, place.as_json)
    except KeyboardInterrupt:
        return report(Fault("CondaError", "KeyboardInterrupt", module="conda"), place.as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return report(_of_os(error), place.as_json)


def _command(args: argparse.Namespace) -> Callable[[Place, argparse.Namespace], int | None]:
    key = f"env {args.verb}" if args.command == "env" else args.command
    module, _, name = _COMMANDS[key].partition(":")
    found: Callable[[Place, argparse.Namespace], int | None] = getattr(
        import_module(f"tui.demo.standin.{module}"), name
    )
    return found


def _of_os(error: OSError) -> Fault:
    if error.errno == errno.ENOSPC:
        return Fault("NoSpaceLeftError", f"No space left on devices.\n\n{error}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        message = "The current user does not have write permissions to a required path."
        return Fault(
            "NotWritableError", f"{message}\n  path: {error.filename}\n  uid: {os.getuid()}\n  gid: {os.getgid()}\n"
        )
    return Fault("CondaOSError", str(error))
