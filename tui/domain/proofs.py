"""The words by which a host sees on its disk whether what was asked for is there. Pure.

They are what ``change_proof.sh`` reads: ``numpy``, ``numpy:>=1.26,<2:``, ``numpy:1.26.*:py311*``, ``=RECORD`` for the
very package, ``+RECORD`` and ``-RECORD`` for what the dry run said would come and go.
"""

from __future__ import annotations

import re

from tui.domain.packages import canonical_name
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.domain.toolwords import requirement_name, spec_name

__all__ = ["pip_word", "planned_words", "spec_word", "stem_of"]

_REST = re.compile(
    r"(?P<versions>(?:[<>=!~]=?)?[^=<>!~\s,|]+(?:[,|](?:[<>=!~]=?)?[^=<>!~\s,|]+)*)(?:[=\s](?P<build>[A-Za-z0-9_.*]+))?\Z"
)
_VERSIONS = re.compile(r"[A-Za-z0-9_.+!*=<>~|,-]+\Z")
_PINS = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\[\]]*\])?\s*\(?(?P<versions>[<>=!~][A-Za-z0-9.*+!<>=~, -]*)\)?\Z"
)
_STEM = re.compile(r"[A-Za-z0-9_.+!~-]+\Z")


def spec_word(spec: str, *, exact: bool = False) -> str | None:
    """The word for a spec of conda's; None where it names no package. *exact*: of ``NAME=VERSION=BUILD`` the record.

    What is too odd to be read is looked for by its name alone.
    """
    name = spec_name(spec)
    if name is None:
        return None
    rest = spec.rpartition("::")[2].strip()[len(name) :].strip()
    parts = rest.split("=")
    if exact and len(parts) == 3 and not parts[0] and all(map(_STEM.match, parts[1:])):
        return f"={name}-{parts[1]}-{parts[2]}"
    found = _REST.match(re.sub(r"\s*([,|])\s*", r"\1", re.sub(r"([<>=!~])\s+", r"\1", rest)))
    if found is None or not _VERSIONS.match(found["versions"]):
        return name
    return f"{name}:{found['versions']}:{found['build'] or ''}"


def pip_word(requirement: str) -> str | None:
    """The same for a requirement of pip's; None where it holds only on some machines, or names none."""
    name = requirement_name(requirement)
    if name is None or ";" in requirement:
        return None
    found = _PINS.match(requirement)
    if found is None:
        return canonical_name(name)
    return f"{canonical_name(name)}:{found['versions'].replace(' ', '').rstrip(',')}:"


def planned_words(plan: PackagePlan | None) -> tuple[str, ...]:
    """What *plan* says that there will be, and will be no more."""
    if plan is None or plan.cut:
        return ()
    coming = {stem for each in plan.link if (stem := stem_of(each)) is not None}
    going = {stem for each in plan.unlink if (stem := stem_of(each)) is not None}
    return tuple(sorted((*(f"+{stem}" for stem in coming), *(f"-{stem}" for stem in going - coming))))


def stem_of(package: PlannedPackage) -> str | None:
    """What its record is called; None where not all of it is known."""
    parts = (package.name, package.version, package.build)
    if None in parts or not all(_STEM.match(part or "") for part in parts):
        return None
    return "-".join(part for part in parts if part is not None)
