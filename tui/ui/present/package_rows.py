"""Rows of packages: of one environment, and found on the fleet."""

from __future__ import annotations

from typing import Any

from tui.domain.environments import Environment
from tui.domain.find import Hit
from tui.domain.packages import Package, PackageManager, canonical_name
from tui.domain.phrases import phrase
from tui.domain.versions import version_sort_key
from tui.ui.language import tr
from tui.ui.present.cell import BLANK, Cell, Tone, cell, join, remote
from tui.ui.present.environments import name_cell, uses_cell
from tui.ui.present.table import Column, Row
from tui.ui.present.words import UNKNOWN

__all__ = ["COLUMNS", "FOUND", "found_row", "origin", "rows"]

MISSING = cell(UNKNOWN, Tone.DIM)


def _version(package: Package) -> Any:
    return None if package.version is None else version_sort_key(package.version)


COLUMNS = (
    Column("name", phrase("Package"), 0, 20, 44, by=lambda pair: canonical_name(pair[0].name)),
    Column("version", phrase("Version"), 1, 10, 24, by=lambda pair: _version(pair[0]), falling=True),
    Column("origin", phrase("Comes from"), 2, 16, 34, by=lambda pair: (pair[0].manager.value, pair[0].channel or "")),
    Column(
        "asked", phrase("Asked for"), 3, 9, 9, by=lambda pair: canonical_name(pair[0].name) in pair[1], falling=True
    ),
    Column("build", phrase("Build"), 4, 14, 36, by=lambda pair: pair[0].build),
)
"""A row's item is the package with the names that a person asked for."""


def rows(env: Environment) -> list[Row]:
    """What an environment holds."""
    if not env.packages_known:
        return []
    asked = frozenset(map(canonical_name, env.requested))
    return [_row(env, package, asked) for package in env.packages.packages]


def _row(env: Environment, package: Package, asked: frozenset[str]) -> Row:
    conda = package.manager is PackageManager.CONDA
    wanted = conda and canonical_name(package.name) in asked
    return Row(
        (env.host, env.prefix, package.name, package.version, package.build, package.manager),
        (
            remote(package.name, Tone.STRONG if wanted else Tone.PLAIN),
            remote(package.version) or MISSING,
            origin(package, env),
            cell(tr("asked")) if wanted else BLANK,
            remote(package.build, Tone.DIM) or BLANK,
        ),
        item=(package, asked if conda else frozenset()),
    )


def origin(package: Package, env: Environment) -> Cell:
    """Who put it there: conda's channel, pip, or pip over conda's own files."""
    if package.manager is PackageManager.CONDA:
        return remote(package.channel) or cell("conda", Tone.DIM)
    over = package.name in env.clobbered
    return join((cell("pip", Tone.ACCENT), cell(tr("over conda's files"), Tone.WARN) if over else BLANK), " ")


FOUND = (
    Column("name", phrase("Package"), 0, 16, 36, by=lambda hit: canonical_name(hit.package.name)),
    Column("version", phrase("Version"), 1, 8, 20, by=lambda hit: _version(hit.package), falling=True),
    Column("host", phrase("Host"), 2, 10, 20, by=lambda hit: hit.environment.host),
    Column("environment", phrase("Environment"), 3, 16, 36, by=lambda hit: hit.environment.label.casefold()),
    Column(
        "origin", phrase("Comes from"), 4, 14, 30, by=lambda hit: (hit.package.manager.value, hit.package.channel or "")
    ),
    Column("use", phrase("Used now"), 5, 9, 12, by=lambda hit: len(hit.environment.in_use), falling=True),
    Column("build", phrase("Build"), 6, 14, 34, by=lambda hit: hit.package.build),
    Column("prefix", phrase("Prefix"), 7, 24, 70, end=True, by=lambda hit: hit.environment.prefix),
)


def found_row(hit: Hit) -> Row:
    """A package where it was found."""
    env, package = hit.environment, hit.package
    return Row(
        (env.host, env.prefix, package.name, package.version, package.build, package.manager),
        (
            remote(package.name, Tone.STRONG),
            remote(package.version) or MISSING,
            cell(env.host),
            name_cell(env),
            origin(package, env),
            uses_cell(env),
            remote(package.build, Tone.DIM) or BLANK,
            remote(env.prefix, Tone.DIM),
        ),
        item=hit,
    )
