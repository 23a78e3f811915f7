"""What an environment is made again from: ``environment.yml`` in three forms, the explicit list, ``pip freeze``. Pure.

An :class:`Export` is a file's text, and beside it what cannot be made again from that file, by reason and name. The
text holds no secret (a placeholder stands where one was) and nothing that a terminal would obey.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from tui.domain.envchannels import channels_of
from tui.domain.envrecord import CondaRecord, EnvironmentRecord, without_secrets
from tui.domain.explicit import explicit_lines
from tui.domain.losses import Missing, Reason, is_plain, losses
from tui.domain.piprequirements import freeze_lines, requirement
from tui.domain.requestedspecs import requested_specs
from tui.domain.yamltext import comment, scalar

__all__ = ["Export", "Form", "render"]


class Form(StrEnum):
    """What file is wanted."""

    FULL = "full"
    """``environment.yml`` with versions and builds."""
    NO_BUILDS = "no_builds"
    FROM_HISTORY = "from_history"
    """``environment.yml`` with what was asked for, as it was asked for."""
    EXPLICIT = "explicit"
    """The addresses of the very packages, with their hashes: nothing is solved."""
    PIP = "pip"
    """The pip packages alone, as ``pip freeze`` writes them."""


@dataclass(frozen=True, slots=True)
class Export:
    """A file to make an environment from."""

    form: Form
    text: str
    """Whole lines."""
    missing: tuple[Missing, ...] = ()
    """What cannot be made again from it, or not everywhere; empty: all of it can."""


def render(record: EnvironmentRecord, form: Form) -> Export:
    """The file of that *form* for the environment of *record*."""
    clean = without_secrets(record)
    own: list[Missing] = []
    if form is Form.PIP:
        missing = losses(replace(record, conda=(), variables=(), condarcs=(), pins=()))
        lines = list(freeze_lines(clean.pip))
    elif form is Form.EXPLICIT:
        missing = losses(replace(record, pip=(), variables=(), condarcs=()))
        lines = list(explicit_lines(clean))
        own += [Missing(Reason.PIP_PACKAGES, tuple(sorted({each.name for each in record.pip})))] if record.pip else []
        own += (
            [Missing(Reason.VARIABLES, tuple(sorted(name for name, _ in record.variables)))] if record.variables else []
        )
    else:
        missing = tuple(each for each in losses(replace(record, condarcs=())) if each.reason is not Reason.NO_HASH)
        specs = _specs(clean, form)
        lines = list(_environment_yml(clean, specs))
        if form is Form.FROM_HISTORY and record.conda and not specs:
            own.append(Missing(Reason.NO_REQUESTS))
        elif form is Form.FROM_HISTORY and not record.history.complete:
            own.append(Missing(Reason.OLD_REQUESTS))
    return Export(form, "".join(f"{line}\n" for line in lines), (*missing, *own))


def _specs(record: EnvironmentRecord, form: Form) -> tuple[str, ...]:
    if form is Form.FROM_HISTORY:
        return requested_specs(record)
    return tuple(_spec(each, builds=form is Form.FULL) for each in record.conda if is_plain(each))


def _spec(record: CondaRecord, *, builds: bool) -> str:
    return "=".join(part for part in (record.name, record.version, record.build if builds else None) if part)


_PIP_ITSELF = re.compile(r"(?:.*::)?pip(?![\w.-])")


def _environment_yml(record: EnvironmentRecord, specs: Sequence[str]) -> Iterator[str]:
    requirements = [line for each in record.pip if (line := requirement(each)) is not None]
    if requirements and not any(map(_PIP_ITSELF.match, specs)):
        specs = (*specs, "pip")  # without it nobody could install what follows
    yield f"name: {scalar(record.label)}"
    yield from _sequence("channels", channels_of(record))
    yield from _sequence("dependencies", specs)
    if requirements:
        yield "  - pip:"
        yield from (f"    - {scalar(line)}" for line in requirements)
    yield from _left_out(record)
    if record.variables:
        yield "variables:"
        yield from (f"  {scalar(name)}: {scalar(value)}" for name, value in record.variables)


def _sequence(key: str, items: Sequence[str]) -> Iterator[str]:
    yield f"{key}:" if items else f"{key}: []"
    yield from (f"  - {scalar(item)}" for item in items)


def _left_out(record: EnvironmentRecord) -> Iterator[str]:
    """Comments on what no entry stands for, so that whoever reads the file alone knows, too."""
    for each in record.conda:
        if not is_plain(each):
            yield comment(f"left out: {each.stem} (no name, version or build that conda takes)")
    for dist in record.pip:
        if requirement(dist) is None:
            where = f" from {dist.address}" if dist.address else ""
            yield comment(f"left out of pip: {dist.name} {dist.version or ''} ({dist.origin.value}{where})")
