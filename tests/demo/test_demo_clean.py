"""Cleaning and plans from the command line, on demo hosts over real SSH."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tui.demo.run import run_demo

KERNEL = "5f1c" * 16
"""As Triton names a compiled kernel: by a hash."""


def no_screen(_: Path) -> int:
    raise AssertionError("no screen was asked for")


def on_demo(script: str, out: Path, *, hosts: int = 2, before: str = "true") -> list[Any]:
    """What the commands of *script* said, each with ``--json``, and their exit codes; *before* runs on gpu01 first."""
    on_host = f'ssh -F "$CONDAFLEET_SSH_CONFIG" gpu01 {shlex.quote(before)}'
    steps = [line.strip() for line in script.strip().splitlines()]
    lines = [
        f"condafleet {step} --json >{out}/{n}.json 2>{out}/{n}.err; echo $? >{out}/{n}.code"
        for n, step in enumerate(steps)
    ]
    assert run_demo(hosts, ["sh", "-c", "\n".join([on_host, *lines])], open_screen=no_screen) == 0
    return [
        {"code": int((out / f"{n}.code").read_text()), **json.loads((out / f"{n}.json").read_text())}
        for n in range(len(steps))
    ]


@pytest.mark.timeout(300)
def test_caches_of_all_hosts_are_cleaned_and_then_there_is_nothing_left(tmp_path: Path) -> None:
    ahead, done, again, packages = on_demo(
        """
        clean '*' --what packages,index --dry-run
        clean '*' --what packages,index --yes
        clean '*' --what index --yes
        packages gpu01:cv-resnet50-exp1
        """,
        tmp_path,
    )
    assert (ahead["code"], done["code"], again["code"]) == (0, 0, 4)
    predicted = {plan["host"]: plan["freed_bytes"] for plan in ahead["plans"]}
    assert all(size > 0 for size in predicted.values())
    for plan in done["plans"]:
        assert plan["freed_bytes"] == predicted[plan["host"]]
        assert {item["state"] for item in plan["items"]} == {"removed"}
        assert sum(item["removed_bytes"] for item in plan["items"]) == plan["freed_bytes"]
        assert isinstance(plan["actual_bytes"], int)
    assert packages["packages"], "environments stay as they were"


@pytest.mark.timeout(300)
def test_a_plan_is_made_changed_by_hand_and_run(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    script = f"""
        plan new {file} gpu02 --what packages,index
        plan run {file} --dry-run
        plan run {file} --yes
        plan run {file} --yes
        """
    made, dry, ran, again = on_demo(script, tmp_path)
    assert [step["code"] for step in (made, dry, ran, again)] == [0, 0, 0, 3]
    assert [plan["host"] for plan in ran["plans"]] == ["gpu02"]
    assert dry["plans"][0]["freed_bytes"] == ran["plans"][0]["freed_bytes"] == made["plans"][0]["freed_bytes"]
    assert {item["state"] for item in again["plans"][0]["items"]} == {"changed"}


@pytest.mark.timeout(300)
def test_what_is_suggested_goes_environments_first_and_the_report_holds_both_numbers(tmp_path: Path) -> None:
    file, report = tmp_path / "plan.json", tmp_path / "report.md"
    made, ran, envs = on_demo(
        f"""
        plan new {file}
        plan run {file} --yes --markdown {report}
        envs
        """,
        tmp_path,
    )
    assert (made["code"], ran["code"], envs["code"]) == (0, 0, 0), ran
    items = [item for plan in ran["plans"] for item in plan["items"]]
    assert {item["state"] for item in items} == {"removed"}
    gone = {item["path"] for item in items if item["kind"] == "environment"}
    assert gone
    assert not gone & {env["prefix"] for env in envs["environments"]}
    assert {plan["host"]: plan["freed_bytes"] for plan in ran["plans"]} == {
        plan["host"]: plan["freed_bytes"] for plan in made["plans"]
    }
    text = report.read_text()
    assert "| predicted | actual | difference |" in text
    assert text.count("| environment |") == len(gone)


@pytest.mark.timeout(300)
def test_other_tools_caches_of_the_account_go(tmp_path: Path) -> None:
    plant = f"""
        mkdir -p ~/.cache/pip/http-v2/a ~/.cache/huggingface/hub/models--a--b/blobs ~/.triton/cache/{KERNEL}
        for f in ~/.cache/pip/http-v2/a/b ~/.cache/huggingface/hub/models--a--b/blobs/c ~/.triton/cache/{KERNEL}/d
        do head -c 50000 /dev/zero >$f; done
        """
    done, again = on_demo(
        """
        clean gpu01 --what pip,hub,triton --yes
        clean gpu01 --what pip,hub,triton --yes
        """,
        tmp_path,
        before=plant,
    )
    assert (done["code"], again["code"]) == (0, 4)
    items = {item["kind"]: item for item in done["plans"][0]["items"]}
    assert {item["state"] for item in items.values()} == {"removed"}
    assert {kind: item["removed_files"] for kind, item in items.items()} == {"pip": 3, "hub": 3, "triton": 3}
