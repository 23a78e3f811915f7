"""A demo host's disk: installs, package caches with real hard links, environments, the files of a home."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tui.demo.catalog import CatalogPackage, package
from tui.demo.channel_demo import DemoChannel, Made, noise, number
from tui.demo.plan import CachePlan, EnvPlan, InstallPlan
from tui.demo.records import CHANNEL_HOST, closure, dist_info, filled, history, inside
from tui.demo.standin.setup import make_tools

__all__ = ["HostDisk", "standin", "write"]

DAY = 86400.0
_CONDARC = "channels:\n  - conda-forge\nchannel_priority: strict\n"
_MAMBA = "2.0.2"
_INFO = ("info/index.json", "info/paths.json", "info/link.json")
"""What is asked for of a package's ``info/``."""
_STANDINS = Path(__file__).parent / "standins"


@cache
def standin(name: str) -> str:
    """The text of a script in standins/."""
    return (_STANDINS / name).read_text(encoding="utf-8")


def write(path: Path, text: str | bytes, mode: int = 0o644) -> None:
    """Write a file and the folders above it."""
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    try:
        path.write_bytes(data)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if mode != 0o644:
        path.chmod(mode)


@dataclass
class _Cache:
    """A package cache, and where each package lies in it."""

    folder: Path
    nested: bool
    held: dict[str, Path] = field(default_factory=dict)


