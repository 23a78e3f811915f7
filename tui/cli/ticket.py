"""The report for a ticket: a file that a command writes beside its results."""

from __future__ import annotations

from pathlib import Path

from tui.cli.context import Context
from tui.domain.errors import CondafleetError, StorageError
from tui.domain.planreport import PlanReport, markdown
from tui.domain.text import printable
from tui.storage.atomic import check_place, write_private

__all__ = ["check_report", "write_report"]


def check_report(context: Context) -> None:
    """Raises StorageError where the report that was asked for could not be written: before anything is done."""
    place = context.args.markdown
    if place is None:
        return
    try:
        check_place(Path(place))
    except OSError as error:
        raise _unwritable(place, error, "Nothing was done: name another file.") from error


def write_report(context: Context, report: PlanReport, error: CondafleetError | None = None) -> CondafleetError | None:
    """Put *report* where it was asked for, if it was.

    The command's own *error*; where the report cannot be written it is shown instead, and that is the error unless the
    command has one.
    """
    place = context.args.markdown
    if place is None:
        return error
    text = markdown(report)
    try:
        write_private(Path(place), text.encode())
    except OSError as problem:
        context.diag.note(text)
        unwritable = _unwritable(place, problem, "It is shown instead.")
        if error is None:
            return unwritable
        context.diag.note(unwritable.message)
    return error


def _unwritable(place: str, error: OSError, remedy: str) -> StorageError:
    return StorageError(f"The report cannot be written to {printable(place)}: {error.strerror}.", remedy)
