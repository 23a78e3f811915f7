"""Installs of the stand-in conda for tests, over a channel of small real packages that is built once for a session.

The first packages are those of the channel that the recordings in ``tests/data/conda-26.7.1`` were made with:
names, versions, builds and dependencies. What follows is for cases that those don't have.
"""

from __future__ import annotations

import atexit
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tui.demo.channel import PLACEHOLDER, Package, PackageFile, write_channel
from tui.demo.standin.place import SLOW
from tui.demo.standin.setup import interpreter_files, make_tools, write_wheel

__all__ = ["WHEELS", "StandinInstall", "standin_channel", "standin_packages"]

WHEELS = (
    ("transformers", "4.45.2"),
    ("transformers", "4.41.2"),
    ("peft", "0.13.2"),
    ("numpy", "2.1.3"),
    ("six", "1.16.0"),
)
"""What pip can install."""

_PYTHON = "python >=3.10,<3.13"
_LIBRARIES = (
    # name version build depends
    ("openssl", "3.2.0", "h0", ()),
    ("openssl", "3.0.12", "h0", ()),
    ("mkl", "2023.1.0", "h0", ()),
    ("cudatoolkit", "11.7.1", "h0", ()),
    ("cudatoolkit", "11.8.0", "h0", ()),
    ("cudatoolkit", "12.1.1", "h0", ()),
    ("numpy", "1.21.6", "py311h0", (_PYTHON, "mkl")),
    ("numpy", "1.26.4", "py311h0", (_PYTHON, "mkl")),
    ("numpy", "2.0.2", "py311h0", (_PYTHON, "mkl")),
    ("pytorch", "1.12.1", "py311_cuda11.7_0", (_PYTHON, "numpy", "cudatoolkit 11.7.*")),
    ("pytorch", "2.0.1", "py311_cuda11.8_0", (_PYTHON, "numpy", "cudatoolkit 11.8.*")),
    ("pytorch", "2.1.2", "py311_cuda12.1_0", (_PYTHON, "numpy", "cudatoolkit 12.1.*")),
    ("torchvision", "0.15.2", "py311_0", (_PYTHON, "pytorch 2.0.*")),
    ("tensorflow", "2.12.0", "py311_0", (_PYTHON, "numpy", "absl-py >=1.4")),
    ("keras", "2.8.0", "py311_0", (_PYTHON, "absl-py ==1.0.0")),
    ("pandas", "2.1.4", "py311h0", (_PYTHON, "numpy")),
    ("scipy", "1.14.1", "py311h0", ("python", "numpy >=1.26")),
    ("libsmall", "1.0", "h0", ()),
    ("libsmall", "1.1", "h1", ()),
    ("libsmall", "2.0", "h0", ()),
    ("needs-new-driver", "1.0", "h0", ("__cuda >=99",)),
)
_PURE = (("absl-py", "1.4.0"), ("absl-py", "1.0.0"), ("tqdm", "4.66.1"))
_SIZE = 3000


def _noise(name: str, size: int) -> bytes:
    return random.Random(name).randbytes(size)


