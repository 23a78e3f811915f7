"""One package, several names: what conda and pip call differently, and what people call it."""

from __future__ import annotations

from functools import lru_cache

from tui.domain.packages import canonical_name

__all__ = ["asked_names", "common_name"]

# conda-forge's name and PyPI's, where they differ for one and the same package.
_SAME = (
    ("torch", "pytorch"),
    ("tensorflow", "tensorflow-cpu", "tensorflow-gpu"),
    ("onnxruntime", "onnxruntime-gpu"),
    ("faiss", "faiss-cpu", "faiss-gpu"),
    ("opencv-python", "py-opencv", "opencv-python-headless"),
    ("tables", "pytables"),
    ("msgpack", "msgpack-python"),
    ("build", "python-build"),
    ("lz4", "python-lz4"),
    ("xxhash", "python-xxhash"),
    ("duckdb", "python-duckdb"),
    ("torchdata", "pytorch-data"),
    ("pytorch-lightning", "lightning-pytorch"),
)

# What a person may mean by a word, beside the package that is called so.
_ASKED = {
    "cuda": (
        "cuda-version", "cudatoolkit", "pytorch-cuda", "nvidia-cuda-runtime", "nvidia-cuda-runtime-cu11",
        "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime-cu13",
    ),
    "cudnn": ("nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13"),
    "nccl": ("nvidia-nccl-cu11", "nvidia-nccl-cu12", "nvidia-nccl-cu13"),
    "sklearn": ("scikit-learn",),
    "cv2": ("opencv", "opencv-python", "py-opencv", "opencv-python-headless"),
    "yaml": ("pyyaml",),
    "pil": ("pillow",),
}  # fmt: skip

_COMMON = {name: names[0] for names in _SAME for name in names}
_GROUPS = {names[0]: frozenset(names) for names in _SAME}


@lru_cache(maxsize=32768)
def common_name(name: str) -> str:
    """The name under which a package is the same whoever installed it: ``torch`` for conda's ``pytorch``."""
    canonical = canonical_name(name)
    return _COMMON.get(canonical, canonical)


@lru_cache(maxsize=1024)
def asked_names(name: str) -> frozenset[str]:
    """The canonical names that a person who writes *name* may mean: ``pytorch`` is ``torch`` too, and
    ``cuda`` any package that brings its runtime."""
    canonical = canonical_name(name)
    same = _GROUPS.get(_COMMON.get(canonical, ""), frozenset())
    return frozenset({canonical, *same, *_ASKED.get(canonical, ())})
