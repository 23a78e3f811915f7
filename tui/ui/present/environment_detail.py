"""The detail of an environment: where it is, who uses it, what it holds."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.compare import by_digest
from tui.domain.environments import DiskSize, Environment
from tui.domain.packages import Package, PackageManager
from tui.services.store import HostView
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.present.environments import SIGNAL_WORDS, key_packages, name_cell, state_words
from tui.ui.present.faults import fault_tone, fault_words
from tui.ui.present.lines import Line, blank, heading, item, pair, words
from tui.ui.present.under_change import doing_cell, under_change
from tui.ui.present.words import UNKNOWN, ago, bounded, day, size_long

__all__ = ["detail", "group", "packages"]

GROUP_SHOWN = 50
MISSING = cell(UNKNOWN, Tone.DIM)


def detail(env: Environment, view: HostView, now: float) -> list[Line]:
    """All that is known of an environment but its packages."""
    lines = [
        pair(tr("Host"), cell(env.host)),
        pair(
            tr("Name"),
            remote(env.name, Tone.STRONG) if env.name is not None else cell(tr("none, known by its prefix"), Tone.DIM),
        ),
        pair(tr("Prefix"), remote(env.prefix)),
        pair(tr("State"), state_words(env, doing_cell(env.prefix, under_change(view)))),
    ]
    if env.linked_to:
        lines.append(pair(tr("Leads to"), remote(env.linked_to)))
    if env.fault is not None:
        lines += [blank(), heading(cell(fault_words(env.fault), fault_tone(env.fault))), words(said(env.fault.message))]
        if env.fault.remedy:
            lines.append(pair(tr("To do"), cell(said(env.fault.remedy))))
        lines.append(blank())
    lines += [
        pair(tr("Install"), remote(env.install) or cell(tr("none claims it"), Tone.DIM)),
        pair(tr("Made by"), cell(env.manager.value)),
        pair(tr("Python"), remote(env.python) or MISSING),
        pair(tr("Owner"), join((remote(env.owner) or MISSING, _writable(env)), tr(", "))),
        pair(tr("Created"), _date(env.created, now)),
        pair(tr("Changed"), _date(env.modified, now)),
        pair(tr("Last used"), _last_used(env, now)),
        pair(tr("Size"), _size(env.size)),
        pair(tr("Frees"), _frees(env.size, now)),
        pair(tr("Seen"), join((cell(ago(view.snapshot.environments.time, now)), _stale(view)))),
    ]
    if env.seen_in:
        lines.append(pair(tr("Found by"), remote(", ".join(env.seen_in), Tone.DIM)))
    lines += _use(env)
    return lines


def group(members: Sequence[Environment]) -> list[Line]:
    """What environments that stand together hold: those with equal packages under one heading."""
    lines: list[Line] = []
    for held in by_digest(members):
        number = len(held.environments)
        title = tr("The same packages") if number > 1 else tr("Packages of its own")
        known = key_packages(held.environments[0].packages)
        lines += [blank(), heading(join((cell(title, Tone.ACCENT), known)))]
        lines += [item(join((cell(env.host), name_cell(env)))) for env in held.environments[:GROUP_SHOWN]]
        if number > GROUP_SHOWN:
            lines.append(words(tr("and {n} more", n=number - GROUP_SHOWN), Tone.DIM))
    unknown = [env for env in members if not env.packages_known]
    if unknown:
        lines += [blank(), heading(cell(tr("Packages not known"), Tone.DIM))]
        lines += [item(join((cell(env.host), name_cell(env), state_words(env)))) for env in unknown[:GROUP_SHOWN]]
    return lines[1:]


def _writable(env: Environment) -> Cell:
    if env.writable is None:
        return ()
    return cell(tr("you may write"), Tone.DIM) if env.writable else cell(tr("read-only for you"), Tone.DIM)


def _date(when: float | None, now: float) -> Cell:
    return MISSING if when is None else join((cell(day(when)), cell(ago(when, now), Tone.DIM)))


def _last_used(env: Environment, now: float) -> Cell:
    if env.last_used is None:
        return MISSING
    signal = said(SIGNAL_WORDS[env.last_used_signal][1]) if env.last_used_signal else ""
    return join((cell(ago(env.last_used, now)), cell(signal, Tone.DIM)))


def _size(known: DiskSize | None) -> Cell:
    if known is None:
        return cell(tr("not counted yet"), Tone.DIM)
    files = trn("in {n} file", "in {n} files", known.files)
    return join((cell(size_long(known.total_bytes)), cell(files, Tone.DIM)))


def _frees(known: DiskSize | None, now: float) -> Cell:
    """What removing it alone gives back, which way that can be wrong, and how old the count is."""
    if known is None:
        return MISSING
    shared = tr("{size} shared", size=size_long(known.shared_bytes)) if known.shared_bytes else ""
    counted = tr("counted {when}", when=ago(known.time, now))
    return join(
        (cell(bounded(size_long(known.exclusive_bytes), known.bound)), cell(shared, Tone.DIM), cell(counted, Tone.DIM)),
        tr(", "),
    )


def _stale(view: HostView) -> Cell:
    return cell(tr("kept from an earlier start"), Tone.WARN) if "environments" in view.stale_parts else ()


def _use(env: Environment) -> list[Line]:
    lines = [blank(), heading(tr("Used now"))]
    for use in env.in_use:
        via = remote(use.via, Tone.DIM)
        lines.append(item(join((cell(str(use.pid), Tone.DIM), remote(use.user), remote(use.command), via))))
    if env.in_use_complete is None:
        lines.append(words(tr("Nobody looked yet."), Tone.DIM))
    elif not env.in_use_complete:
        lines.append(words(tr("Some processes of other users could not be looked at."), Tone.WARN))
    elif not env.in_use:
        lines.append(words(tr("No process uses it."), Tone.DIM))
    return lines


def packages(env: Environment) -> list[Line]:
    """What it holds."""
    if not env.packages_known:
        return [blank(), heading(tr("Packages")), words(tr("Not read yet."), Tone.DIM)]
    held = trn("{n} conda package", "{n} conda packages", env.conda_packages or 0)
    if env.pip_packages:
        pip = trn("{n} pip package", "{n} pip packages", env.pip_packages)
        held = tr("{conda} and {pip}", conda=held, pip=pip)
    lines = [blank(), heading(held)]
    lines += [item(_package(package, env)) for package in env.packages.packages]
    return lines


def _package(package: Package, env: Environment) -> Cell:
    pip = package.manager is PackageManager.PIP
    asked = not pip and package.name in env.requested
    over = pip and package.name in env.clobbered
    return join(
        (
            remote(package.name, Tone.STRONG if asked else Tone.PLAIN),
            remote(package.version),
            cell("pip", Tone.ACCENT) if pip else remote(package.build, Tone.DIM),
            remote(package.channel, Tone.DIM),
            cell(tr("asked for"), Tone.DIM) if asked else (),
            cell(tr("over conda's files"), Tone.WARN) if over else (),
        )
    )
