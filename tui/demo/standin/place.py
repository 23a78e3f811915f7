"""Where the stand-in acts: its install's root, its account's home, and what their configuration says."""

from __future__ import annotations

import json
import os
import posixpath
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

from tui.demo.standin.faults import Fault, Interrupted, bad_value

__all__ = ["SETTINGS", "SLOW", "Place", "interruptible", "on_terminal"]

SETTINGS = "etc/standin.json"
"""Below the root: what this install is."""
SLOW = ".standin-slow"
"""In the home: how slow it is to be, see :meth:`Place.slow`."""
_SLOW = "CONDAFLEET_STANDIN_SLOW"


@dataclass
class Place:
    """An install at *root*."""

    root: str
    settings: Mapping[str, Any]
    argv: Sequence[str] = ()
    as_json: bool = False
    """JSON was asked for."""
    libmamba: bool = False
    """It is to be micromamba, or mamba, and not conda."""
    _slow: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, root: str, argv: Sequence[str]) -> Place:
        """Read the settings of the install at *root*."""
        place = cls(root, json.loads(Path(root, SETTINGS).read_text("utf-8")), argv)
        text = os.environ.get(_SLOW, "")
        with suppress(OSError):
            text = f"{text} {Path(place.home, SLOW).read_text('utf-8')}"
        place._slow = dict(word.split("=", 1) for word in text.split() if "=" in word)
        return place

    @property
    def home(self) -> str:
        """The account's home; the environment's HOME is not asked, so that a slip can't reach a person's own."""
        return str(self.settings["home"])

    @property
    def version(self) -> str:
        """What ``--version`` says."""
        return str(self.settings.get("version", "26.7.1"))

    def slow(self, phase: str, part: float = 1.0) -> None:
        """Wait here if this host is told to be slow in *phase*; *part* of what a whole package takes.

        ``PHASE=SECONDS`` in the variable CONDAFLEET_STANDIN_SLOW or the file ``~/.standin-slow`` waits so long for
        each package; ``PHASE=hold`` writes the pid to ``~/.standin-at-PHASE`` and waits for ``~/.standin-go-PHASE``.
        Phases: collect, solve, download, extract, link, unlink, register, remove, clean.
        """
        how = self._slow.get(phase)
        if how == "hold":
            reached = Path(self.home, f".standin-at-{phase}")
            if not reached.exists():
                fresh = reached.with_name(f"{reached.name}.{os.getpid()}")
                fresh.write_text(f"{os.getpid()}\n", encoding="utf-8")
                fresh.replace(reached)
            while not Path(self.home, f".standin-go-{phase}").exists():
                time.sleep(0.02)
        elif how is not None:
            time.sleep(float(how) * part)

    # Configuration

    @cached_property
    def sources(self) -> dict[str, dict[str, Any]]:
        """What each configuration file says, by its path; what stands first counts first."""
        import yaml

        named = os.environ.get("CONDARC", "")
        paths = [named] if self.owns(named) else []
        paths += [f"{self.home}/.condarc", f"{self.root}/.condarc"]
        found: dict[str, dict[str, Any]] = {}
        for path in paths:
            try:
                body = yaml.safe_load(Path(path).read_bytes())
            except OSError:
                continue
            except yaml.YAMLError as error:
                raise Fault(
                    "ConfigurationLoadError", f"Unable to load configuration file.\n  path: {path}\n{error}"
                ) from None
            if isinstance(body, dict):
                found[path] = body
        return found

    def owns(self, path: str) -> bool:
        """Whether *path* lies in the home or the root."""
        return any(os.path.realpath(path).startswith(os.path.realpath(top) + "/") for top in (self.root, self.home))

    def value(self, key: str, otherwise: Any = None) -> Any:
        """One setting."""
        return next((body[key] for body in self.sources.values() if key in body), otherwise)

    def listed(self, key: str) -> list[str]:
        """A setting that is a list: those of all files, in order, each once."""
        values = [body.get(key) or () for body in self.sources.values()]
        flat = [[value] if isinstance(value, str) else value for value in values]
        return list(dict.fromkeys(os.path.expandvars(str(each)) for value in flat for each in value))

    @property
    def nested(self) -> bool:
        """Whether the package cache has a folder for each channel, as micromamba's."""
        return bool(self.settings.get("nested"))

    def folders(self, key: str, below: str) -> list[str]:
        """``envs_dirs`` or ``pkgs_dirs``."""
        chosen = [self.within(self._path(each)) for each in self.listed(key)]
        if self.libmamba and not chosen:
            return [f"{self.root}/{below}", *([f"{self.home}/.mamba/pkgs"] if below == "pkgs" else [])]
        return chosen or [f"{self.root}/{below}", f"{self.home}/.conda/{below}"]

    @property
    def envs_dirs(self) -> list[str]:
        """Where named environments are, the first being for new ones."""
        return self.folders("envs_dirs", "envs")

    @property
    def pkgs_dirs(self) -> list[str]:
        """The package caches, the first being written."""
        return self.folders("pkgs_dirs", "pkgs")

    @property
    def virtual(self) -> list[tuple[str, str, str]]:
        """The virtual packages: name, version, build. The driver's CUDA is that of the host as it is played."""
        found = [("__archspec", "1", "x86_64_v3"), ("__conda", self.version, "0")]
        if self.settings.get("cuda"):
            found.append(("__cuda", str(self.settings["cuda"]), "0"))
        return [*found, ("__glibc", "2.36", "0"), ("__linux", "6.1.0", "0"), ("__unix", "0", "0")]

    def _path(self, path: str) -> str:
        return path.replace("~", self.home, 1) if path.startswith("~") else posixpath.abspath(path)

    # Environments

    def prefix_of(self, name: str) -> str:
        """Where the environment called *name* is, or would be."""
        if "/" in name:
            raise bad_value("Environment names cannot contain path separators")
        bad = [letter for letter in "/ :#" if letter in name]
        if bad or not name:
            raise bad_value(f"Invalid environment name: '{name}'\n  Characters not allowed: ('/', ' ', ':', '#')\n")
        if name in ("base", "root"):
            return self.root
        for folder in self.envs_dirs:
            if Path(f"{folder}/{name}").is_dir():
                return f"{folder}/{name}"
        return f"{self.envs_dirs[0]}/{name}"

    def target(self, name: str | None, prefix: str | None, otherwise: str | None = None) -> str:
        """The prefix that ``-n`` or ``-p`` names."""
        if prefix is not None:
            return self.within(posixpath.abspath(self._path(prefix)))
        if name is not None:
            return self.prefix_of(name)
        return otherwise or os.environ.get("CONDA_PREFIX") or self.root

    def within(self, path: str) -> str:
        """*path*, unless this host is a played one and it lies outside of it: that may not be written."""
        bound = self.settings.get("bound")
        if bound is None or f"{os.path.realpath(path)}/".startswith(f"{os.path.realpath(bound)}/"):
            return path
        message = "The current user does not have write permissions to a required path."
        who = f"  uid: {os.getuid()}\n  gid: {os.getgid()}\n"
        raise Fault("NotWritableError", f"{message}\n  path: {path}\n{who}", path=path)

    def is_environment(self, prefix: str) -> bool:
        """Whether conda takes *prefix* for an environment; libmamba's programs content themselves with a folder."""
        if self.libmamba:
            return Path(f"{prefix}/conda-meta").is_dir()
        return Path(f"{prefix}/conda-meta/history").is_file()

    def known(self) -> list[str]:
        """All environments that conda lists: the root, those below ``envs_dirs``, those of environments.txt."""
        found = [self.root]
        listed: list[str] = []
        with suppress(OSError):
            text = Path(self.home, ".conda/environments.txt").read_text("utf-8", "surrogateescape")
            listed = [line.strip() for line in text.splitlines()]
        for folder in self.envs_dirs:
            with suppress(OSError):
                listed += sorted(entry.path for entry in os.scandir(folder))
        return found + sorted({each for each in listed if each and each != self.root and self.is_environment(each)})

    def register(self, prefix: str, *, known: bool) -> None:
        """Add *prefix* to ``~/.conda/environments.txt``, or take it out."""
        path = Path(self.home, ".conda/environments.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text("utf-8", "surrogateescape").splitlines() if path.exists() else []
        kept = [line for line in lines if line != prefix and (known or self.is_environment(line))]
        path.write_text(
            "".join(f"{line}\n" for line in (*kept, *([prefix] if known else ()))), "utf-8", "surrogateescape"
        )

    def name_of(self, prefix: str) -> str:
        """What conda calls the environment: its name, empty for one outside ``envs_dirs``."""
        if prefix == self.root:
            return "base"
        return posixpath.basename(prefix) if posixpath.dirname(prefix) in self.envs_dirs else ""


class interruptible:
    """Within it a signal ends the work with :class:`Interrupted`, as conda does while it changes things."""

    def __init__(self, place: Place) -> None:
        # micromamba listens to this one alone.
        more = () if place.libmamba else (signal.SIGABRT, signal.SIGTERM, signal.SIGQUIT)
        self._signals = (signal.SIGINT, *more)

    def __enter__(self) -> None:
        self._before = [(number, signal.signal(number, self._raise)) for number in self._signals]

    def __exit__(self, *_: object) -> None:
        for number, before in self._before:
            signal.signal(number, before)

    @staticmethod
    def _raise(number: int, _: FrameType | None) -> None:
        raise Interrupted(number)


def on_terminal() -> bool:
    """Whether progress is drawn."""
    return sys.stdout.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")
