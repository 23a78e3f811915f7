"""The packages that demo hosts are made of: names, versions, builds and files as conda would have them.

Names, versions and dependencies are those of the real world; files are small and hold noise. Sizes keep
their order (a CUDA library is larger than a pure Python package), not their measure.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

__all__ = ["CatalogPackage", "catalog", "package"]

# name version channel kind kibibytes depends…
#   py      compiled for one Python, in site-packages      noarch  pure Python, in site-packages
#   lib     a shared library                               bin     a program
#   meta    no files of its own                            python  the interpreter
_TABLE = """
python 3.9.19 conda-forge python 420 openssl libffi ncurses readline sqlite tk xz zlib tzdata
python 3.10.14 conda-forge python 440 openssl libffi ncurses readline sqlite tk xz zlib tzdata
python 3.11.9 conda-forge python 460 openssl libffi ncurses readline sqlite tk xz zlib tzdata
python 3.12.7 conda-forge python 480 openssl libffi ncurses readline sqlite tk xz zlib tzdata
_libgcc_mutex 0.1 conda-forge meta 0
_openmp_mutex 4.5 conda-forge meta 0 _libgcc_mutex
ca-certificates 2024.8.30 conda-forge lib 24
openssl 3.3.2 conda-forge lib 96 ca-certificates
libffi 3.4.2 conda-forge lib 12
ncurses 6.5 conda-forge lib 40
readline 8.2 conda-forge lib 32
sqlite 3.46.1 conda-forge lib 60
tk 8.6.13 conda-forge lib 72
xz 5.2.6 conda-forge lib 28
zlib 1.3.1 conda-forge lib 16
tzdata 2024b conda-forge meta 0
bzip2 1.0.8 conda-forge lib 16
libgcc 14.2.0 conda-forge lib 48 _libgcc_mutex _openmp_mutex
libstdcxx 14.2.0 conda-forge lib 64
libblas 3.9.0 conda-forge lib 16
libopenblas 0.3.28 conda-forge lib 240
mkl 2023.1.0 defaults lib 520
mkl 2024.2.2 conda-forge lib 560
pip 24.2 conda-forge noarch 36 python setuptools wheel
setuptools 75.1.0 conda-forge noarch 28 python
wheel 0.44.0 conda-forge noarch 8 python
numpy 1.24.4 conda-forge py 150 python libblas
numpy 1.26.4 conda-forge py 160 python libblas
numpy 2.1.3 conda-forge py 170 python libblas
scipy 1.14.1 conda-forge py 260 python numpy
pandas 2.2.3 conda-forge py 220 python numpy python-dateutil pytz
scikit-learn 1.5.2 conda-forge py 180 python numpy scipy
matplotlib-base 3.9.2 conda-forge py 140 python numpy pillow
pillow 10.4.0 conda-forge py 60 python
python-dateutil 2.9.0 conda-forge noarch 12 python six
pytz 2024.2 conda-forge noarch 8 python
six 1.16.0 conda-forge noarch 4 python
pyyaml 6.0.2 conda-forge py 20 python
requests 2.32.3 conda-forge noarch 12 python
tqdm 4.66.5 conda-forge noarch 12 python
filelock 3.16.1 conda-forge noarch 4 python
typing_extensions 4.12.2 conda-forge noarch 8 python
sympy 1.13.3 conda-forge noarch 60 python
networkx 3.4.1 conda-forge noarch 40 python
jinja2 3.1.4 conda-forge noarch 16 python
ipython 8.28.0 conda-forge noarch 40 python
ipykernel 6.29.5 conda-forge noarch 16 python ipython
jupyterlab 4.2.5 conda-forge noarch 90 python ipykernel
tensorboard 2.17.1 conda-forge noarch 80 python numpy
pytorch 1.13.1 pytorch py 900 python numpy pytorch-cuda typing_extensions
pytorch 2.2.2 pytorch py 980 python numpy pytorch-cuda typing_extensions
pytorch 2.4.1 conda-forge py 1040 python numpy cuda-cudart libcublas cudnn sympy networkx jinja2 filelock
pytorch 2.5.1 conda-forge py 1100 python numpy cuda-cudart libcublas cudnn sympy networkx jinja2 filelock
pytorch-cuda 11.7 pytorch meta 0
pytorch-cuda 12.1 pytorch meta 0
pytorch-mutex 1.0 pytorch meta 0
torchvision 0.19.1 conda-forge py 120 pytorch pillow
torchvision 0.20.1 conda-forge py 120 pytorch pillow
torchaudio 2.2.2 pytorch py 90 pytorch
torchtriton 3.1.0 conda-forge py 200 pytorch
cuda-version 12.1 conda-forge meta 0
cuda-version 12.4 conda-forge meta 0
cuda-version 12.6 conda-forge meta 0
cuda-cudart 12.1.105 nvidia lib 64 cuda-version
cuda-cudart 12.4.127 conda-forge lib 64 cuda-version
cuda-cudart 12.6.77 conda-forge lib 64 cuda-version
cuda-nvrtc 12.4.127 conda-forge lib 220 cuda-version
cuda-cupti 12.4.127 conda-forge lib 120 cuda-version
cudatoolkit 11.7.1 conda-forge lib 820
libcublas 12.1.3.1 nvidia lib 640 cuda-version
libcublas 12.4.5.8 conda-forge lib 700 cuda-version
libcublas 12.6.4.1 conda-forge lib 720 cuda-version
libcufft 11.2.1.3 conda-forge lib 300 cuda-version
cudnn 8.9.7.29 conda-forge lib 760 cuda-version
cudnn 9.3.0.75 conda-forge lib 820 cuda-version
nccl 2.23.4.1 conda-forge lib 260 cuda-version
tensorflow-base 2.17.0 conda-forge py 860 python numpy
ffmpeg 7.1.0 conda-forge bin 320
git 2.46.2 conda-forge bin 120
r-base 4.4.1 conda-forge bin 400
samtools 1.21 bioconda bin 90
bwa 0.7.18 bioconda bin 60
pysam 0.22.1 bioconda py 110 python samtools
conda 24.9.2 conda-forge py 90 python conda-libmamba-solver
conda 26.7.1 conda-forge py 96 python conda-libmamba-solver
conda 26.5.3 defaults py 96 python conda-libmamba-solver
conda-libmamba-solver 24.9.0 conda-forge noarch 16 python
mamba 2.0.2 conda-forge meta 0 libmamba
libmamba 2.0.2 conda-forge lib 200
menuinst 2.1.2 conda-forge py 16 python
"""


@dataclass(frozen=True, slots=True)
class CatalogPackage:
    """One package at one version, for one Python where that matters."""

    name: str
    version: str
    build: str
    channel: str
    kind: str
    kib: int
    depends: tuple[str, ...]
    python: str
    """``3.11`` for packages in site-packages, empty for others."""

    @property
    def stem(self) -> str:
        """What conda calls its record and its folder in the package cache."""
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def noarch(self) -> bool:
        """True when one build serves all Pythons and systems."""
        return self.kind in ("noarch", "meta")

    @property
    def subdir(self) -> str:
        """``linux-64`` or ``noarch``."""
        return "noarch" if self.noarch else "linux-64"

    @property
    def needs(self) -> tuple[str, ...]:
        """What it depends on, as specs."""
        return tuple(sorted(_spec(self, name) for name in self.depends))

    @property
    def import_name(self) -> str:
        """The folder in site-packages."""
        names = {"pytorch": "torch", "pyyaml": "yaml", "pillow": "PIL", "scikit-learn": "sklearn"}
        return names.get(self.name, self.name.removesuffix("-base").replace("-", "_"))

    @property
    def dist_name(self) -> str:
        """The name in its ``*.dist-info``."""
        return {"pytorch": "torch", "pillow": "Pillow"}.get(
            self.name, self.name.removesuffix("-base").replace("-", "_")
        )


def _spec(item: CatalogPackage, name: str) -> str:
    """*name*, that *item* depends on, with the versions that fit."""
    if name == "python" and item.kind == "py":
        major, minor = map(int, item.python.split("."))
        return f"python >={item.python},<{major}.{minor + 1}.0a0"
    first = ".".join(item.version.split(".")[:2])
    if name == "cuda-version":
        return f"cuda-version >={first},<{first}.9999" if first.startswith("12.") else "cuda-version >=12,<13"
    if item.name == "pytorch":
        cuda = {"1.13": "11.7", "2.2": "12.1", "2.4": "12.4"}.get(first, "12.6")
        return f"{name} {cuda}.*" if name in ("pytorch-cuda", "cuda-cudart", "libcublas") else name
    fits = {"torchvision 0.19": "2.4", "torchvision 0.20": "2.5", "torchaudio 2.2": "2.2"}.get(f"{item.name} {first}")
    return f"pytorch {fits}.*" if name == "pytorch" and fits else name


def catalog() -> list[CatalogPackage]:
    """All packages, for all Pythons."""
    pythons = [row[0].rpartition(".")[0] for row in _rows()["python"]]
    return [
        package(f"{name}={row[0]}", python)
        for name, rows in _rows().items()
        for row in rows
        for python in (pythons if row[2] == "py" else [row[0].rpartition(".")[0] if name == "python" else "3.11"])
    ]


@cache
def _rows() -> dict[str, list[tuple[str, str, str, int, tuple[str, ...]]]]:
    rows: dict[str, list[tuple[str, str, str, int, tuple[str, ...]]]] = {}
    for line in _TABLE.strip().splitlines():
        name, version, channel, kind, kib, *depends = line.split()
        rows.setdefault(name, []).append((version, channel, kind, int(kib), tuple(depends)))
    return rows


@cache
def package(spec: str, python: str) -> CatalogPackage:
    """The package that *spec* (``numpy`` or ``numpy=1.26``) means for Python *python* (``3.11``); newest wins.

    Raises KeyError when the catalog holds no such version.
    """
    name, _, wanted = spec.partition("=")
    fitting = [row for row in _rows()[name] if not wanted or (row[0] + ".").startswith(wanted + ".")]
    if not fitting:
        raise KeyError(spec)
    version, channel, kind, kib, depends = fitting[-1]
    tag = hashlib.sha256(f"{name}{version}{python if kind == 'py' else ''}".encode()).hexdigest()[:7]
    short = python.replace(".", "")
    build = {
        "py": f"py{short}h{tag}_0",
        "noarch": "pyhd8ed1ab_0",
        "meta": f"h{tag}_0" if name != "_libgcc_mutex" else "conda_forge",
        "python": f"h{tag}_0_cpython",
    }.get(kind, f"h{tag}_1")
    if name == "pytorch" and channel == "pytorch":
        build = f"py{python}_cuda{'11.7_cudnn8.5.0_0' if version < '2' else '12.1_cudnn8.9.2_0'}"
    elif name == "pytorch":
        build = f"cuda{'124' if version < '2.5' else '126'}_py{short}h{tag}_300"
    in_site = kind in ("py", "noarch", "python")
    return CatalogPackage(name, version, build, channel, kind, kib, depends, python if in_site else "")
