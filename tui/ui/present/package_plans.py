"""What a package manager says it would do, as a change dialog shows it: for one place, or for several alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tui.domain.changes import Prepared
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.ui.language import tr
from tui.ui.present.cell import Cell, Tone, cell, join, remote, shown
from tui.ui.present.lines import Line, blank, heading, item, words
from tui.ui.present.words import size

__all__ = ["alike", "counts", "one_plan"]

PACKAGES = 200
NAMED = 12
"""So many places of a group are named."""


def one_plan(plan: PackagePlan) -> Iterator[Line]:
    """All of one plan."""
    if plan.is_empty:
        yield words(_nothing(plan), Tone.DIM)
        return
    yield heading(counts(plan))
    yield from _rows(plan)


def _nothing(plan: PackagePlan) -> str:
    return shown(plan.message) if plan.message else tr("No package would change.")


def alike(prepared: Sequence[Prepared]) -> Iterator[Line]:
    """The packages of several plans: once for all places where the same ones come and go."""
    groups: dict[object, list[Prepared]] = {}
    for each in prepared:
        if each.packages is not None and not each.packages.is_empty:
            groups.setdefault(_essence(each.packages), []).append(each)
    labels = {each.change.label for each in prepared}
    for members in groups.values():
        places = [
            each.change.host if len(labels) == 1 else f"{each.change.host}:{shown(each.change.label)}"
            for each in members
        ]
        more = len(places) - NAMED
        named = ", ".join(places[:NAMED])
        on = tr("{names} and {n} more", names=named, n=more) if more > 0 else named
        plan = members[0].packages
        assert plan is not None
        yield blank()
        yield heading(join((cell(tr("Packages"), Tone.ACCENT), cell(on))))
        yield from _rows(plan)


def _essence(plan: PackagePlan) -> object:
    """What makes two plans the same: not what lies in the caches already."""

    def of(packages: Sequence[PlannedPackage]) -> frozenset[tuple[str | None, ...]]:
        return frozenset((each.name, each.version, each.build, each.channel) for each in packages)

    return of(plan.link), of(plan.unlink), plan.cut


def counts(plan: PackagePlan) -> Cell:
    """How many come, change and go, and what is downloaded for that."""
    if plan.is_empty:
        return cell(_nothing(plan), Tone.DIM)
    added, changed, removed, _ = _sorted(plan)
    return join(
        (
            cell(f"+{len(added)}", Tone.GOOD),
            cell(f"~{len(changed)}", Tone.ACCENT),
            cell(f"-{len(removed)}", Tone.WARN if removed else Tone.DIM),
            cell(tr("packages"), Tone.ACCENT),
            cell(_download(plan), Tone.DIM),
        ),
        " ",
    )


def _sorted(
    plan: PackagePlan,
) -> tuple[list[PlannedPackage], list[PlannedPackage], list[PlannedPackage], dict[str, PlannedPackage]]:
    """Those that are added, changed and removed, and what was there before."""
    gone = {each.name: each for each in plan.unlink}
    new = {each.name for each in plan.link}
    return (
        [each for each in plan.link if each.name not in gone],
        [each for each in plan.link if each.name in gone],
        [each for each in plan.unlink if each.name not in new],
        gone,
    )


def _rows(plan: PackagePlan) -> Iterator[Line]:
    added, changed, removed, gone = _sorted(plan)
    rows = [
        *(_package("-", each, Tone.WARN) for each in removed),
        *(_package("~", each, Tone.ACCENT, gone[each.name]) for each in changed),
        *(_package("+", each, Tone.GOOD) for each in added),
    ]
    yield from map(item, rows[:PACKAGES])
    if len(rows) > PACKAGES or plan.cut:
        yield words(tr("and {n} more", n=len(rows) - PACKAGES) if not plan.cut else tr("and more"), Tone.DIM)


def _download(plan: PackagePlan) -> str:
    total = plan.download_bytes
    shown_size = size(total) if total else shown(plan.download_shown or "")
    return tr("({size} to download)", size=shown_size) if shown_size else ""


def _package(sign: str, package: PlannedPackage, tone: Tone, before: PlannedPackage | None = None) -> Cell:
    version = remote(package.version)
    if before is not None and before.version != package.version:
        version = (*remote(before.version, Tone.DIM), (" → ", Tone.DIM), *version)
    elif before is not None:
        version = (*version, *remote(f" {before.build} → {package.build}", Tone.DIM))
    return join((cell(sign, tone), remote(package.name), version, remote(package.channel, Tone.DIM)), " ")
