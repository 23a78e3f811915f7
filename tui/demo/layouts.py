"""The machines of the demo: what a small team's GPU servers look like after two years of work."""

from __future__ import annotations

from dataclasses import replace

from tui.demo.plan import (
    Answer,
    Behaviour,
    CachePlan,
    EnvPlan,
    GpuPlan,
    HostPlan,
    InstallPlan,
    Layout,
    MountPlan,
    PanePlan,
    SessionPlan,
)

__all__ = ["DEFAULT_HOSTS", "MOST_HOSTS", "default_fleet", "layout", "pip_parts"]

DEFAULT_HOSTS = 6
MOST_HOSTS = 200

_BASE = ("pip", "requests", "tqdm", "libgcc", "libstdcxx")
_SCIENCE = ("numpy=1.26", "scipy", "pandas", "scikit-learn", "matplotlib-base", "pyyaml", "tqdm", "ipykernel", "pip")
_TORCH25 = ("pytorch=2.5", "torchvision=0.20", "cuda-cudart=12.6", "libcublas=12.6", "cudnn=9.3", "nccl")
_TORCH24 = ("pytorch=2.4", "torchvision=0.19", "cuda-cudart=12.4", "libcublas=12.4", "cudnn=9.3", "cuda-nvrtc")
_TORCH22 = ("pytorch=2.2", "pytorch-cuda=12.1", "torchaudio", "cuda-cudart=12.1", "libcublas=12.1", "cudnn=8.9")
_TORCH113 = ("pytorch=1.13", "pytorch-cuda=11.7", "cudatoolkit=11.7", "mkl=2023")
_LLM_PIP = ("transformers==4.45.2", "accelerate==1.0.1", "deepspeed==0.15.2", "peft==0.13.2", "wandb==0.18.3")
_NAS = MountPlan("/datasets", "nas01:/export/datasets", "nfs4", 2048, 1720)


def _system(size: int, others: int) -> MountPlan:
    return MountPlan("/", "/dev/nvme0n1p2", "ext4", size, others)


def _data(size: int, others: int) -> MountPlan:
    return MountPlan("/home", "/dev/nvme1n1", "ext4", size, others)


_GPU01 = Layout(
    "Ubuntu 22.04.5 LTS", "22.04", "5.15.0-122-generic", 128, 1008, 38.0,
    (_system(88, 41), _data(143, 121), _NAS),
    installs=(
        InstallPlan("miniforge3", "conda", "26.7.1", ("conda=26.7", "conda-libmamba-solver", "menuinst", *_BASE), envs=(
            EnvPlan("miniforge3/envs/llm-train", ("python=3.11", *_TORCH25, "numpy=1.26", "pyyaml", "tensorboard",
                    "ipykernel", "pip"), pip=(*_LLM_PIP, "flash-attn==2.6.3"), days=12, pycache_days=1),
            EnvPlan("miniforge3/envs/vision", ("python=3.11", *_TORCH24, *_SCIENCE), pip=("timm==1.0.9",),
                    days=65, pycache_days=9),
            EnvPlan("miniforge3/envs/glm_finetune_gpu", ("python=3.10", *_TORCH22, "numpy=1.26", "pip"), "3.10",
                    pip=("transformers==4.41.2", "numpy==2.1.3"), days=210, pycache_days=170),
            EnvPlan("miniforge3/envs/cv-resnet50-exp1", ("python=3.9", *_TORCH113, "numpy=1.24"), "3.9", days=612),
            EnvPlan("miniforge3/envs/serve-prod", ("python=3.11", *_TORCH25, "numpy=1.26", "requests"), days=40,
                    pip=("vllm==0.6.3",), frozen=True, pycache_days=3),
            EnvPlan("projects/asr demo/.conda", ("python=3.12", "numpy=2.1", "scipy", "ffmpeg"), "3.12", days=6),
        ), unused=("cudnn=8.9", "tensorflow-base", "mkl=2024")),
    ),
    sessions=(
        SessionPlan("train-llm", (("train", (PanePlan("llm-7b", "train", "miniforge3/envs/llm-train",
                    "train.py --config configs/llm-7b.yaml", (0, 1), 61440),)),)),
        SessionPlan("eval", (
            ("eval", (PanePlan("eval", "eval", "miniforge3/envs/vision", "eval.py --suite nightly", (2,), 18432),
                      PanePlan("shell"))),
            ("notes", (PanePlan("notes"),)),
        )),
    ),
    gpus=GpuPlan("NVIDIA H100 80GB HBM3", 4, 81559, "560.35.03", "12.6", 700.0, busy=(0, 1, 2)),
    ghosts=("miniforge3/envs/tmp-old", "projects/moved-away/.conda"),
)  # fmt: skip

