"""What follows from what was seen of an environment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.assemble import (
    FileTimes,
    channel_name,
    created_by,
    fs_id,
    is_protected,
    last_used,
    mount_of,
    split_dist_name,
)
from tui.domain.environments import Manager, UsageSignal, Use
from tui.domain.machine import Machine, Mount

NOW = 1_000_000.0


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://conda.anaconda.org/conda-forge/linux-64", "conda-forge"),
        ("https://conda.anaconda.org/conda-forge", "conda-forge"),
        ("https://repo.anaconda.com/pkgs/main/noarch", "pkgs/main"),
        ("https://mirrors.example.cn/anaconda/pkgs/r/linux-aarch64", "pkgs/r"),
        ("https://mirrors.example.cn/anaconda/cloud/pytorch/linux-64", "pytorch"),
        ("https://conda.anaconda.org/pytorch/label/nightly/linux-64", "pytorch/label/nightly"),
        ("https://ada:secret@host.example/t/tk-1234/team/linux-64", "team"),
        ("https://conda.anaconda.org/t/tk-1234/team/linux-64", "team"),
        ("https://host.example/team/linux-64?token=secret", "team"),
        ("file:///srv/channel/linux-64", "channel"),
        ("conda-forge", "conda-forge"),
        ("https://host.example", None),
        ("", None),
        ("<unknown>", None),
    ],
)
def test_a_channel_is_called_as_people_call_it(address: str, name: str | None) -> None:
    assert channel_name(address) == name


@given(st.text(alphabet=st.sampled_from("abc/:@?#t&. "), max_size=40))
def test_a_channel_name_never_holds_credentials(noise: str) -> None:
    for address in (f"https://u:sesame@h/{noise}", f"https://h/t/sesame/{noise}", f"https://h/{noise}?sesame"):
        assert "sesame" not in (channel_name(address) or "")


def use(via: str, command: str = "python train.py") -> Use:
    return Use(1, "ada", command, via)


@pytest.mark.parametrize(
    ("uses", "signal"),
    [
        ([use("exe,cwd,session")], UsageSignal.PROCESS),
        ([use("CONDA_PREFIX,session", "bash")], UsageSignal.SESSION),
        ([use("CONDA_PREFIX", "bash")], UsageSignal.PROCESS),
        ([use("exe", "python -m ipykernel_launcher -f x")], UsageSignal.KERNEL),
        ([use("exe", "python -m ipykernel_launcher -f x"), use("maps")], UsageSignal.PROCESS),
        ([use("exe", "python -m ipykernel_launcher"), use("CONDA_PREFIX,session", "bash")], UsageSignal.KERNEL),
    ],
)
def test_in_use_beats_every_trace_on_the_disk(uses: list[Use], signal: UsageSignal) -> None:
    assert last_used(now=NOW, uses=uses, python=None, atime_kept=True, newest_pycache=5, history=1) == (NOW, signal)


def trace(
    python: FileTimes | None = None, kept: bool = True, pycache: float | None = None, history: float | None = None
) -> tuple[float | None, UsageSignal | None]:
    return last_used(now=NOW, uses=(), python=python, atime_kept=kept, newest_pycache=pycache, history=history)


def test_an_access_time_counts_only_where_it_means_this_environment() -> None:
    read_later = FileTimes(mtime=100, ctime=200, atime=300, links=1)
    assert trace(read_later, history=150) == (300, UsageSignal.ATIME)
    assert trace(read_later, kept=False, history=150) == (150, UsageSignal.HISTORY)
    assert trace(FileTimes(100, 200, 300, links=2), history=150) == (150, UsageSignal.HISTORY)
    assert trace(FileTimes(100, 300, 200, links=1), history=150) == (150, UsageSignal.HISTORY)


def test_compiled_modules_count_only_when_no_install_made_them() -> None:
    assert trace(pycache=1000, history=900) == (1000, UsageSignal.PYCACHE)
    assert trace(pycache=930, history=900) == (900, UsageSignal.HISTORY)
    assert trace(pycache=930) == (930, UsageSignal.PYCACHE)


def test_nothing_seen_is_unknown_and_nothing_is_later_than_now() -> None:
    assert trace() == (None, None)
    assert trace(history=NOW + 5000) == (NOW, UsageSignal.HISTORY)


def test_the_history_tells_when_and_by_what() -> None:
    text = "==> 2026-03-04 05:06:07 <==\n# cmd: /opt/my conda/bin/conda create -n x\n# conda version: 26.7.1\n"
    assert created_by(text) == ((2026, 3, 4, 5, 6, 7), Manager.CONDA, "/opt/my conda")
    assert created_by("==> 2026-03-04 05:06:07 <==\n# cmd: micromamba create -n x\n")[1:] == (Manager.MICROMAMBA, None)
    assert created_by("==> 2026-03-04 05:06:07 <==\n# cmd: /m/condabin/mamba create\n")[1:] == (Manager.MAMBA, "/m")
    assert created_by("") == (None, Manager.UNKNOWN, None)
    assert created_by("==> yesterday <==\n# cmd: \n") == (None, Manager.UNKNOWN, None)


def test_a_record_is_named_by_its_file() -> None:
    assert split_dist_name("ca-certificates-2024.2.2-hbcca054_0") == ("ca-certificates", "2024.2.2", "hbcca054_0")
    assert split_dist_name("odd") == ("odd", None, None)
    assert split_dist_name("a--b") == ("a--b", None, None)


def test_the_deepest_and_topmost_mount_holds_a_path() -> None:
    mounts = [
        Mount("/", "a", "ext4"),
        Mount("/data", "b", "nfs"),
        Mount("/data", "c", "nfs"),
        Mount("/data2", "d", "x"),
    ]
    assert [m.source if (m := mount_of(path, mounts)) else None for path in ("/data/x", "/data2", "/datax", "/")] == [
        "c", "d", "a", "a",
    ]  # fmt: skip
    assert mount_of("/x", mounts[1:]) is None


def test_identity_needs_the_machine_or_an_export() -> None:
    export = (Mount("/nfs", "nas:/e", "nfs4", export_id="nas:/e"),)
    other = (Mount("/mnt/home", "nas:/e", "nfs4", export_id="nas:/e"),)
    machine = Machine(machine_id="m")
    assert fs_id("/nfs/ada/x", 1, 2, machine, export) == fs_id("/mnt/home/ada/x", 9, 2, None, other) is not None
    assert fs_id("/x", 1, 2, machine, export) == "m:1:2:/x"
    assert fs_id("/x", 1, 2, None, None) is None
    assert fs_id("/x", None, None, machine, None) is None


def test_protected_patterns_fit_names_and_prefixes_in_printed_form() -> None:
    assert is_protected("gpu01", "prod-a", "/e/prod-a", ("*:prod-*",))
    assert is_protected("gpu01", None, "/srv/keep/x", ("gpu01:/srv/keep/*",))
    assert is_protected("gpu01", "a\x1b", "/e/a", ("*:a\\\\x1b",)) is False
    assert not is_protected("gpu02", "prod-a", "/e/prod-a", ("gpu01:*",))
