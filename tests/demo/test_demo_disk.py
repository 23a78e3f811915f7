"""What demo hosts hold is what package managers leave behind: records, links, history, and the usual mess."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from tui.demo.fleet import DemoFleet
from tui.demo.layouts import default_fleet, layout

DAY = 86400


def prefixes(fleet: DemoFleet) -> list[Path]:
    found = {path.parent for path in fleet.base.glob("*/**/conda-meta/history") if not path.parent.is_symlink()}
    return sorted(meta.parent for meta in found if not any(part.is_symlink() for part in meta.parents))


def test_every_record_names_files_that_are_there_linked_to_the_package_cache(fleet: DemoFleet) -> None:
    looked_at = 0
    for prefix in prefixes(fleet):
        clobbered = prefix.name == "glm_finetune_gpu"  # pip has replaced files there
        for path in (prefix / "conda-meta").glob("*.json"):
            record = json.loads(path.read_bytes())
            assert path.name == f"{record['name']}-{record['version']}-{record['build']}.json"
            cache = Path(record["extracted_package_dir"])
            assert (cache / "info/index.json").is_file()
            for name in record["files"]:
                if clobbered and "numpy" in name:
                    continue
                inside = name.split("/", 2)[2] if record.get("noarch") == "python" else name
                here, there = (prefix / name).lstat(), (cache / inside).lstat()
                assert (here.st_ino, here.st_dev) == (there.st_ino, there.st_dev), name
                assert here.st_nlink > 1
                looked_at += 1
    assert looked_at > 2000


def test_one_environment_name_means_different_things_on_different_hosts(fleet: DemoFleet) -> None:
    torch = {
        (path.parts[len(fleet.base.parts)], json.loads(path.read_bytes())["version"])
        for path in fleet.base.glob("*/**/envs/llm-train/conda-meta/pytorch-[0-9]*.json")
    }
    assert torch == {("gpu01", "2.5.1"), ("gpu02", "2.2.2"), ("v100-old", "1.13.1")}


def test_pip_packages_say_that_pip_installed_them_and_conda_packages_that_conda_did(fleet: DemoFleet) -> None:
    site = fleet.host("gpu01").home / "miniforge3/envs/glm_finetune_gpu/lib/python3.10/site-packages"
    installers = {path.parent.name: path.read_text().strip() for path in site.glob("*.dist-info/INSTALLER")}
    assert installers["transformers-4.41.2.dist-info"] == "pip"
    assert installers["torch-2.2.2.dist-info"] == "conda"
    assert installers["numpy-2.1.3.dist-info"] == "pip"
    assert "numpy-1.26.4.dist-info" not in installers, "pip takes the metadata of conda's package away"
    meta = site.parent.parent.parent / "conda-meta"
    assert list(meta.glob("numpy-1.26.4-*.json")), "and conda's record stays"


def test_ghosts_soft_links_incomplete_and_frozen_environments_are_there(fleet: DemoFleet) -> None:
    listed = [Path(line) for line in (fleet.host("gpu01").home / ".conda/environments.txt").read_text().splitlines()]
    assert sum(not path.exists() for path in listed) == 2
    assert sum(path.exists() for path in listed) == 7
    envs = fleet.host("lab").home / ".local/share/mamba/envs"
    assert (envs / "vision-latest").is_symlink() and (envs / "vision-latest").resolve() == envs / "vision"
    assert {"语音识别", "exp[cu124]", 'ada\'s "try"'} <= {path.name for path in envs.iterdir()}
    half = fleet.host("gpu02").home / "miniconda3/envs/half-made/conda-meta"
    assert half.is_dir() and not list(half.iterdir())
    assert (fleet.host("gpu01").home / "miniforge3/envs/serve-prod/conda-meta/frozen").is_file()


def test_environments_are_as_old_as_the_plan_says(fleet: DemoFleet) -> None:
    history = fleet.host("gpu01").home / "miniforge3/envs/cv-resnet50-exp1/conda-meta/history"
    assert abs(time.time() - history.stat().st_mtime - 612 * DAY) < DAY
    assert "==> " in history.read_text() and "pytorch/linux-64::pytorch-1.13.1" in history.read_text()


def test_the_default_fleet_stays_below_sixty_megabytes(fleet: DemoFleet) -> None:
    seen: dict[int, int] = {}
    for folder, _, files in os.walk(fleet.base):
        for name in (*files, "."):
            facts = os.lstat(f"{folder}/{name}")
            seen[facts.st_ino] = facts.st_blocks * 512
    assert sum(seen.values()) < 60e6


def test_everything_is_below_one_folder_that_only_the_owner_enters(fleet: DemoFleet) -> None:
    assert fleet.base.stat().st_mode & 0o777 == 0o700
    assert fleet.identity.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("count", [1, 5, 6, 7, 200])
def test_a_fleet_has_as_many_hosts_as_asked_for_and_at_most_one_faulty(count: int) -> None:
    plans = default_fleet(count)
    assert len({plan.name for plan in plans}) == count
    assert sum(plan.behaviour.answer != "normal" for plan in plans) == (count >= 6)
    for plan in plans:
        layout(plan.layout)


@pytest.mark.parametrize("count", [0, -1, 201])
def test_a_fleet_of_an_impossible_size_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 200"):
        default_fleet(count)
