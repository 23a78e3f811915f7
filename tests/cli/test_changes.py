"""The changing commands from arguments to output and exit code: look, ask, start, follow."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fakechanges import FakeDesk, FakeTasks
from tests.cli.fakes import MACHINE, REFUSED, Answer, FakeBackend, Run, environment, fleet
from tui.cli import change as change_module
from tui.domain.changes import ChangeKind, Concern, ConcernKind
from tui.domain.environments import DiskSize, EnvKind, Install, Manager
from tui.domain.errors import StorageError
from tui.domain.faults import Fault, FaultKind

ROOT = Install("/opt/conda", Manager.CONDA, "26.7.1", writable=True, envs_dirs=("/opt/conda/envs",))
IN_USE = Concern.of(ConcernKind.IN_USE, "process 4242 of ada uses it", ["python train.py"])
PROTECTED = Concern.of(ConcernKind.PROTECTED, "the configuration protects it")


def answer(host: str, *names: str, **more: Any) -> Answer:
    environments = tuple(environment(host, name) for name in names)
    parts = {"machine": MACHINE, "mounts": (), "gpus": (), "installs": (ROOT,), "environments": environments}
    return Answer({**parts, **more})


def two_hosts(**desk: Any) -> tuple[FakeBackend, FakeDesk]:
    made = FakeDesk(FakeTasks(**desk.pop("tasks", {})), **desk)
    backend = fleet({"gpu01": answer("gpu01", "x", "busy"), "gpu02": answer("gpu02", "x")}, desk=made)
    return backend, made


def test_without_a_terminal_and_without_yes_nothing_is_even_looked_at(run: Run) -> None:
    backend, desk = two_hosts()
    done = run(backend, "remove", "gpu01:x", "--json")
    assert done.code == 2
    assert done.json["error"]["kind"] == "usage"
    assert "--yes" in done.json["error"]["remedy"]
    assert not desk.looked
    assert not backend.fleets


def test_a_removal_is_a_task_that_is_followed_to_its_end(run: Run) -> None:
    backend, desk = two_hosts()
    done = run(backend, "remove", "gpu01:x", "--yes", "--keep", "7d", "--json")
    assert done.code == 0, done.err
    (task,) = done.json["tasks"]
    assert (task["kind"], task["state"], task["exit_code"]) == ("remove", "succeeded", 0)
    assert task["target"] == "/opt/conda/envs/x"
    (wanted,) = desk.started
    assert wanted.keep_s == 7 * 86400
    assert wanted.install == "/opt/conda"
    assert done.json["changes"][0]["task"] == task["id"]


def test_a_pattern_takes_all_that_fit_and_a_name_one_on_each_host(run: Run) -> None:
    backend, desk = two_hosts()
    assert run(backend, "remove", "gpu*:x", "--yes").code == 0
    assert sorted(each.host for each in desk.started) == ["gpu01", "gpu02"]
    backend, desk = two_hosts()
    assert run(backend, "remove", "gpu01:*", "--yes").code == 0
    assert len(desk.started) == 2


def test_a_whole_host_is_no_environment(run: Run) -> None:
    backend, desk = two_hosts()
    assert run(backend, "remove", "gpu01", "--yes").code == 2
    assert not desk.looked


def test_a_name_in_two_installs_is_ambiguous(run: Run) -> None:
    twice = (environment("gpu01", "x"), environment("gpu01", "x", prefix="/data/envs/x"))
    desk = FakeDesk(FakeTasks())
    done = run(fleet({"gpu01": answer("gpu01", environments=twice)}, desk=desk), "remove", "gpu01:x", "--yes")
    assert done.code == 2
    assert "/data/envs/x" in done.err
    assert not desk.looked


def test_what_is_guarded_is_refused_beside_what_is_done(run: Run) -> None:
    backend, desk = two_hosts(concerns={"/opt/conda/envs/busy": (IN_USE,)})
    done = run(backend, "remove", "gpu01:x", "gpu01:busy", "--yes", "--json")
    assert done.code == 3
    assert [each.prefix for each in desk.started] == ["/opt/conda/envs/x"]
    assert done.json["error"]["kind"] == "refused"
    assert "process 4242" in done.json["error"]["message"]
    assert "--confirm gpu01:busy" in done.json["error"]["remedy"]
    refused = [each for each in done.json["changes"] if each["refused"]]
    assert [each["concerns"][0]["kind"] for each in refused] == ["in_use"]


def test_its_name_confirms_what_is_guarded_but_not_what_is_forbidden(run: Run) -> None:
    backend, desk = two_hosts(concerns={"/opt/conda/envs/busy": (IN_USE,)})
    assert run(backend, "remove", "gpu01:busy", "--yes", "--confirm", "busy").code == 0
    assert desk.started[0].accepted == {ConcernKind.IN_USE}
    backend, desk = two_hosts(concerns={"/opt/conda/envs/busy": (IN_USE, PROTECTED)})
    assert run(backend, "remove", "gpu01:busy", "--yes", "--confirm", "busy").code == 3
    assert not desk.started


def test_a_dry_run_starts_nothing_and_ends_as_the_checks_would(run: Run) -> None:
    backend, desk = two_hosts(concerns={"/opt/conda/envs/busy": (IN_USE,)})
    done = run(backend, "remove", "gpu01:x", "--dry-run", "--json")
    assert done.code == 0
    assert done.json["tasks"] == []
    assert done.json["changes"][0]["argv"][-1] == "/opt/conda/envs/x"
    assert run(backend, "remove", "gpu01:*", "--dry-run").code == 3
    assert not desk.started


def test_what_fits_nothing_ends_with_four_unless_a_host_is_silent(run: Run) -> None:
    backend, desk = two_hosts()
    assert run(backend, "remove", "gpu01:nothing-like-it", "--yes").code == 4
    backend = fleet({"gpu01": answer("gpu01"), "gpu02": Answer(fault=REFUSED)}, desk=desk)
    assert run(backend, "remove", "gpu*:y", "--yes").code == 1


def test_where_no_host_answered_nothing_is_told_of_what_is_there(run: Run) -> None:
    backend = fleet({"gpu01": Answer(fault=REFUSED)}, desk=FakeDesk(FakeTasks()))
    done = run(backend, "remove", "gpu01:x", "--yes")
    assert done.code == 1
    assert "No host answered" in done.err and "on the hosts that answered" not in done.err


def test_a_host_where_the_install_is_not_clear_is_told_and_the_others_go_on(run: Run) -> None:
    other = replace(ROOT, root="/data/conda", envs_dirs=("/data/conda/envs",))
    desk = FakeDesk(FakeTasks())
    backend = fleet({"gpu01": answer("gpu01"), "gpu02": answer("gpu02", installs=(ROOT, other))}, desk=desk)
    done = run(backend, "create", "gpu*:new", "zlib", "--yes", "--json")
    assert done.code == 1
    assert [each.host for each in desk.started] == ["gpu01"]
    assert "gpu02:new: gpu02 has 2 installs" in done.json["error"]["message"]
    assert "--install" in done.json["error"]["remedy"]
    (failed,) = [each for each in done.json["changes"] if each["error"]]
    assert (failed["host"], failed["prefix"], failed["error"]["kind"]) == ("gpu02", None, "usage")
    assert "gpu02 has 2 installs" in run(backend, "create", "gpu*:new", "zlib", "--yes").err
    # A dry run ends as the run would; where there is none that could, the words were wrong.
    assert run(backend, "create", "gpu*:new", "zlib", "--dry-run").code == 1
    desk.started.clear()
    assert run(backend, "create", "gpu02:new", "zlib", "--yes").code == 2
    assert not desk.started


def test_a_size_is_shown_with_its_age(run: Run) -> None:
    def frees(**more: Any) -> str:
        backend, _ = two_hosts(more=more)
        done = run(backend, "remove", "gpu01:x", "--dry-run")
        return next(line for line in done.out.splitlines() if "frees" in line)

    old = DiskSize(20480, 8192, 12288, 5, 1.0 - 3 * 86400)
    assert frees(size=old) == "  frees    8.00 KiB of 20.0 KiB (as counted 3 d ago)"
    late = frees(size=old, uncounted="not counted in time")
    assert late == "  frees    8.00 KiB of 20.0 KiB (as counted 3 d ago; not counted in time)"
    assert frees(size=replace(old, time=1.0)).endswith("(counted now)")
    assert frees(uncounted="not counted in time") == "  frees    not counted in time; `condafleet disk` counts it"


def test_a_failed_task_is_told_with_its_host(run: Run) -> None:
    backend, _ = two_hosts(tasks={"exit_codes": {"/opt/conda/envs/busy": 7}})
    done = run(backend, "remove", "gpu01:*", "--yes", "--json")
    assert done.code == 1
    assert "gpu01:busy: failed (exit code 7)" in done.json["error"]["message"]
    assert {task["state"] for task in done.json["tasks"]} == {"succeeded", "failed"}


def test_what_could_not_be_archived_is_not_removed(run: Run) -> None:
    full = StorageError("The archive can't be written: no space left on device.", "Nothing was changed on gpu01.")
    backend, desk = two_hosts(unstarted={"/opt/conda/envs/x": full})
    done = run(backend, "remove", "gpu01:x", "--yes", "--json")
    assert done.code == 1
    assert "no space left" in done.json["error"]["message"]
    assert not desk.started


def test_detached_it_returns_at_once_and_says_how_to_come_back(run: Run) -> None:
    backend, desk = two_hosts(tasks={"endless": True})
    done = run(backend, "remove", "gpu01:x", "--yes", "--detach")
    assert done.code == 0
    assert len(desk.started) == 1
    assert "condafleet tasks follow 20261121-120000-00000001" in done.err


def test_ctrl_c_leaves_the_task_alone_and_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, desk = two_hosts(tasks={"endless": True})
    begun = change_module._follow

    async def follow(*args: Any) -> None:
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        await begun(*args)

    monkeypatch.setattr(change_module, "_follow", follow)
    done = run(backend, "remove", "gpu01:x", "--yes", "--json")
    assert done.code == 130
    assert "1 of 1 tasks go on" in done.json["error"]["message"]
    assert "tasks follow 20261121" in done.json["error"]["remedy"]
    assert len(desk.started) == 1


def test_readonly_changes_nothing_but_looks(run: Run) -> None:
    backend, desk = two_hosts()
    assert run(backend, "--readonly", "remove", "gpu01:x", "--yes").code == 3
    assert not desk.looked
    assert run(backend, "--readonly", "remove", "gpu01:x", "--dry-run").code == 0


def test_a_new_environment_goes_to_every_host_that_is_covered(run: Run) -> None:
    backend, desk = two_hosts()
    done = run(backend, "create", "@a100:new", "python=3.11", "numpy>=2", "-c", "conda-forge", "--yes", "--json")
    assert done.code == 0, done.err
    assert [(each.host, each.prefix) for each in desk.started] == [
        ("gpu01", "/opt/conda/envs/new"),
        ("gpu02", "/opt/conda/envs/new"),
    ]
    assert desk.started[0].kind is ChangeKind.CREATE
    assert desk.started[0].specs == ("python=3.11", "numpy>=2")
    assert desk.started[0].channels == ("conda-forge",)


def test_something_must_say_what_is_in_a_new_one(run: Run) -> None:
    backend, desk = two_hosts()
    assert run(backend, "create", "gpu01:new", "--yes").code == 2
    assert not desk.looked


def test_packages_rename_and_recreate_name_their_environment(run: Run) -> None:
    backend, desk = two_hosts()
    for argv, kind in (
        (["install", "gpu01:x", "scipy"], ChangeKind.INSTALL),
        (["update", "gpu01:x", "scipy"], ChangeKind.UPDATE),
        (["uninstall", "gpu01:x", "scipy"], ChangeKind.UNINSTALL),
        (["recreate", "gpu01:x"], ChangeKind.RECREATE),
        (["rename", "gpu01:x", "y"], ChangeKind.RENAME),
        (["clone", "gpu01:x", "gpu02:z"], ChangeKind.CLONE),
    ):
        assert run(backend, *argv, "--yes").code == 0
        assert desk.started[-1].kind is kind
    assert desk.started[-2].new_prefix == "/opt/conda/envs/y"
    clone = desk.started[-1]
    assert (clone.host, clone.prefix, clone.source and clone.source.host) == ("gpu02", "/opt/conda/envs/z", "gpu01")


def test_base_is_named_by_its_place_where_there_are_several(run: Run) -> None:
    bases = tuple(
        environment("gpu01", "base", prefix=prefix, kind=EnvKind.BASE) for prefix in ("/opt/conda", "/home/ada/m")
    )
    backend = fleet({"gpu01": answer("gpu01", environments=bases)}, desk=FakeDesk(FakeTasks()))
    assert run(backend, "remove", "gpu01:base", "--yes").code == 2


def test_a_driver_that_hangs_neither_hides_a_typing_error_nor_fails_what_is_done(run: Run) -> None:
    hung = Fault(FaultKind.TOOL_HUNG, "nvidia-smi hangs", "Look at dmesg.")
    made = FakeDesk(FakeTasks())
    there = replace(answer("lab", "x"), faults={"gpus": hung, "mounts": hung})
    assert run(fleet({"lab": there}, desk=made), "remove", "lab:nope", "--yes").code == 4
    assert run(fleet({"lab": there}, desk=made), "install", "lab:x", "scipy", "--yes").code == 0


def test_wrong_words_are_found_before_any_host_is_asked(run: Run, tmp_path: Path) -> None:
    backend, _ = two_hosts()
    assert run(backend, "create", "gpu01:new", "no such pkg;id", "--yes").code == 2
    done = run(backend, "create", "gpu01:new", "-f", str(tmp_path / "nowhere.yml"), "--yes", "--json")
    assert done.code == 2
    assert "-f" in done.json["error"]["remedy"]
    assert not backend.fleets


def test_the_result_of_a_dry_run_is_on_standard_output(run: Run) -> None:
    backend, _ = two_hosts()
    done = run(backend, "remove", "gpu01:x", "--dry-run")
    assert "remove gpu01:x" in done.out
    assert "remove gpu01:x" not in done.err


def test_what_is_confirmed_and_was_not_chosen_is_told(run: Run) -> None:
    backend, _ = two_hosts()
    done = run(backend, "remove", "gpu01:x", "--yes", "--confirm", "vision")
    assert done.code == 0
    assert "--confirm vision: nothing that was chosen is called so" in done.err


def test_what_fits_nothing_where_it_could_be_seen_is_said(run: Run) -> None:
    backend = fleet({"gpu01": answer("gpu01", "x"), "gpu02": Answer(fault=REFUSED)}, desk=FakeDesk(FakeTasks()))
    done = run(backend, "remove", "gpu*:zzz", "--yes")
    assert done.code == 1
    assert "nothing was done" in done.err
