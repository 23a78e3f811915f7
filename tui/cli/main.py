"""From arguments to an exit code. Whatever happens, a person reads a sentence and a script one JSON object."""

from __future__ import annotations

import os
import sys
import time

from tui import __version__

TYPE_CHECKING = False  # as in typing, whose import takes longer than all that --version needs
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tui.cli.backend import Backend
    from tui.domain.errors import CondafleetError

__all__ = ["FrontEnds", "main"]


class FrontEnds:
    """The front ends beside this one, each imported when it is wanted."""

    def screen(self, config: str | None, readonly: bool, debug: bool) -> int:
        """Open the screen; its exit code."""
        raise NotImplementedError

    def demo(self, hosts: int | None, program: Sequence[str] | None, readonly: bool, debug: bool) -> int:
        """The screen, or *program*, on a throwaway fleet; its exit code."""
        raise NotImplementedError


def main(argv: Sequence[str], front_ends: FrontEnds, backend: Backend | None = None) -> int:
    """Run the command line *argv* (without the program's name); returns the exit code."""
    if list(argv) == ["--version"]:  # the parser alone would cost as much again as the start of Python
        print(f"condafleet {__version__}")
        return _flush(0)
    if argv and argv[0] == "__complete":  # what the shells' completion asks: never an error, never a connection
        from tui.cli.complete import answer

        return _flush(answer(argv[1:]))
    from tui.cli.parser import BadArguments, parse, plural_of

    try:
        args = parse(argv)
    except BadArguments as problem:
        from tui.domain.errors import UsageError

        return _fail(UsageError(problem.message, problem.remedy), *_wanted_json(argv), plural_of(argv))
    except SystemExit as done:  # --help and --version
        return _flush(done.code if isinstance(done.code, int) else 0)
    args.readonly = args.readonly or os.environ.get("CONDAFLEET_READONLY") == "1"
    plural = plural_of(argv)
    try:
        return _flush(_run(args, front_ends, backend))
    except KeyboardInterrupt:
        from tui.cli.context import RunInterruptedError

        return _fail(RunInterruptedError("Interrupted."), args.json, args.json_lines, plural)
    except Exception as problem:  # the last place where an error can become a sentence instead of a traceback
        from tui.domain.errors import CondafleetError

        if isinstance(problem, CondafleetError):
            return _fail(problem, args.json, args.json_lines, plural)
        _log_defect()
        what = CondafleetError(
            f"Unexpected error: {type(problem).__name__}: {problem}",
            "This is a defect. Run it again with --debug; `condafleet --help` names the log file.",
        )
        what.kind = "internal"
        return _fail(what, args.json, args.json_lines, plural)


def _run(args: argparse.Namespace, front_ends: FrontEnds, backend: Backend | None) -> int:
    if args.command == "demo":
        if args.program is None:
            _need_screen()
        return front_ends.demo(args.hosts, args.program, args.readonly, args.debug)
    if args.command is None:
        _need_screen()
        return front_ends.screen(args.config, args.readonly, args.debug)
    if args.command == "completion":
        from tui.cli.completion import script

        print(script(args.shell), end="")
        return 0
    from tui.cli.backend import Production

    return _headless(args, backend or Production())


def _need_screen() -> None:
    if not (sys.stdout.isatty() and sys.stdin.isatty()):
        from tui.domain.errors import UsageError

        raise UsageError(
            "The screen needs a terminal; standard input or output is none.",
            "For scripts there are commands: `condafleet envs --json`; `condafleet --help` lists them.",
        )


def _headless(args: argparse.Namespace, backend: Backend) -> int:
    import asyncio

    from tui.cli.commands import COMMANDS, module_of
    from tui.cli.context import Context
    from tui.cli.diag import Diag
    from tui.cli.out import Out
    from tui.cli.reply import deliver

    problem = backend.prepare(args.debug)
    command = module_of(args.command).run
    makes = getattr(args, "action", None) in COMMANDS[args.command].makes_config
    context = Context(args, backend.load(args.config, new=makes), backend, Out(), Diag())
    if problem and args.debug:  # without --debug nobody asked for a log
        context.diag.note(problem)

    async def run() -> int:
        try:
            reply = await command(context)
        except asyncio.CancelledError:  # told to end: nothing else cancels a command
            from tui.cli.context import RunInterruptedError

            raise RunInterruptedError("Ended by a signal.") from None
        return deliver(reply, context.out, context.diag, as_json=args.json, as_lines=args.json_lines)

    return backend.run(run)


def _wanted_json(argv: Sequence[str]) -> tuple[bool, bool]:
    from tui.cli.parser import wants

    return wants(argv, "--json"), wants(argv, "--json-lines")


def _fail(error: CondafleetError, as_json: bool, as_lines: bool, plural: str) -> int:
    """Say what went wrong where no command got as far as an answer."""
    from tui.cli.diag import Diag
    from tui.cli.out import Out
    from tui.cli.reply import Reply, deliver

    reply = Reply(plural, error=error, now=time.time())
    return _flush(deliver(reply, Out(), Diag(), as_json=as_json, as_lines=as_lines))


def _log_defect() -> None:
    import logging

    logger = logging.getLogger(__name__)
    if not logger.hasHandlers():  # the log file could not be opened: a traceback on the screen helps nobody
        logger.addHandler(logging.NullHandler())
    logger.exception("unexpected error")


def _flush(code: int) -> int:
    """Flush standard output now, so that a reader who went away can't make the interpreter complain at its end."""
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            from tui.cli.out import Out

            Out().finish()
    return code