_GPU02 = Layout(
    "Ubuntu 22.04.4 LTS", "22.04", "5.15.0-107-generic", 64, 503, 11.5,
    (_system(115, 93), _NAS),
    installs=(
        InstallPlan("/opt/miniforge3", "mamba", "24.9.2", ("conda=24.9", "mamba", "menuinst", *_BASE), envs=(
            EnvPlan("/opt/miniforge3/envs/llm-train", ("python=3.10", *_TORCH22, "numpy=1.24", "pyyaml", "pip"), "3.10",
                    pip=("transformers==4.41.2", "accelerate==0.31.0", "deepspeed==0.14.4"), days=160, pycache_days=2),
            EnvPlan("/opt/miniforge3/envs/vision", ("python=3.11", *_TORCH24, *_SCIENCE), pip=("timm==1.0.9",),
                    days=64, pycache_days=30),
            EnvPlan("/opt/miniforge3/envs/tutorial", ("python=3.12", *_SCIENCE, "jupyterlab"), "3.12", days=33),
        )),
        InstallPlan("miniconda3", "conda", "26.5.3", ("conda=26.5", "menuinst", *_BASE), envs=(
            EnvPlan("miniconda3/envs/tf217", ("python=3.11", "tensorflow-base", "numpy=1.26", "pip"), days=96),
            EnvPlan("miniconda3/envs/half-made", (), days=96, incomplete=True),
        )),
    ),
    sessions=(
        SessionPlan("finetune", (("run", (PanePlan("lora", "train", "/opt/miniforge3/envs/llm-train",
                    "train.py --lora --config configs/lora.yaml", (1,), 30720),)),)),
        SessionPlan("sweep", (("sweep", (PanePlan("sweep", "crash", "/opt/miniforge3/envs/vision",
                    "sweep.py --trials 40"),)),)),
    ),
    gpus=GpuPlan("NVIDIA A100-SXM4-80GB", 2, 81920, "535.183.01", "12.2", 400.0, busy=(1,),
                 mig=(("3g.40gb", 40192), ("2g.20gb", 19968), ("1g.10gb", 9728), ("1g.10gb", 9728))),
    search=("~", "/opt"),
)  # fmt: skip

_LAB = Layout(
    "Debian GNU/Linux 12 (bookworm)", "12", "6.1.0-25-amd64", 24, 125, 3.2,
    (_system(93, 64), MountPlan("/home", "/dev/sdb1", "btrfs", 372, 111)),
    installs=(
        InstallPlan(".local/share/mamba", "micromamba", "2.8.1", envs=(
            EnvPlan(".local/share/mamba/envs/vision", ("python=3.12", *_TORCH25, *_SCIENCE[1:], "numpy=2.1"), "3.12",
                    days=4, pycache_days=0),
            EnvPlan(".local/share/mamba/envs/genomics", ("python=3.10", "samtools", "bwa", "pysam", "numpy=1.26"),
                    "3.10", days=300),
            EnvPlan(".local/share/mamba/envs/语音识别", ("python=3.11", *_TORCH24, "ffmpeg"), days=51, pycache_days=20),
            EnvPlan(".local/share/mamba/envs/exp[cu124]", ("python=3.11", "numpy=1.26", "cuda-cudart=12.4"), days=88),
            EnvPlan(".local/share/mamba/envs/ada's \"try\"", ("python=3.12", "numpy=2.1"), "3.12", days=130),
            EnvPlan(".local/share/mamba/envs/vision-latest", link_to=".local/share/mamba/envs/vision"),
        )),
    ),
    sessions=(SessionPlan("preprocess", (("main", (PanePlan("audio", "eval", ".local/share/mamba/envs/vision",
              "preprocess.py --shards 256"),)),)),),
    gpus=GpuPlan("NVIDIA GeForce RTX 4090", 2, 24564, "550.107.02", "12.4", 450.0, hung=True),
)  # fmt: skip

_CPU01 = Layout(
    "Debian GNU/Linux 12 (bookworm)", "12", "6.1.0-23-amd64", 48, 251, 21.0,
    (_system(22, 21), _data(186, 86), _NAS),
    installs=(
        InstallPlan("miniconda3", "conda", "26.5.3", ("conda=26.5", "menuinst", *_BASE), envs=(
            EnvPlan("miniconda3/envs/etl", ("python=3.11", *_SCIENCE), days=18, pycache_days=0),
            EnvPlan("miniconda3/envs/report", ("python=3.11", *_SCIENCE, "jupyterlab"), days=140, pycache_days=80),
            EnvPlan("miniconda3/envs/rstats", ("r-base",), days=410),
            EnvPlan("miniconda3/envs/py39-legacy", ("python=3.9", "numpy=1.24", "pip"), "3.9", days=890,
                    pip=("Django==3.2.25", "celery==5.2.7")),
            EnvPlan("miniconda3/envs/scratch-2023", ("python=3.10", "numpy=1.26"), "3.10", days=790),
        ), unused=("tensorflow-base", "scipy", "mkl=2023", "git")),
    ),
    sessions=(SessionPlan("etl-nightly", (("etl", (PanePlan("etl", "eval", "miniconda3/envs/etl",
              "etl.py --since yesterday"), PanePlan("log"))),)),),
    ghosts=("miniconda3/envs/deleted-by-hand", "miniconda3/envs/etl-old"),
)  # fmt: skip