def _compiled(name: str, version: str, build: str, depends: tuple[str, ...]) -> Package:
    module = {"pytorch": "torch"}.get(name, name.replace("-", "_"))
    big = 200_000 if name in ("cudatoolkit", "pytorch") else _SIZE
    if _PYTHON in depends:
        site = "lib/python3.11/site-packages"
        info = f"{site}/{module}-{version}.dist-info"
        files: tuple[PackageFile, ...] = (
            PackageFile(f"{site}/{module}/__init__.py", f'"""{name}"""\n'.encode()),
            PackageFile(f"{site}/{module}/_core.so", _noise(f"{name}{version}{build}", big)),
            PackageFile(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n".encode()),
            PackageFile(f"{info}/INSTALLER", b"conda\n"),
            PackageFile(f"{info}/RECORD", f"{module}/__init__.py,,\n{module}/_core.so,,\n".encode()),
        )
    else:
        files = (
            PackageFile(f"lib/{name}.so.{version}", _noise(f"{name}{version}{build}", big)),
            PackageFile(f"lib/{name}.so", f"{name}.so.{version}"),
        )
    # conda knows both kinds of archives, and channels hold both.
    ending = ".tar.bz2" if name in ("openssl", "numpy", "mkl") else ".conda"
    return Package(name, version, build, depends, files, ending=ending)


def _pure(name: str, version: str, entry_points: tuple[str, ...] = ()) -> Package:
    module = name.replace("-", "_")
    info = f"site-packages/{module}-{version}.dist-info"
    files = (
        PackageFile(f"site-packages/{module}/__init__.py", f'"""{name} {version}"""\n'.encode()),
        PackageFile(f"site-packages/{module}/core.py", b"ANSWER = 42\n"),
        PackageFile(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()),
        PackageFile(f"{info}/INSTALLER", b"conda\n"),
        PackageFile(f"{info}/RECORD", f"{module}/__init__.py,,\n{module}/core.py,,\n".encode()),
    )
    return Package(
        name, version, "pyhd0", ("python",), files, subdir="noarch", noarch="python", entry_points=entry_points
    )


def standin_packages(wheels: Path) -> list[Package]:
    """All packages of the channel; pip of its Pythons looks into *wheels*."""
    found = [_compiled(*each) for each in _LIBRARIES] + [_pure(*each) for each in _PURE]
    for version in ("3.9.18", "3.10.12", "3.11.7"):
        build = "0_cpython"
        found.append(Package("python", version, build, ("openssl",), interpreter_files(version, wheels)))
    found.append(_pure("pip", "23.3.1"))
    found.append(_pure("toolbox", "1.0", entry_points=("toolbox = toolbox.core:main",)))
    text = f"#!{PLACEHOLDER}/bin/python\necho {PLACEHOLDER}/share\n".encode()
    binary = b"\x7fELF\0" + PLACEHOLDER.encode() + b"/lib\0" + _noise("relocated", 500)
    relocated = (
        PackageFile("bin/relocated", text, executable=True, placeholder="text"),
        PackageFile("lib/relocated.so", binary, placeholder="binary"),
        PackageFile("share/relocated/plain.txt", b"as it is\n"),
    )
    found.append(Package("relocated", "1.0", "h0", (), relocated))
    # Both bring share/clash.txt.
    for name in ("clash-one", "clash-two"):
        files = (PackageFile("share/clash.txt", f"{name}\n".encode()), PackageFile(f"share/{name}.txt", b"own\n"))
        found.append(Package(name, "1.0", "h0", (), files))
    found.append(
        Package("conda", "26.7.1", "py311h0", ("python",), (PackageFile("share/conda/about.txt", b"stand-in\n"),))
    )
    return found


@cache
def standin_channel() -> Path:
    """A folder with ``channel/`` and ``wheels/``, the same for all tests of this process; leave it as it is."""
    folder = Path(tempfile.mkdtemp(prefix="condafleet-channel-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, version in WHEELS:
        write_wheel(folder / "wheels", name, version)
    write_channel(folder / "channel", standin_packages(folder / "wheels"))
    for path in (folder / "channel").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


class StandinInstall:
    """An install of the stand-in at *root*, for the account whose home is *home*; both are made.

    ``base`` holds python, pip and conda; *tool* may be ``micromamba``, which has no base. Channels are what
    ``.condarc`` of the root says: the session's channel.
    """

    def __init__(
        self,
        root: Path,
        home: Path,
        *,
        base: tuple[str, ...] = ("python=3.11", "pip", "conda"),
        condarc: str = "",
        tool: str = "conda",
        **settings: object,
    ) -> None:
        self.root = root
        self.home = home
        self.channel = f"file://{standin_channel() / 'channel'}"
        home.mkdir(parents=True, exist_ok=True)
        self.tool = tool
        make_tools(root, home, {"version": "26.7.1", "nested": tool == "micromamba", **settings}, (tool,))
        for name in ("envs", "pkgs"):
            (root / name).mkdir(exist_ok=True)
        (root / ".condarc").write_text(condarc or f"channels:\n  - {self.channel}\n", encoding="utf-8")
        if tool == "micromamba":
            base = ()
        else:
            (root / "conda-meta").mkdir()
            (root / "conda-meta/history").touch()
        if base:
            self.run("install", "-y", "-p", str(root), *base)

    @property
    def conda(self) -> Path:
        """The program."""
        return self.root / "bin" / self.tool

    @property
    def pkgs(self) -> Path:
        """The package cache."""
        return self.root / "pkgs"

    def env(self, name: str) -> Path:
        """The prefix of the environment called *name*."""
        return self.root / "envs" / name

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the programs of this account run with."""
        return {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **(more or {})}

    def run(
        self,
        *argv: str,
        check: bool = True,
        stdin: str = "",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run conda with these arguments. *check*: fail unless it ends with 0."""
        done = subprocess.run(
            [str(self.conda), *argv],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environ(env),
            cwd=cwd or self.home,
            check=False,
            timeout=120,
        )
        assert not check or done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def create(self, name: str, *specs: str) -> Path:
        """Make an environment."""
        self.run("create", "-y", "-n", name, *specs)
        return self.env(name)

    def slow(self, **phases: str) -> None:
        """Make it slow from now on: ``link="0.5"`` (seconds a package), or ``"hold"`` until :meth:`release`."""
        text = " ".join(f"{phase}={how}" for phase, how in phases.items())
        (self.home / SLOW).write_text(text, encoding="utf-8")

    def reached(self, phase: str) -> bool:
        """Whether a command is held, or was, in *phase*."""
        return (self.home / f".standin-at-{phase}").exists()

    def release(self, phase: str) -> None:
        """Let those that are held in *phase* go on."""
        (self.home / f".standin-go-{phase}").touch()
