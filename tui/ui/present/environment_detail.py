"""The detail of an environment: where it is, who uses it, what it holds."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.compare import by_digest
from tui.domain.environments import Environment
from tui.domain.packages import Package, PackageManager
from tui.services.store import HostView
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.present.environments import SIGNAL_WORDS, key_packages, name_cell, state_words
from tui.ui.present.faults import fault_tone, fault_words
from tui.ui.present.lines import Line, blank, heading, item, pair, words
from tui.ui.present.words import UNKNOWN, ago, count, day

__all__ = ["detail", "group", "packages"]

GROUP_SHOWN = 50
MISSING = cell(UNKNOWN, Tone.DIM)


def detail(env: Environment, view: HostView, now: float) -> list[Line]:
    """All that is known of an environment but its packages."""
    lines = [
        pair("Host", cell(env.host)),
        pair(
            "Name",
            remote(env.name, Tone.STRONG) if env.name is not None else cell("none, known by its prefix", Tone.DIM),
        ),
        pair("Prefix", remote(env.prefix)),
        pair("State", state_words(env)),
    ]
    if env.linked_to:
        lines.append(pair("Leads to", remote(env.linked_to)))
    if env.fault is not None:
        lines += [blank(), heading(cell(fault_words(env.fault), fault_tone(env.fault))), words(env.fault.message)]
        if env.fault.remedy:
            lines.append(pair("To do", cell(env.fault.remedy)))
        lines.append(blank())
    lines += [
        pair("Install", remote(env.install) or cell("none claims it", Tone.DIM)),
        pair("Made by", cell(env.manager.value)),
        pair("Python", remote(env.python) or MISSING),
        pair("Owner", join((remote(env.owner) or MISSING, _writable(env)), ", ")),
        pair("Created", _date(env.created, now)),
        pair("Changed", _date(env.modified, now)),
        pair("Last used", _last_used(env, now)),
        pair("Seen", join((cell(ago(view.snapshot.environments.time, now)), _stale(view)))),
    ]
    if env.seen_in:
        lines.append(pair("Found by", remote(", ".join(env.seen_in), Tone.DIM)))
    lines += _use(env)
    return lines


def group(members: Sequence[Environment]) -> list[Line]:
    """What environments that stand together hold: those with equal packages under one heading."""
    lines: list[Line] = []
    for held in by_digest(members):
        number = len(held.environments)
        title = "The same packages" if number > 1 else "Packages of its own"
        known = key_packages(held.environments[0].packages)
        lines += [blank(), heading(join((cell(title, Tone.ACCENT), known)))]
        lines += [item(join((cell(env.host), name_cell(env)))) for env in held.environments[:GROUP_SHOWN]]
        if number > GROUP_SHOWN:
            lines.append(words(f"and {number - GROUP_SHOWN} more", Tone.DIM))
    unknown = [env for env in members if not env.packages_known]
    if unknown:
        lines += [blank(), heading(cell("Packages not known", Tone.DIM))]
        lines += [item(join((cell(env.host), name_cell(env), state_words(env)))) for env in unknown[:GROUP_SHOWN]]
    return lines[1:]


def _writable(env: Environment) -> Cell:
    if env.writable is None:
        return ()
    return cell("you may write", Tone.DIM) if env.writable else cell("read-only for you", Tone.DIM)


def _date(when: float | None, now: float) -> Cell:
    return MISSING if when is None else join((cell(day(when)), cell(ago(when, now), Tone.DIM)))


def _last_used(env: Environment, now: float) -> Cell:
    if env.last_used is None:
        return MISSING
    signal = SIGNAL_WORDS[env.last_used_signal][1] if env.last_used_signal else ""
    return join((cell(ago(env.last_used, now)), cell(signal, Tone.DIM)))


def _stale(view: HostView) -> Cell:
    return cell("kept from an earlier start", Tone.WARN) if "environments" in view.stale_parts else ()


def _use(env: Environment) -> list[Line]:
    lines = [blank(), heading("Used now")]
    for use in env.in_use:
        via = remote(use.via, Tone.DIM)
        lines.append(item(join((cell(str(use.pid), Tone.DIM), remote(use.user), remote(use.command), via))))
    if env.in_use_complete is None:
        lines.append(words("Nobody looked yet.", Tone.DIM))
    elif not env.in_use_complete:
        lines.append(words("Some processes of other users could not be looked at.", Tone.WARN))
    elif not env.in_use:
        lines.append(words("No process uses it.", Tone.DIM))
    return lines


def packages(env: Environment) -> list[Line]:
    """What it holds."""
    if not env.packages_known:
        return [blank(), heading("Packages"), words("Not read yet.", Tone.DIM)]
    conda = count(env.conda_packages, "conda package")
    pip = f" and {count(env.pip_packages, 'pip package')}" if env.pip_packages else ""
    lines = [blank(), heading(conda + pip)]
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
            cell("asked for", Tone.DIM) if asked else (),
            cell("over conda's files", Tone.WARN) if over else (),
        )
    )
