"""A demo host's disk: installs, package caches with real hard links, environments, the files of a home."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tui.demo.catalog import CatalogPackage, package
from tui.demo.plan import EnvPlan, InstallPlan
from tui.demo.records import CHANNEL_HOST, closure, dist_info, history, record

__all__ = ["HostDisk", "standin", "write"]

DAY = 86400.0
_NO_INTERPRETER = b'#!/bin/sh\nexec /bin/sh "$@"\n'
_STANDINS = Path(__file__).parent / "standins"


@cache
def _noise() -> bytes:
    return random.Random(7).randbytes(1 << 21)


def _bytes(name: str, size: int) -> bytes:
    """Noise that belongs to *name*, so that no two files are equal and nothing compresses."""
    noise = _noise()
    at = _number(name) % (len(noise) - size) if size < len(noise) else 0
    return noise[at : at + size]


def _number(text: str) -> int:
    """A number that is the same in every run."""
    return int.from_bytes(text.encode("utf-8", "surrogateescape")[-8:], "big") * 2654435761 % (1 << 32)


@cache
def standin(name: str) -> str:
    """The text of a script in standins/."""
    return (_STANDINS / name).read_text(encoding="utf-8")


@cache
def interpreter() -> bytes:
    """A small real program that runs shell scripts under any name: what stands for python in environments.

    A process is recognised as an environment's by its executable below the prefix, so that has to be a real
    binary. A multi-call binary (busybox) goes by its own name and is passed over; where nothing fits, a
    script stands there and its processes are seen by their CONDA_PREFIX alone.
    """
    for name in ("dash", "bash", "ksh", "zsh", "sh"):
        found = shutil.which(name, path="/usr/bin:/bin:/usr/local/bin")
        if found is None:
            continue
        works = subprocess.run(
            ["python3", "-c", "exit 7"], executable=found, stdin=subprocess.DEVNULL, capture_output=True, timeout=10
        )
        if works.returncode == 7:
            return Path(found).resolve().read_bytes()
    return _NO_INTERPRETER


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
    """A package cache: where each package lies and which files it has."""

    folder: Path
    nested: bool
    held: dict[str, tuple[Path, list[tuple[str, int, bool]]]] = field(default_factory=dict)


@dataclass
class HostDisk:
    """Builds what a host holds below *root*; *now* is the Unix time that ages count back from.

    *light*: packages without what they depend on, with small files.
    """

    root: Path
    home: Path
    now: float
    light: bool = False
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
            write(self.home / ".local/bin/micromamba", self._tool("micromamba", plan, root), 0o755)
        else:
            base = EnvPlan(plan.path, (f"python={plan.python}", *plan.base), plan.python, days=240)
            self._prefix(base, plan, packages)
            self.prefixes.append(root)
            for tool in ("conda", "mamba") if plan.manager == "mamba" else ("conda",):
                for place in ("bin", "condabin"):
                    (root / place / tool).unlink(missing_ok=True)
                    write(root / place / tool, self._tool(tool, plan, root), 0o755)
            write(root / "etc/profile.d/conda.sh", "# what `conda init` would load\n")
            write(root / ".condarc", "channels:\n  - conda-forge\nchannel_priority: strict\n")
        for env in plan.envs:
            if env.link_to is not None:
                self.at(env.path).symlink_to(self.at(env.link_to))
                continue
            self._prefix(env, plan, packages)
            self.prefixes.append(self.at(env.path))
        for spec in plan.unused:
            self._extract(package(spec, "3.11"), packages)
        write(root / "pkgs/urls.txt", "".join(f"{CHANNEL_HOST}/{stem}.conda\n" for stem in packages.held))
        write(root / "pkgs/cache/5a3f.json", _bytes("index", 2000 if self.light else 96 << 10))

    def _tool(self, tool: str, plan: InstallPlan, root: Path) -> str:
        facts: dict[str, object] = {
            "root_prefix": str(root),
            "envs_dirs": [str(root / "envs"), str(self.home / ".conda/envs")],
            "pkgs_dirs": [str(root / "pkgs"), str(self.home / ".conda/pkgs")],
            "conda_version": plan.version,
            "platform": "linux-64",
            "channels": [f"{CHANNEL_HOST}/conda-forge/linux-64", f"{CHANNEL_HOST}/conda-forge/noarch"],
        }
        if plan.manager == "micromamba":
            facts = {"envs_dirs": [str(root / "envs")], "pkgs_dirs": [str(root / "pkgs")], "root_prefix": str(root)}
        version = f"conda {plan.version}" if tool == "conda" else {"mamba": "2.0.2"}.get(tool, plan.version)
        text = standin("conda.sh").replace("@VERSION@", version)
        return text.replace("@FACTS@", json.dumps(facts, indent=2))

    def _files(self, item: CatalogPackage) -> list[tuple[str, bytes | str]]:
        """(path in the package, content) of each file; a ``str`` is the target of a soft link."""
        site, size = "site-packages", 2000 if self.light else item.kib * 600
        if item.kind == "python":
            name = f"python{item.python}"
            return [
                (f"bin/{name}", _NO_INTERPRETER if self.light else interpreter()),
                ("bin/python3", name),
                ("bin/python", name),
                (f"lib/lib{name}.so.1.0", _bytes(item.stem, size)),
                (f"lib/{name}/os.py", _bytes(item.stem + "os", 4000)),
                (f"lib/{name}/site.py", _bytes(item.stem + "site", 3000)),
            ]
        if item.kind in ("py", "noarch"):
            below = site if item.noarch else f"lib/python{item.python}/{site}"
            module = item.import_name
            core = f"{module}/core.py" if item.noarch else f"{module}/_core.so"
            info = dist_info(item.dist_name, item.version, "conda", [f"{module}/__init__.py", core])
            return [
                (f"{below}/{module}/__init__.py", f'"""{item.name}, a stand-in of the demo."""\n'.encode()),
                (f"{below}/{core}", _bytes(item.stem, size)),
                *((f"{below}/{path}", text.encode()) for path, text in info.items()),
            ]
        if item.kind == "lib":
            plain = f"lib{item.name.removeprefix('lib')}.so"
            return [
                (f"lib/{plain}.{item.version}", _bytes(item.stem, size)),
                (f"lib/{plain}", f"{plain}.{item.version}"),
            ]
        if item.kind == "bin":
            return [(f"bin/{item.name}", _bytes(item.stem, size)), (f"share/{item.name}/COPYING", b"see upstream\n")]
        return []

    def _extract(self, item: CatalogPackage, packages: _Cache) -> tuple[Path, list[tuple[str, int, bool]]]:
        """Put a package into the cache; returns its folder and its files as (path, bytes, is a soft link)."""
        if item.stem in packages.held:
            return packages.held[item.stem]
        channel = f"{CHANNEL_HOST.replace('://', '/')}/{item.channel}/{item.subdir}/" if packages.nested else ""
        folder = packages.folder / f"{channel}{item.stem}"
        listed: list[tuple[str, int, bool]] = []
        for path, content in self._files(item):
            if isinstance(content, bytes):
                write(folder / path, content, 0o755 if path.startswith("bin/") else 0o644)
            else:
                (folder / path).symlink_to(content)  # its target came first, and so did the folder
            listed.append((path, len(content), isinstance(content, str)))
        index = {"name": item.name, "version": item.version, "build": item.build, "subdir": item.subdir}
        write(folder / "info/index.json", json.dumps(index))
        if not self.light:
            write(folder / "info/repodata_record.json", json.dumps({**index, "fn": f"{item.stem}.conda"}))
        packages.held[item.stem] = (folder, listed)
        return folder, listed

    def _prefix(self, plan: EnvPlan, install: InstallPlan, packages: _Cache) -> None:
        prefix = self.at(plan.path)
        meta = prefix / "conda-meta"
        meta.mkdir(parents=True, exist_ok=True)
        if plan.incomplete:
            (prefix / "lib").mkdir()
            write(prefix / "lib/partial.so", _bytes(plan.path, 60000))
            return
        items = closure(plan.specs, plan.python, deep=not self.light)
        requested = {spec.partition("=")[0]: spec for spec in plan.specs}
        made: set[Path] = set()
        for item in items:
            folder, files = self._extract(item, packages)
            placed: list[tuple[str, int, bool]] = []
            for path, size, soft in files:
                inside = f"lib/python{plan.python}/{path}" if path.startswith("site-packages/") else path
                target = prefix / inside
                if target.parent not in made:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    made.add(target.parent)
                os.link(folder / path, target, follow_symlinks=False)
                placed.append((inside, size, soft))
            text = record(
                item, placed, str(folder), requested=requested.get(item.name), indent=4 if packages.nested else 2
            )
            (meta / f"{item.stem}.json").write_text(text, encoding="utf-8")
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
            for inside, text in dist_info(name, version, "pip", [path, f"{module}/data.bin"]).items():
                write(site / inside, text)
            write(site / path, f'"""{name}, a stand-in of the demo."""\n')
            write(site / f"{module}/data.bin", _bytes(spec, 2000 if self.light else 30000 + _number(spec) % 90000))

    def _compiled(self, prefix: Path, plan: EnvPlan) -> None:
        when = self.now - (plan.pycache_days or 0) * DAY - 1800
        cache_folder = prefix / f"lib/python{plan.python}/site-packages/numpy/__pycache__"
        tag = f"cpython-{plan.python.replace('.', '')}"
        for module in ("__init__", "version"):
            path = cache_folder / f"{module}.{tag}.pyc"
            write(path, _bytes(f"{prefix}{module}", 3000))
            os.utime(path, (when, when))
        os.utime(cache_folder, (when, when))
