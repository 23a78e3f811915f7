"""``disk``: what hosts hold, for people and for scripts, and what becomes of hosts that cannot be counted."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from tests.cli.fakes import HOSTILE, HOSTILE_SHOWN, REFUSED, Answer, FakeBackend, Run, fleet
from tests.domain.diskvalues import COUNT, DAY, ENVIRONMENTS, MIB, NOW, PKGS, ROOT, SNAPSHOT, TABLE
from tui.domain.caches import Caches
from tui.domain.cacheusers import CacheUsers, Unseen
from tui.domain.diskcount import DiskCount
from tui.domain.environments import Environment
from tui.domain.faults import Fault, FaultKind

MISSING = Fault(FaultKind.TOOL_MISSING, "it has no find", "Install it.")


@pytest.fixture(autouse=True)
def _frozen_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """The day on which the sample environments have their ages."""
    real = time.time
    began = real()
    monkeypatch.setattr(time, "time", lambda: NOW + (real() - began))


def host(name: str = "gpu01", count: DiskCount | Fault | None = COUNT, **fields: Any) -> Answer:
    """A host with the sample disk, named *name*."""
    environments = tuple(replace(env, host=name, **fields) for env in ENVIRONMENTS)
    parts = {key: getattr(SNAPSHOT, key).value for key in ("machine", "mounts", "installs")}
    return Answer({**parts, "environments": environments}, disk=count)


def two(**more: Answer) -> FakeBackend:
    return fleet({"gpu01": host(), "gpu02": host("gpu02"), **more})


def test_json_says_what_each_file_system_holds(run: Run) -> None:
    done = run(two(), "disk", "--json")
    assert done.code == 0
    assert [(it["host"], it["path"], it["size_bytes"]) for it in done.json["mounts"]] == [
        ("gpu01", "/", 4000 * MIB),
        ("gpu02", "/", 4000 * MIB),
    ]
    mount = done.json["mounts"][0]
    assert mount["used_bytes"] == sum(it["bytes"] for it in mount["slices"])
    assert mount["held_bytes"] == 925 * MIB
    assert [it["host"] for it in done.json["counts"]] == ["gpu01", "gpu02"]
    assert done.json["counts"][0]["entries"] == 1234


def test_json_says_what_environments_and_caches_give_back(run: Run) -> None:
    shown = run(fleet({"gpu01": host()}), "disk", "--json").json
    old = next(it for it in shown["environments"] if it["name"] == "old")
    assert (old["total_bytes"], old["exclusive_bytes"], old["shared_bytes"]) == (180 * MIB, 60 * MIB, 120 * MIB)
    assert (old["size_bound"], old["counted"], old["mount"]) == ("exact", "read", "/")
    assert [(it["kind"], it["name"], it["bytes"]) for it in old["shared_with"]] == [
        ("packages", PKGS, 120 * MIB),
        ("environment", "busy", 100 * MIB),
    ]
    gone = next(it for it in shown["environments"] if it["name"] == "gone")
    assert (gone["total_bytes"], gone["exclusive_bytes"], gone["shared_with"], gone["counted"]) == (
        None, None, None, "absent",
    )  # fmt: skip
    (cache,) = shown["caches"]
    assert {it["kind"]: it["freed_bytes"] for it in cache["parts"]} == {
        "tarballs": 50 * MIB,
        "packages": 30 * MIB,
        "index": 7 * MIB,
        "temp": 0,
        "logs": 0,
        "rest": 0,
    }
    assert (cache["users_seen"], cache["users_unseen"]) == (True, [])
    tool = {it["kind"]: it for it in shown["tool_caches"]}
    assert (tool["pip"]["bytes"], tool["pip"]["idle_days"]) == (40 * MIB, 100)
    assert "pip cache purge" in tool["pip"]["clean_with"]
    assert [tool["torch"][key] for key in ("bytes", "freed_bytes", "files", "bound")] == [None] * 4
    first, *_ = shown["suggestions"]
    assert (first["kind"], first["bytes"], first["cost"], first["removable"]) == ("pip", 40 * MIB, "download", True)
    old = next(it for it in shown["suggestions"] if it["name"] == "old")
    assert (old["kind"], old["path"], old["reasons"]) == ("environment", f"{ROOT}/envs/old", ["not used for 212 days"])
    (plan,) = shown["plans"]
    assert (plan["freed_bytes"], plan["bound"]) == (207 * MIB, "exact")
    assert plan["mounts"] == [{"path": "/", "freed_bytes": 167 * MIB, "freed_files": 5 + 40 + 2 + 6 + 10}]
    assert {(it["kind"], it["path"]) for it in plan["items"]} >= {("tarballs", PKGS), ("packages", PKGS)}


def test_unused_packages_are_null_where_users_are_unseen_and_the_reason_is_said(run: Run) -> None:
    blind = replace(COUNT, table=TABLE.with_users_unseen(), users=(CacheUsers(PKGS, (Unseen.OTHER_ACCOUNTS,)),))
    backend = fleet({"gpu01": host(count=blind)})
    (cache,) = run(backend, "disk", "--json").json["caches"]
    packages = next(it for it in cache["parts"] if it["kind"] == "packages")
    assert (packages["freed_bytes"], packages["freed_files"], packages["bound"]) == (None, None, None)
    assert (cache["users_seen"], cache["users_unseen"]) == (False, ["other_accounts"])
    out = run(backend, "disk").out
    assert f"{PKGS}: its packages count as used: other accounts can read it" in out


def test_people_see_what_holds_what_and_what_could_go(run: Run) -> None:
    out = run(two(), "disk").out
    assert out.startswith("gpu01: 1,234 entries counted ")
    assert "\ngpu02: 1,234 entries counted " in out
    assert "/ (ext4): 900 MiB free of 3.91 GiB (77% full), inodes 60% used; ours hold 925 MiB" in out
    bars = {line.split("  ")[2].strip(): line.count("█") for line in out.splitlines() if "█" in line}
    assert bars["other tools' caches"] == 30
    assert 0 < bars["packages nothing uses"] < bars["environments alone"] < 30
    words = [line.split() for line in out.splitlines()]
    assert ["old", "180", "MiB", "60.0", "MiB", "120", "MiB"] in [line[:7] for line in words]
    assert ["gone", "?", "?", "?", "?"] in [line[:5] for line in words]
    assert "A sensible plan, 5 of these, gives back 207 MiB together." in out
    assert "not used for 212 days" in out


def test_two_environments_of_one_name_are_told_apart_by_their_places(run: Run) -> None:
    twins = tuple(replace(env, name="same") if env.name in ("old", "busy") else env for env in ENVIRONMENTS)
    out = run(fleet({"gpu01": replace(host(), parts={**host().parts, "environments": twins})}), "disk").out
    assert f"  {ROOT}/envs/old " in out and f"  {ROOT}/envs/busy " in out
    assert "  base " in out


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_every_line_fits_the_terminal(width: int) -> None:
    from tui.cli.diskjson import HostAnswer
    from tui.cli.disktext import disk_lines
    from tui.domain.diskreport import host_disk
    from tui.domain.suggestions import sensible_plan, suggestions

    disk = host_disk(SNAPSHOT, COUNT)
    found = suggestions(disk, NOW)
    lines = disk_lines([HostAnswer(disk, found, sensible_plan(disk, found))], NOW, width)
    assert max(map(len, lines)) <= width
    assert any("█" in line for line in lines)


def test_markdown_is_a_ticket(run: Run) -> None:
    out = run(fleet({"gpu01": host()}), "disk", "--markdown").out
    assert out.startswith("## gpu01: 1,234 entries counted")
    assert "| old | 180 MiB | 60.0 MiB | 120 MiB |" in out
    assert "|---|---:|---:|" in out
    assert run(fleet({"gpu01": host()}), "disk", "--markdown", "--json").code == 2


def test_a_selector_of_an_environment_narrows_what_is_shown(run: Run) -> None:
    shown = run(two(), "disk", "gpu01:old", "--json").json
    assert [it["name"] for it in shown["environments"]] == ["old"]
    assert (shown["caches"], shown["tool_caches"], shown["plans"]) == ([], [], [])
    assert [it["name"] for it in shown["suggestions"]] == ["old"]
    assert [it["name"] for it in shown["hosts"]] == ["gpu01"]
    done = run(two(), "disk", "*:no-such", "--json")
    assert done.code == 4
    assert done.json["environments"] == []
    out = run(two(), "disk", "gpu01:old").out
    assert "Environments" in out
    assert "PACKAGE CACHE" not in out


def test_hosts_that_fail_do_not_keep_the_others_from_their_answer(run: Run) -> None:
    down, bare = Answer(fault=REFUSED), host("gpu03", MISSING)
    done = run(fleet({"gpu01": host(), "gpu02": down, "gpu03": bare}), "disk", "--json")
    assert done.code == 1
    hosts = {it["name"]: it for it in done.json["hosts"]}
    assert hosts["gpu02"]["fault"]["kind"] == "refused"
    assert [(it["part"], it["kind"]) for it in hosts["gpu03"]["part_faults"]] == [("disk", "tool_missing")]
    assert {it["host"] for it in done.json["mounts"]} == {"gpu01"}
    # Without the tools there are no sizes: the one thing that was asked for.
    assert run(fleet({"gpu03": bare}), "disk").code == 1


def test_other_caches_that_cannot_be_counted_say_why(run: Run) -> None:
    late = replace(COUNT, caches=None, caches_fault=Fault(FaultKind.TIMEOUT, "too slow", ""))
    done = run(fleet({"gpu01": host(count=late)}), "disk", "--json")
    assert done.code == 1
    assert [(it["part"], it["kind"]) for it in done.json["hosts"][0]["part_faults"]] == [("caches", "timeout")]
    assert done.json["counts"][0]["tool_caches_cut"] is None
    missing = replace(COUNT, caches=None, caches_fault=MISSING)
    assert run(fleet({"gpu01": host(count=missing)}), "disk", "--json").code == 0


def test_an_environment_seen_from_several_hosts_says_so(run: Run) -> None:
    shared = fleet({"gpu01": host(fs_id="nas:/e"), "gpu02": host("gpu02", fs_id="nas:/e")})
    shown = run(shared, "disk", "--json").json
    assert {tuple(sorted(set(it["seen_from"]))) for it in shown["environments"]} == {("gpu01", "gpu02")}
    assert shown["totals"] == {"environments": 1, "held_bytes": 2 * 925 * MIB}
    export = tuple(replace(mount, export_id="nas:/x", network=True) for mount in SNAPSHOT.mounts.value or ())
    hosts = {name: host(name) for name in ("gpu01", "gpu02")}
    seen = {name: replace(each, parts={**each.parts, "mounts": export}) for name, each in hosts.items()}
    assert run(fleet(seen), "disk", "--json").json["totals"] == {"environments": 8, "held_bytes": 925 * MIB}
    assert "2 hosts: 8 environments; ours hold 925 MiB." in run(fleet(seen), "disk").out
    alone = run(fleet({"gpu01": host()}), "disk", "--json").json
    assert {tuple(it["seen_from"]) for it in alone["environments"]} == {("gpu01",)}


def test_lines_tell_how_far_it_is_and_each_host_as_it_is_done(run: Run) -> None:
    done = run(two(), "disk", "--json-lines")
    lines = done.json_lines
    progress = [it for it in lines if it["event"] == "progress"]
    assert {it["host"] for it in progress} == {"gpu01", "gpu02"}
    assert all(it["entries"] == 500 and it["entries_per_s"] > 0 for it in progress)
    assert all("expected" in it for it in progress)
    disks = {it["host"]: it for it in lines if it["event"] == "disk"}
    assert disks["gpu02"]["mounts"][0]["held_bytes"] == 925 * MIB
    assert disks["gpu01"]["caches"][0]["path"] == PKGS
    assert (lines[-1]["event"], lines[-1]["exit_code"]) == ("done", 0)


def test_nothing_of_a_host_reaches_the_terminal_as_it_is(run: Run) -> None:
    hostile = Environment(
        "gpu01", f"/e/{HOSTILE}", HOSTILE, ENVIRONMENTS[1].kind, None, ENVIRONMENTS[1].manager, owner=HOSTILE
    )
    items = (replace((COUNT.caches or Caches(())).items[0], path=f"/c/{HOSTILE}", owner=HOSTILE),)
    answer = replace(host(count=replace(COUNT, caches=Caches(items))))
    answer = replace(answer, parts={**answer.parts, "environments": (hostile,)})
    for options in ([], ["--markdown"]):
        out = run(fleet({"gpu01": answer}), "disk", *options).out
        assert "\x1b" not in out and "\x07" not in out
    shown = run(fleet({"gpu01": answer}), "disk", "--json").json
    assert shown["environments"][0]["name"] == HOSTILE_SHOWN
    assert shown["tool_caches"][0]["path"] == f"/c/{HOSTILE_SHOWN}"


def test_ctrl_c_ends_the_counting_and_keeps_what_is_known(run: Run) -> None:
    backend = fleet({"gpu01": host(), "gpu02": host("gpu02", None)})

    def press() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            time.sleep(0.05)
            if backend.fleets and backend.fleets[0].store.host("gpu01").disk is not None:
                os.kill(os.getpid(), signal.SIGINT)
                return

    presser = threading.Thread(target=press)
    presser.start()
    done = run(backend, "disk", "--json")
    presser.join()
    assert done.code == 130
    assert "1 of 2 hosts were not counted yet" in done.json["error"]["message"]
    assert {it["host"] for it in done.json["mounts"]} == {"gpu01"}


def test_ctrl_c_before_the_counting_begins_is_no_defect(run: Run) -> None:
    backend = fleet({"gpu01": host(), "gpu02": Answer(silent=True)})
    backend.settings = replace(backend.settings, limits=replace(backend.settings.limits, connect=60.0))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    done = run(backend, "disk", "--json")
    timer.join()
    assert done.code == 130
    assert done.json["error"]["kind"] == "interrupted"
    assert [each["name"] for each in done.json["hosts"]] == ["gpu01", "gpu02"]


def test_a_host_without_conda_is_an_answer(run: Run) -> None:
    bare = Answer({"machine": None, "mounts": SNAPSHOT.mounts.value, "installs": (), "environments": ()},
                  disk=DiskCount(replace(TABLE, owners=(), rows=(), devices=()), NOW - DAY))  # fmt: skip
    done = run(fleet({"gpu01": bare}), "disk")
    assert "No conda was found there." in done.out
    assert run(fleet({}), "disk").code == 0
