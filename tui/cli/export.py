"""``export HOST:ENV``: a file to make the environment again from, alone on standard output."""

from __future__ import annotations

import time
from collections.abc import Iterable

from tui.cli.context import Context
from tui.cli.diag import fault_line
from tui.cli.jsonview import Json, Object
from tui.cli.oneenv import find_one, one_selector
from tui.cli.reply import Reply
from tui.domain.environments import Environment
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.exports import Export, Form, render
from tui.domain.losses import Missing
from tui.domain.text import printable
from tui.services.exporting import read_export

__all__ = ["missing_hints", "missing_json", "run_export", "text_lines"]


async def run_export(context: Context) -> Reply:
    """Print the file of the one environment that the command line names."""
    args = context.args
    selector, form = one_selector(args.selector), Form(args.form)
    export: Export | None = None
    async with context.fleet() as fleet:
        one = await find_one(context, fleet, selector)
        env, error = one.env, one.error
        if env is not None:
            try:
                doing = f"{env.host}: reading what {printable(env.label)} is made of"
                record = await fleet.until(read_export(fleet.api, env.host, env.prefix, env.name), doing)
                if env.fault is not None and not (record.conda or record.pip):
                    raise HostFaultError(env.fault)  # an empty file would be taken for an environment without packages
                export = render(record, form)
            except CondafleetError as problem:
                error = problem
    if env is None or export is None:
        return Reply("exports", one.reports, error=error)
    chosen, done = env, export
    nothing = "nothing was installed by pip" if form is Form.PIP else "it is empty"
    hints = [f"{args.selector}: {nothing}"] if not done.text else []
    if chosen.fault is not None:
        hints.append(fault_line(args.selector, chosen.fault, time.time()).rstrip("\n"))
    return Reply(
        "exports",
        one.reports,
        items=lambda: [_export_json(chosen, done)],
        lines=lambda width: text_lines(done.text),
        error=error,
        hints=(*hints, *missing_hints(args.selector, done.missing)),
    )


def text_lines(text: str) -> list[str]:
    """The lines of a file, for printing it exactly."""
    return text.removesuffix("\n").split("\n") if text else []


def missing_json(missing: Iterable[Missing]) -> list[Json]:
    """What cannot be made again, by reason."""
    return [
        {"reason": each.reason.value, "names": list(map(printable, each.names)), "message": str(each.text)}
        for each in missing
    ]


def missing_hints(subject: str, missing: Iterable[Missing]) -> list[str]:
    """The same for people."""
    texts = [f"  {each.text}" for each in missing]
    return [f"{subject}: not all of it can be made again from this, or not everywhere:", *texts] if texts else []


def _export_json(env: Environment, export: Export) -> Object:
    return {
        "host": env.host,
        "name": None if env.name is None else printable(env.name),
        "prefix": printable(env.prefix),
        "form": export.form.value,
        "text": export.text,
        "missing": missing_json(export.missing),
    }
