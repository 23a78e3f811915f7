"""Changes in words: what would be done, what speaks against it, how it ended. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from tui.cli.jsonview import Json, Object, time_json
from tui.cli.words import age, harmless, listed, one_line, size
from tui.domain.carrying import Cargo
from tui.domain.changes import Change, ChangeKind, Concern, Prepared, Severity
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.domain.redact import redact, redact_argv
from tui.domain.tasks import Task
from tui.domain.text import printable
from tui.domain.toolargs import EXPLICIT_FILE, explicit_source, pip_argv

__all__ = ["VERBS", "change_json", "command_text", "merged", "place", "preview", "question"]

MOST_PACKAGES = 12
_SIGNS = {Severity.FORBIDDEN: "refused", Severity.NAME: "guarded", Severity.WARNING: "warning", Severity.NOTE: "note"}
VERBS = {
    ChangeKind.CREATE: "create",
    ChangeKind.CLONE: "clone",
    ChangeKind.REMOVE: "remove",
    ChangeKind.RENAME: "rename",
    ChangeKind.RECREATE: "recreate",
    ChangeKind.INSTALL: "install into",
    ChangeKind.UPDATE: "update",
    ChangeKind.UNINSTALL: "uninstall from",
    ChangeKind.CLEAN: "clean",
    ChangeKind.RESTORE: "restore",
    ChangeKind.PURGE: "purge",
}


def place(change: Change) -> str:
    """``gpu01:cv-resnet50``, or by the prefix."""
    return f"{change.host}:{printable(change.label)}"


def command_text(argv: Sequence[str]) -> str:
    """A command line as a shell would read it, in printed form."""
    return printable(shlex.join(argv)).replace("\\\\", "\\")


def preview(prepared: Prepared, against: Sequence[Concern] = ()) -> list[str]:
    """What a person reads before it begins."""
    change = prepared.change
    lines = [f"{VERBS[change.kind]} {place(change)}  {printable(change.prefix)}"]
    if prepared.argv:
        lines.append(f"  runs     {command_text(prepared.argv)}")
    if (listed_by := explicit_source(change)) is not None and EXPLICIT_FILE in prepared.argv:
        lines.append(f"  list     {one_line(listed_by)}")
    then = pip_argv(change)
    if then and then != prepared.argv:
        lines.append(f"  then     {harmless(redact(command_text(then)))}")
    if change.kind is ChangeKind.RENAME:
        lines.append(
            f"  then     {printable(change.prefix)} is removed, once {printable(change.new_prefix or '')} is whole"
        )
    if change.kind is ChangeKind.RECREATE:
        lines.append("  before   what is there is put aside; it comes back when anything fails")
    if change.kind is ChangeKind.REMOVE:
        lines.append("  frees    " + _freed(prepared))
    if prepared.cargo is not None:
        lines.append(f"  carries  {_cargo(prepared.cargo)}")
    if prepared.packages is not None:
        lines += _packages(prepared.packages)
    if prepared.needed_bytes:
        lines.append(f"  needs    about {size(prepared.needed_bytes)}, {size(prepared.free_bytes)} are free")
    stands = set(map(id, against))
    for concern in sorted(prepared.concerns, key=lambda each: list(Severity).index(each.severity)):
        sign = _SIGNS[concern.severity]
        if concern.severity is Severity.NAME and id(concern) not in stands:
            sign = "accepted"
        lines.append(f"  {sign:<8} {one_line(concern.text)}")
        lines += [f"           {one_line(detail)}" for detail in concern.details[:MOST_PACKAGES]]
    return lines


def _cargo(cargo: Cargo) -> str:
    loads, arrived = len(cargo.loads), len(cargo.arrived)
    parts = []
    if loads:
        what = "1 package" if loads == 1 else f"{loads} packages"
        parts.append(f"{what}, {size(cargo.total_bytes)}, from {cargo.source} through this machine")
    if arrived:
        parts.append(f"{arrived} {'lies' if arrived == 1 else 'lie'} ready there from before")
    if cargo.free_bytes is not None:
        parts.append(f"{size(cargo.free_bytes)} are free")
    return "; ".join(parts)


def _freed(prepared: Prepared) -> str:
    known = prepared.size
    why = one_line(prepared.uncounted) or "not counted"
    if known is None:
        return f"{why}; `condafleet disk` counts it"
    sign = {"exact": "", "at_least": "at least ", "at_most": "at most ", "between": "about "}[known.bound.value]
    old = max(0.0, prepared.looked_at - known.time)
    notes = ["put aside first: freed when it is purged"] if prepared.change.keep_s > 0 else []
    if prepared.uncounted or old >= 1:
        notes.append(f"as counted {'just now' if old < 60 else age(old) + ' ago'}")
    else:
        notes.append("counted now")
    if prepared.uncounted:
        notes.append(why)
    return f"{sign}{size(known.exclusive_bytes)} of {size(known.total_bytes)} ({'; '.join(notes)})"


def _packages(plan: PackagePlan) -> list[str]:
    if plan.is_empty:
        return [f"  packages {one_line(plan.message)}" if plan.message else "  packages nothing would change"]
    gone = {each.name for each in plan.unlink}
    new = {each.name for each in plan.link}
    parts = [
        ("installs", [each for each in plan.link if each.name not in gone]),
        ("changes", [each for each in plan.link if each.name in gone]),
        ("removes", [each for each in plan.unlink if each.name not in new]),
    ]
    lines = []
    for word, packages in parts:
        if packages:
            lines.append(f"  {word:<8} {len(packages)}: {listed(map(_package, packages), MOST_PACKAGES)}")
    total = plan.download_bytes
    if total or plan.download_shown:
        lines.append(f"  loads    {size(total) if total else one_line(plan.download_shown or '')}")
    return lines


def _package(package: PlannedPackage) -> str:
    return printable(package.name if package.version is None else f"{package.name} {package.version}")


def question(prepared: Sequence[Prepared]) -> str:
    """The ordinary question."""
    kinds = {each.change.kind for each in prepared}
    if len(prepared) == 1:
        return f"{VERBS[prepared[0].change.kind].capitalize()} {place(prepared[0].change)}? [y/N] "
    verb = VERBS[prepared[0].change.kind] if len(kinds) == 1 else "change"
    hosts = len({each.change.host for each in prepared})
    on = "" if hosts == 1 else f" on {hosts} hosts"
    return f"{verb.capitalize()} {len(prepared)} environments{on}? [y/N] "


def merged(outcomes: Iterable[tuple[str, str]]) -> list[str]:
    """(place, outcome) pairs, those of one outcome on one line, the rarest outcomes last."""
    by_text: dict[str, list[str]] = {}
    for where, text in outcomes:
        by_text.setdefault(text, []).append(where)
    groups = sorted(by_text.items(), key=lambda group: -len(group[1]))
    return [f"{listed(where, 8)}: {text}" for text, where in groups]


def change_json(prepared: Prepared, against: Sequence[Concern], task: Task | None = None) -> Object:
    """What a change was found to be, for ``--json``."""
    change = prepared.change
    return {
        "kind": change.kind.value,
        "host": change.host,
        "name": None if change.name is None else printable(change.name),
        "prefix": printable(change.prefix),
        "install": None if change.install is None else printable(change.install),
        "argv": [*map(printable, redact_argv(prepared.argv))],
        "concerns": [_concern_json(each) for each in prepared.concerns],
        "refused": bool(against),
        "packages": None if prepared.packages is None else _plan_json(prepared.packages),
        "needed_bytes": prepared.needed_bytes,
        "free_bytes": prepared.free_bytes,
        "free_inodes": prepared.free_inodes,
        "freed_bytes": None if prepared.size is None else prepared.size.exclusive_bytes,
        "size_bound": None if prepared.size is None else prepared.size.bound.value,
        "carried_packages": None if prepared.cargo is None else len(prepared.cargo.loads),
        "carried_bytes": None if prepared.cargo is None else prepared.cargo.total_bytes,
        "size_time": None if prepared.size is None else time_json(prepared.size.time),
        "task": None if task is None else task.id,
    }


def _concern_json(concern: Concern) -> Object:
    return {
        "kind": concern.kind.value,
        "severity": concern.severity.value,
        "message": harmless(concern.text),
        "details": [harmless(detail) for detail in concern.details],
    }


def _plan_json(plan: PackagePlan) -> Json:
    return {
        "link": [_package_json(each) for each in plan.link],
        "unlink": [_package_json(each) for each in plan.unlink],
        "download_bytes": plan.download_bytes,
        "message": None if plan.message is None else harmless(plan.message),
    }


def _package_json(package: PlannedPackage) -> Object:
    def text(value: str | None) -> str | None:
        return None if value is None else printable(redact(value))

    return {
        "name": printable(package.name),
        "version": text(package.version),
        "build": text(package.build),
        "channel": text(package.channel),
        "size_bytes": package.size_bytes,
    }
