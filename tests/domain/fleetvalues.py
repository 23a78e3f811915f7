"""Environments to compare, to filter and to find."""

from __future__ import annotations

from typing import Any

from tui.domain.environments import Environment, EnvKind, Manager
from tui.domain.packages import Package, PackageInterner, PackageManager

INTERNER = PackageInterner()


def package(name: str, version: str | None = "1.0", build: str | None = "h0", channel: str = "conda-forge") -> Package:
    """A package by conda."""
    return INTERNER.package(name, version, build, channel, PackageManager.CONDA)


def wheel(name: str, version: str | None = "1.0") -> Package:
    """A package by pip."""
    return INTERNER.package(name, version, None, None, PackageManager.PIP)


def environment(host: str, name: str | None, *packages: Package, **fields: Any) -> Environment:
    """An environment that holds *packages*."""
    values: dict[str, Any] = {
        "prefix": f"/opt/conda/envs/{name or 'lone'}",
        "kind": EnvKind.PREFIX if name is None else EnvKind.NAMED,
        "install": "/opt/conda",
        "manager": Manager.CONDA,
        "packages": INTERNER.package_set(packages),
        "packages_known": True,
        **fields,
    }
    return Environment(host, name=name, **values)