@dataclass
class HostDisk:
    """Builds what a host holds below *root*; *now* is the Unix time that ages count back from.

    *light*: packages without what they depend on, with small files. *cuda*: what the host's driver can run.
    """

    root: Path
    home: Path
    now: float
    channel: DemoChannel
    light: bool = False
    cuda: str | None = None
    prefixes: list[Path] = field(default_factory=list)

    def at(self, path: str) -> Path:
        """Where *path* of a plan lies: below the root if it begins with ``/``, else below the home."""
        if path == "~":
            return self.home
        return self.root / path[1:] if path.startswith("/") else self.home / path

    def install(self, plan: InstallPlan) -> None:
        """Make an install with its cache and all its environments."""
        root = self.at(plan.path)
        micro = plan.manager == "micromamba"
        packages = _Cache(root / "pkgs", micro)
        (root / "pkgs").mkdir(parents=True)
        (root / "envs").mkdir()
        if micro:
            self._tools(plan, root)
        else:
            base = EnvPlan(plan.path, (f"python={plan.python}", *plan.base), plan.python, days=240)
            self._prefix(base, plan, packages)
            self.prefixes.append(root)
            self._tools(plan, root)
            write(root / "etc/profile.d/conda.sh", "# what `conda init` would load\n")
        write(root / ".condarc", f"channel_alias: {CHANNEL_HOST}\n{_CONDARC}")
        for env in plan.envs:
            if env.link_to is not None:
                self.at(env.path).symlink_to(self.at(env.link_to))
                continue
            self._prefix(env, plan, packages)
            self.prefixes.append(self.at(env.path))
        for spec in plan.unused:
            self._extract(package(spec, "3.11"), packages)
        write(root / "pkgs/urls.txt", "".join(f"{CHANNEL_HOST}/{stem}.conda\n" for stem in packages.held))
        write(root / "pkgs/cache/5a3f.json", noise("index", 2000 if self.light else 96 << 10))

    def cache(self, plan: CachePlan) -> None:
        """Make what another tool keeps."""
        path, when = self.home / plan.path, self.now - plan.days * DAY
        write(path, noise(plan.path, plan.kib << 10))
        os.utime(path, (when, when))

    def _tools(self, plan: InstallPlan, root: Path) -> None:
        """conda, mamba or micromamba. A fleet of light hosts is asked for its places alone: that takes no Python."""
        settings: dict[str, Any] = {
            "bound": str(self.root),
            "mirrors": {CHANNEL_HOST: str(self.channel.folder)},
            "cuda": self.cuda,
        }
        settings |= {"version": plan.version, "libmamba": _MAMBA if plan.manager == "mamba" else plan.version}
        facts = json.dumps(self._facts(plan, root), indent=2) if self.light else None
        if plan.manager == "micromamba":
            folders = (self.home / ".local/bin",)
            make_tools(root, self.home, {**settings, "nested": True}, ("micromamba",), folders=folders)
        else:
            names = ("conda", "mamba") if plan.manager == "mamba" else ("conda",)
            make_tools(root, self.home, settings, names, facts=facts)

    def _facts(self, plan: InstallPlan, root: Path) -> dict[str, object]:
        return {
            "root_prefix": str(root),
            "envs_dirs": [str(root / "envs"), str(self.home / ".conda/envs")],
            "pkgs_dirs": [str(root / "pkgs"), str(self.home / ".conda/pkgs")],
            "conda_version": plan.version,
            "platform": "linux-64",
            "channels": [f"{CHANNEL_HOST}/conda-forge/linux-64", f"{CHANNEL_HOST}/conda-forge/noarch"],
        }

    def _extract(self, item: CatalogPackage, packages: _Cache) -> tuple[Path, Made]:
        """Put a package into the cache; returns its folder and what it is made of."""
        made = self.channel.made(item, light=self.light)
        if item.stem in packages.held:
            return packages.held[item.stem], made
        below = f"{CHANNEL_HOST.replace('://', '/')}/{item.channel}/{item.subdir}/" if packages.nested else ""
        folder = packages.folder / f"{below}{item.stem}"
        for file in made.package.files:
            if isinstance(file.content, bytes):
                write(folder / file.path, file.content, 0o755 if file.executable else 0o644)
            else:
                (folder / file.path).symlink_to(file.content)  # its target came first, and so did the folder
        for name in ("info/index.json",) if self.light else _INFO:
            if name in made.info:
                write(folder / name, made.info[name])
        if not self.light:
            write(folder / "info/repodata_record.json", made.entry_text)
        packages.held[item.stem] = folder
        return folder, made

    def _prefix(self, plan: EnvPlan, install: InstallPlan, packages: _Cache) -> None:
        prefix = self.at(plan.path)
        meta = prefix / "conda-meta"
        meta.mkdir(parents=True, exist_ok=True)
        if plan.incomplete:
            (prefix / "lib").mkdir()
            write(prefix / "lib/partial.so", noise(plan.path, 60000))
            return
        items = closure(plan.specs, plan.python, deep=not self.light)
        requested = {spec.partition("=")[0]: spec for spec in plan.specs}
        folders: set[Path] = set()
        for item in items:
            folder, made = self._extract(item, packages)
            for file in made.package.files:
                target = prefix / inside(file.path, plan.python)
                if target.parent not in folders:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    folders.add(target.parent)
                os.link(folder / file.path, target, follow_symlinks=False)
            text = self.channel.record(item, plan.python, light=self.light, indent=4 if packages.nested else 2)
            (meta / f"{item.stem}.json").write_text(filled(text, str(folder), requested.get(item.name)), "utf-8")
        self._pip(plan, prefix)
        changed = self.now - plan.days * DAY
        revisions = [(changed - 3 * DAY, items[:-1], plan.specs), (changed, items[-1:], plan.specs[-1:])]
        write(meta / "history", history(str(prefix), install.manager, install.version, revisions))
        if plan.frozen:
            write(meta / "frozen", json.dumps({"message": "In service: ask the platform team before any change."}))
        if plan.pycache_days is not None:
            self._compiled(prefix, plan)
        for changed_path in (meta / "history", meta, prefix):
            os.utime(changed_path, (changed, changed))

    def _pip(self, plan: EnvPlan, prefix: Path) -> None:
        site = prefix / f"lib/python{plan.python}/site-packages"
        for spec in plan.pip:
            name, _, version = spec.partition("==")
            module = name.replace("-", "_").lower()
            path = f"{module}/__init__.py"
            for old in site.glob(f"{module}-*.dist-info"):
                shutil.rmtree(old)  # as pip does when it takes a package over from conda
            (site / path).unlink(missing_ok=True)
            for member, text in dist_info(name, version, "pip", [path, f"{module}/data.bin"]).items():
                write(site / member, text)
            write(site / path, f'"""{name}, a stand-in of the demo."""\n')
            write(site / f"{module}/data.bin", noise(spec, 2000 if self.light else 30000 + number(spec) % 90000))

    def _compiled(self, prefix: Path, plan: EnvPlan) -> None:
        when = self.now - (plan.pycache_days or 0) * DAY - 1800
        cache_folder = prefix / f"lib/python{plan.python}/site-packages/numpy/__pycache__"
        tag = f"cpython-{plan.python.replace('.', '')}"
        # Of a module that the package has: any other would count as somebody's own file.
        path = cache_folder / f"__init__.{tag}.pyc"
        write(path, noise(f"{prefix}{tag}", 3000))
        os.utime(path, (when, when))
        os.utime(cache_folder, (when, when))