_OLD = Layout(
    "Ubuntu 20.04.6 LTS", "20.04", "5.4.0-196-generic", 40, 251, 1.4,
    (_system(80, 62),),
    installs=(
        InstallPlan("/opt/conda", "conda", "24.9.2", ("conda=24.9", *_BASE), envs=(
            EnvPlan("/opt/conda/envs/llm-train", ("python=3.9", *_TORCH113, "numpy=1.24", "pip"), "3.9", days=520,
                    pip=("transformers==4.30.2",), pycache_days=430),
            EnvPlan("/opt/conda/envs/cv-resnet50-exp1", ("python=3.9", *_TORCH113, "numpy=1.24"), "3.9", days=611),
            EnvPlan("/opt/conda/envs/teaching", ("python=3.11", *_SCIENCE, "jupyterlab"), days=75, frozen=True),
        )),
        InstallPlan("miniforge3", "conda", "26.7.1", ("conda=26.7", "menuinst", *_BASE), envs=(
            EnvPlan("miniforge3/envs/cv-yolo-dev", ("python=3.11", *_TORCH24, "pillow"), days=25, pycache_days=24),
        )),
    ),
    gpus=GpuPlan("Tesla V100-PCIE-32GB", 2, 32768, "535.161.08", "12.2", None),
    caches=(CachePlan(".cache/pip/http-v2/4/a/4ae1", 900, 240), CachePlan(".cache/pip/wheels/7c/numpy.whl", 300, 240),
            CachePlan(".cache/huggingface/hub/models--bert--base/blobs/0d1f", 1400, 400),
            CachePlan(".cache/whisper/large-v3.pt", 1200, 95), CachePlan(".cache/matplotlib/fontlist.json", 40, 30)),
    search=("~", "/opt"),
)  # fmt: skip

_NODE = Layout(
    "Ubuntu 22.04.5 LTS", "22.04", "5.15.0-122-generic", 64, 503, 6.0,
    (_system(44, 19), _data(71, 40), _NAS),
    installs=(
        InstallPlan("miniforge3", "conda", "26.7.1", ("conda=26.7",), envs=(
            EnvPlan("miniforge3/envs/llm-train", ("python=3.11", "pytorch=2.5", "cuda-cudart=12.6", "numpy=1.26"),
                    pip=("transformers==4.45.2",), days=12, pycache_days=1),
            EnvPlan("miniforge3/envs/etl", ("python=3.11", "numpy=1.26", "pandas"), days=45),
        )),
    ),
    gpus=GpuPlan("NVIDIA L40S", 4, 46068, "560.35.03", "12.6", 350.0, busy=(1,)),
    light=True,
)  # fmt: skip

_EMPTY = Layout("Debian GNU/Linux 12 (bookworm)", "12", "6.1.0-25-amd64", 8, 31, 0.2, (_system(10, 2),))

_LAYOUTS = {"gpu01": _GPU01, "gpu02": _GPU02, "lab": _LAB, "cpu01": _CPU01, "old": _OLD, "node": _NODE, "empty": _EMPTY}


def layout(name: str, number: int = 0) -> Layout:
    """The layout called *name*; *number* varies the load of generated hosts. Raises KeyError."""
    found = _LAYOUTS[name]
    if name != "node":
        return found
    return replace(found, load=round(found.load * (0.4 + number * 7 % 11 / 5), 1))


def pip_parts() -> list[str]:
    """``name==version`` of all that pip installed anywhere."""
    found = (env.pip for each in _LAYOUTS.values() for install in each.installs for env in install.envs)
    return sorted({spec for specs in found for spec in specs})


_STORY = (
    HostPlan("gpu01", "gpu01", groups=("gpu", "h100")),
    HostPlan("gpu02", "gpu02", groups=("gpu", "a100")),
    HostPlan("cpu01", "cpu01", groups=("cpu",)),
    HostPlan("lab", "lab", "lin", groups=("gpu",)),
    HostPlan("v100-old", "old", groups=("gpu",)),
)
_UNREACHABLE = HostPlan("gpu09", "empty", behaviour=Behaviour(answer=Answer.SILENT), groups=("gpu",))


def default_fleet(count: int) -> tuple[HostPlan, ...]:
    """The *count* hosts of ``condafleet demo``: five that work, then one that never answers, then generated ones.

    Raises ValueError unless 1 <= *count* <= 200.
    """
    if not 1 <= count <= MOST_HOSTS:
        raise ValueError(f"a demo fleet has 1 to {MOST_HOSTS} hosts, not {count}")
    story = (*_STORY, _UNREACHABLE)[:count]
    return story + tuple(HostPlan(f"node{n:03}", "node", groups=("gpu", "nodes")) for n in range(1, count - 5))
