"""The few packages that people know an environment by, and at which version it has them. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from tui.domain.packages import Package, PackageManager, PackageSet, canonical_name

__all__ = ["KEYS", "key_versions"]

KEYS: dict[str, tuple[str, ...]] = {
    "torch": ("torch", "pytorch", "pytorch-gpu"),
    "tensorflow": ("tensorflow", "tensorflow-gpu", "tensorflow-cpu", "tensorflow-base"),
    "jax": ("jax",),
    "paddle": ("paddlepaddle-gpu", "paddlepaddle"),
    "mindspore": ("mindspore",),
    "cuda": (
        "cuda-version", "cudatoolkit", "pytorch-cuda", "cuda-toolkit", "cuda-runtime", "nvidia-cuda-runtime-cu13",
        "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu11", "nvidia-cuda-runtime",
    ),
    "vllm": ("vllm",),
    "transformers": ("transformers",),
    "deepspeed": ("deepspeed",),
    "lightning": ("lightning", "pytorch-lightning"),
    "xgboost": ("xgboost", "py-xgboost"),
    "sklearn": ("scikit-learn",),
    "numpy": ("numpy",),
    "pandas": ("pandas",),
    "python": ("python",),
    "r": ("r-base",),
}  # fmt: skip
"""What each is called in a table, and the packages it is read from, in order of preference. The order is that of
how much they say: who has room for three shows the first three that an environment has."""

_RANKS = {name: (label, rank) for label, names in KEYS.items() for rank, name in enumerate(names)}
_LABELS = tuple(KEYS)
# 2.1.0+cu118; py3.10_cuda11.8_cudnn8.7.0_0; cuda112py310h…
_CUDA_LOCAL = re.compile(r"\+cu(\d+?)(\d)\Z", re.ASCII)
_CUDA_BUILD = re.compile(r"cuda_?(?:(\d+)\.(\d+)|(\d\d)(\d))", re.ASCII)


@lru_cache(maxsize=16384)
def key_versions(packages: PackageSet) -> tuple[tuple[str, str], ...]:
    """(label, version) of the key packages that *packages* hold, in the order of :data:`KEYS`.

    Where conda and pip both have one, pip's counts: it was installed over conda's, and Python finds it. CUDA
    without a package of its own is read from what PyTorch was built for. The version is raw.
    """
    best: dict[str, tuple[bool, int, Package]] = {}
    for package in packages.packages:
        place = _place(package.name)
        if place is None or package.version is None:
            continue
        label, rank = place
        found = (package.manager is not PackageManager.PIP, rank, package)
        if label not in best or found[:2] < best[label][:2]:
            best[label] = found
    versions = {label: package.version for label, (_, _, package) in best.items() if package.version is not None}
    if "cuda" not in versions and "torch" in best and (cuda := _built_for(best["torch"][2])) is not None:
        versions["cuda"] = cuda
    return tuple((label, versions[label]) for label in _LABELS if label in versions)


@lru_cache(maxsize=32768)
def _place(name: str) -> tuple[str, int] | None:
    return _RANKS.get(canonical_name(name))


def _built_for(torch: Package) -> str | None:
    match = _CUDA_LOCAL.search(torch.version or "") or _CUDA_BUILD.search(torch.build or "")
    if match is None:
        return None
    major, minor = [part for part in match.groups() if part is not None][:2]
    return f"{major}.{minor}"
