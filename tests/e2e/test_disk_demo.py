"""``disk`` on the demo fleet: what it says is what the file system says of the same trees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Beside the answer, every inode below the hosts' environments: they are gone once the command has ended.
SCRIPT = """
import json, os, subprocess, sys
done = subprocess.run([sys.executable, "-m", "tui", "disk", *sys.argv[1:]], capture_output=True, text=True)
answer = json.loads(done.stdout)
def held(top):
    found = {}
    for folder, _, names in os.walk(top):
        for name in (".", *names):
            seen = os.lstat(os.path.join(folder, name))
            found[seen.st_ino] = (seen.st_blocks * 512, seen.st_nlink if name != "." else 1)
    return found
brute = {}
for env in answer["environments"]:
    if env["total_bytes"] is not None and env["kind"] != "base":
        brute[env["prefix"]] = sum(size for size, _ in held(env["prefix"]).values())
unused = {}
for cache in answer["caches"]:
    total = 0
    for name in os.listdir(cache["path"]):
        folder = os.path.join(cache["path"], name)
        if os.path.isdir(os.path.join(folder, "info")):
            inodes = held(folder)
            if all(links == 1 for _, links in inodes.values()):
                total += sum(size for size, _ in inodes.values())
    unused[cache["path"]] = total
print(json.dumps({"code": done.returncode, "err": done.stderr, "answer": answer, "brute": brute, "unused": unused}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The answer for two hosts of the demo, and what a slow look finds there."""
    home = tmp_path_factory.mktemp("home")
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tui", "demo", "--hosts", "2", "--", sys.executable, "-c", SCRIPT, "--json"],
        env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_sizes_are_those_of_the_files(told: Any) -> None:
    assert told["code"] == 0, told["err"]
    sizes = {
        env["prefix"]: env["total_bytes"] for env in told["answer"]["environments"] if env["prefix"] in told["brute"]
    }
    assert len(sizes) >= 8
    assert sizes == told["brute"]
    assert all(env["size_bound"] for env in told["answer"]["environments"] if env["total_bytes"] is not None)


def test_unused_packages_are_told_since_the_demo_is_all_there_is(told: Any) -> None:
    caches = told["answer"]["caches"]
    assert {cache["host"] for cache in caches} == {"gpu01", "gpu02"}
    for cache in caches:
        assert cache["users_seen"], cache["users_unseen"]
        (packages,) = [part for part in cache["parts"] if part["kind"] == "packages"]
        assert packages["freed_bytes"] == told["unused"][cache["path"]]
    assert sum(told["unused"].values()) > 0


def test_what_is_suggested_leaves_alone_what_is_in_use_frozen_or_base(told: Any) -> None:
    answer = told["answer"]
    kept = {env["prefix"] for env in answer["environments"] if env["kind"] == "base" or env["frozen"] or env["in_use"]}
    assert kept
    suggested = answer["suggestions"]
    assert suggested
    assert kept.isdisjoint(it["path"] for it in suggested)
    assert all(it["bytes"] > 0 and it["reasons"] for it in suggested)
    assert [plan["host"] for plan in answer["plans"]] == ["gpu01", "gpu02"]
    assert all(plan["freed_bytes"] > 0 for plan in answer["plans"])


def test_nothing_outside_the_demo_is_looked_at(told: Any) -> None:
    answer = told["answer"]
    tops = {env["prefix"].partition("/gpu")[0] for env in answer["environments"]}
    assert len(tops) == 1
    paths = [it["path"] for key in ("caches", "tool_caches", "places") for it in answer[key]]
    assert all(path.startswith(tuple(tops)) for path in paths)
