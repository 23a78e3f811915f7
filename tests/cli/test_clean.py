"""``clean`` and ``plan`` from arguments to exit code, over real trees and the real programs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fakes import REFUSED, Answer, FakeBackend, FakeFleet, Run, fleet
from tests.remote.taskhost import TaskHost
from tests.services.planfleet import PlanHost, RealClock
from tui.cli import planning, ticket
from tui.cli.interrupted import interrupted
from tui.domain.changes import Concern, ConcernKind
from tui.domain.planitems import Item, ItemKind
from tui.domain.settings import Settings
from tui.domain.tasks import Task, TaskState
from tui.ports import Prompter
from tui.services.plans import PlanDesk
from tui.services.store import DiskCount
from tui.terminal.prompts import TtyPrompter


class TreeFleet(FakeFleet):
    """gpu01 has a real tree; what else there is does not answer."""

    tree: PlanHost

    def on(self, tree: PlanHost) -> TreeFleet:
        self.tree = tree
        tree.store = self.store
        tree.take_inventory()
        snapshot = self.store.host("gpu01").snapshot
        parts = {name: part.value for name, part in snapshot.parts().items() if part.value is not None}
        self._answers = {**self._answers, "gpu01": Answer(parts)}
        return self

    @property
    def changes(self) -> Any:
        return self.tree

    @property
    def tasks(self) -> Any:
        return self.tree

    @property
    def plans(self) -> PlanDesk:
        return PlanDesk(self, RealClock(), "ada@laptop")

    async def disk(self, host: str, progress: Callable[[int], None] | None = None, *, fresh: bool = True) -> DiskCount:
        return await self.tree.disk(host, progress)

    async def put_question(self, host: str, kind: str, question: Any, *, keep: bool = False) -> Any:
        return await self.tree.put_question(host, kind, question, keep=keep)

    async def close(self) -> None:
        await self.tree.host.close()
        await super().close()


class TreeBackend(FakeBackend):
    """Backend of a :class:`TreeFleet`."""

    base: Path
    users_seen = True
    against: dict[str, tuple[Concern, ...]]

    def build(self, settings: Settings, prompter: Prompter) -> FakeFleet:
        root = self.base / "conda"
        host = TaskHost(self.base / "home")
        tree = PlanHost(host, [root], [root / "pkgs"], [root / "envs" / "one"], users_seen=self.users_seen)
        tree.against = self.against
        made = TreeFleet(settings, self.answers, prompter).on(tree)
        self.fleets.append(made)
        return made


@pytest.fixture
def backend(tmp_path: Path) -> TreeBackend:
    base = tmp_path / "conda"
    for name in ("used-1-0", "spare-1-0"):
        for folder in ("info", "lib"):
            (base / "pkgs" / name / folder).mkdir(parents=True)
            (base / "pkgs" / name / folder / "file").write_bytes(b"x" * 9000)
        (base / "pkgs" / name / "info" / "index.json").write_text("{}")
        (base / "pkgs" / f"{name}.conda").write_bytes(b"x" * 5000)
    (base / "pkgs" / "urls.txt").touch()
    (base / "envs" / "one" / "conda-meta").mkdir(parents=True)
    (base / "envs" / "one" / "conda-meta" / "history").touch()
    (base / "envs" / "one" / "file").hardlink_to(base / "pkgs" / "used-1-0" / "lib" / "file")
    (tmp_path / "home").mkdir()
    made = fleet({"gpu01": Answer(), "gpu02": Answer(fault=REFUSED)})
    made = TreeBackend(made.settings, made.answers)
    made.base, made.against = tmp_path, {}
    return made


def tarballs(backend: TreeBackend) -> list[str]:
    return sorted(path.name for path in (backend.base / "conda" / "pkgs").glob("*.conda"))


def test_cleaning_says_what_came_free_by_the_file_system(run: Run, backend: TreeBackend, tmp_path: Path) -> None:
    done = run(backend, "clean", "gpu01", "--yes", "--json", "--markdown", str(tmp_path / "report.md"))
    assert done.code == 0, done.err
    (plan,) = done.json["plans"]
    assert (plan["host"], plan["freed_bytes"], plan["bound"]) == ("gpu01", 2 * 8192, plan["bound"])
    assert [(item["kind"], item["state"], item["removed_files"]) for item in plan["items"]] == [
        ("tarballs", "removed", 2)
    ]
    assert isinstance(plan["actual_bytes"], int)
    assert tarballs(backend) == []
    assert (backend.base / "conda" / "pkgs" / "spare-1-0").is_dir()
    assert "| tarballs |" in (tmp_path / "report.md").read_text()


def test_a_dry_run_and_a_run_without_a_person_change_nothing(run: Run, backend: TreeBackend) -> None:
    done = run(backend, "clean", "gpu01", "--dry-run")
    assert done.code == 0
    assert "would free 16.0 KiB" in done.out
    assert "downloaded again" in done.err
    assert run(backend, "clean", "gpu01").code == 2
    assert run(backend, "clean", "gpu01", "--yes", "--readonly").code == 3
    assert len(tarballs(backend)) == 2


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 0), ("n", 3, 2), (None, 3, 2)])
def test_a_person_is_asked(
    run: Run, backend: TreeBackend, monkeypatch: pytest.MonkeyPatch, answer: str | None, code: int, left: int
) -> None:
    asked: list[str] = []

    async def line(self: object, text: str) -> str | None:
        asked.append(text)
        return answer

    monkeypatch.setattr(planning, "can_ask", lambda: True)
    monkeypatch.setattr(TtyPrompter, "line", line)
    assert run(backend, "clean", "gpu01").code == code
    assert asked == ["Remove this for good? [y/N] "]
    assert len(tarballs(backend)) == left


def test_exit_codes_are_those_of_the_contract(run: Run, backend: TreeBackend) -> None:
    assert run(backend, "clean", "gpu01", "--what", "pip,logs", "--yes").code == 4
    assert run(backend, "clean", "gpu01:one", "--yes").code == 2
    assert run(backend, "clean", "gpu01", "--what", "everything", "--yes").code == 2
    assert run(backend, "clean", "gpu01:/no/such/cache", "--yes").code == 4
    assert run(backend, "clean", "gpu03", "--yes").code == 2
    assert len(tarballs(backend)) == 2
    done = run(backend, "clean", "gpu*", "--yes", "--json")
    assert done.code == 1
    assert [host["state"] for host in done.json["hosts"]] == ["up", "waiting"]
    assert tarballs(backend) == []


def test_refused_is_3_in_a_dry_run_too_and_the_rest_is_done(run: Run, backend: TreeBackend) -> None:
    backend.users_seen = False
    for more in (["--dry-run"], ["--yes"]):
        done = run(backend, "clean", "gpu*", "--what", "tarballs,packages", "--json", *more)
        assert done.code == 3
        states = {item["kind"]: item["state"] for item in done.json["plans"][0]["items"]}
        assert states["packages"] == "refused"
    assert states["tarballs"] == "removed"
    assert (backend.base / "conda" / "pkgs" / "spare-1-0").is_dir()


def test_a_path_means_one_cache_or_all_of_an_install(run: Run, backend: TreeBackend) -> None:
    root = backend.base / "conda"
    assert run(backend, "clean", f"gpu01:{root}", "--what", "packages", "--yes").code == 0
    assert not (root / "pkgs" / "spare-1-0").exists()
    assert run(backend, "clean", f"gpu01:{root}/pkgs", "--yes").code == 0
    assert tarballs(backend) == []
    assert (root / "pkgs" / "used-1-0").is_dir()


def test_a_plan_is_made_read_and_run(run: Run, backend: TreeBackend, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    root = backend.base / "conda"
    what = ["--what", "tarballs,packages"]
    made = run(backend, "plan", "new", str(file), f"gpu01:{root}/envs/one", "gpu01", *what, "--json")
    assert made.code == 0, made.err
    assert {item["kind"] for item in made.json["plans"][0]["items"]} == {"environment", "tarballs", "packages"}
    assert run(backend, "plan", "new", str(file), "gpu01").code == 1
    shown = run(backend, "plan", "show", str(file), "--json")
    assert shown.code == 0
    assert shown.json["plans"][0]["freed_bytes"] is None
    assert len(shown.json["plans"][0]["items"]) == 3
    assert run(backend, "plan", "run", str(file)).code == 2
    (root / "envs" / "one" / "results").write_bytes(b"x" * 9000)
    for more in (["--dry-run"], ["--yes"]):
        done = run(backend, "plan", "run", str(file), "--json", *more)
        assert done.code == 3
        states = {item["kind"]: item["state"] for item in done.json["plans"][0]["items"]}
        assert states["environment"] == "changed"
    assert (root / "envs" / "one" / "results").exists()
    assert tarballs(backend) == []


def test_a_plan_says_which_hosts_it_knows_nothing_of(run: Run, backend: TreeBackend, tmp_path: Path) -> None:
    file, ticket = tmp_path / "plan.yaml", tmp_path / "ticket.md"
    what = ["--what", "tarballs"]
    made = run(backend, "plan", "new", str(file), *what)
    assert made.code == 1  # gpu02 is down
    assert "not looked at when this was made, and in none of the sums: 1 host" in made.out
    assert "refused the connection" in file.read_text()
    shown = run(backend, "plan", "show", str(file), "--markdown", str(ticket))
    assert "in none of the sums: 1 host" in shown.out and "gpu02: 192.0.2.2 port 22 refused" in shown.out
    assert "none of the sums: 1 host." in ticket.read_text()
    missed = [{"host": "gpu02", "kind": "refused", "message": "gpu02: 192.0.2.2 port 22 refused the connection"}]
    assert run(backend, "plan", "show", str(file), "--json").json["plan"]["missed"] == missed
    done = run(backend, "plan", "run", str(file), "--yes", "--json", "--markdown", str(ticket))
    assert done.code == 0, done.err
    assert done.json["plan"]["missed"] == missed
    assert tarballs(backend) == []
    assert "none of the sums: 1 host." in ticket.read_text()
    assert (
        run(backend, "plan", "new", str(tmp_path / "one.json"), "gpu01", "--what", "packages", "--json").json["plan"][
            "missed"
        ]
        == []
    )


def test_what_is_cleaned_says_which_hosts_it_knows_nothing_of(run: Run, backend: TreeBackend) -> None:
    done = run(backend, "clean", "*", "--dry-run")
    assert done.code == 1
    assert "in none of the sums: 1 host" in done.out


def test_a_host_that_is_down_when_its_plan_is_run_is_a_failure(run: Run, backend: TreeBackend, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert run(backend, "plan", "new", str(file), "gpu01", "--what", "tarballs").code == 0
    said = json.loads(file.read_text())
    said["hosts"]["gpu02"] = said["hosts"]["gpu01"]
    file.write_text(json.dumps(said))
    done = run(backend, "plan", "run", str(file), "--yes", "--json")
    assert done.code == 1
    assert {plan["host"]: plan["error"] for plan in done.json["plans"]} == {
        "gpu01": None, "gpu02": "gpu02: 192.0.2.2 port 22 refused the connection"
    }  # fmt: skip
    assert tarballs(backend) == []


def test_a_guarded_environment_goes_once_its_name_is_given(run: Run, backend: TreeBackend, tmp_path: Path) -> None:
    file, prefix = tmp_path / "plan.yaml", str(backend.base / "conda" / "envs" / "one")
    backend.against = {prefix: (Concern.of(ConcernKind.UNOWNED, "2 files belong to no package."),)}
    assert run(backend, "plan", "new", str(file), "gpu01:one").code == 0
    refused = run(backend, "plan", "run", str(file), "--yes")
    assert refused.code == 3
    assert "--confirm gpu01:one" in refused.err
    assert Path(prefix).exists()
    assert run(backend, "plan", "run", str(file), "--yes", "--confirm", "gpu01:one").code == 0
    assert not Path(prefix).exists()


def test_files_that_are_no_plan_are_told(run: Run, backend: TreeBackend, tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text("condafleet-plan: 1\nhosts: {gpu09: {items: [{kind: pip, path: /x}]}}\n")
    assert run(backend, "plan", "run", str(file), "--yes").code == 2
    file.write_text("condafleet-plan: 1\nhosts: 3\n")
    done = run(backend, "plan", "run", str(file), "--yes", "--json")
    assert done.code == 2
    assert json.dumps(done.json["error"]).count("plan.yaml:2: hosts")
    assert run(backend, "plan", "show", str(tmp_path / "none")).code == 1


def test_with_detach_it_returns_once_the_task_runs(run: Run, backend: TreeBackend) -> None:
    done = run(backend, "clean", "gpu01", "--yes", "--detach", "--json")
    assert done.code == 0
    (item,) = done.json["plans"][0]["items"]
    assert item["task"]
    assert done.json["plans"][0]["actual_bytes"] is None


def test_a_report_that_cannot_be_written_is_told_before_anything_is_done(
    run: Run, backend: TreeBackend, tmp_path: Path
) -> None:
    file = tmp_path / "plan.yaml"
    (tmp_path / "folder").mkdir()
    for place in ("/nonexistent/r.md", str(tmp_path / "folder")):
        done = run(backend, "clean", "gpu01", "--yes", "--markdown", place)
        assert (done.code, len(tarballs(backend))) == (1, 2)
        assert "Nothing was done" in done.err
        assert run(backend, "plan", "new", str(file), "gpu01", "--markdown", place).code == 1
        assert not file.exists()
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_report_that_cannot_be_written_at_the_end_is_shown(
    run: Run, backend: TreeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ticket, "write_private", full)
    done = run(backend, "clean", "gpu01", "--yes", "--markdown", str(tmp_path / "r.md"), *form)
    assert (done.code, tarballs(backend)) == (1, [])
    assert "| tarballs |" in done.err and "| removed |" in done.err
    assert "No space left on device" in done.err
    if form:
        assert done.json["plans"][0]["items"][0]["state"] == "removed"
    else:
        assert "removed" in done.out


def test_an_interrupted_plan_names_what_goes_on_and_what_was_not_begun(
    run: Run, backend: TreeBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, root = tmp_path / "plan.yaml", backend.base / "conda"
    what = ["--what", "tarballs,packages"]
    assert run(backend, "plan", "new", str(file), "gpu01", f"gpu01:{root}/envs/one", *what).code == 0

    async def settled(self: PlanHost, host: str, task_id: str) -> Task:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(PlanHost, "settled", settled)
    done = run(backend, "plan", "run", str(file), "--yes", "--confirm", "gpu01:one", "--json")
    assert done.code == 130
    message = done.json["error"]["message"]
    lines = {line.split()[1]: line for line in message.splitlines() if "gpu01" in line}
    assert "goes on as task" in lines["environment"]
    assert lines["tarballs"].endswith("not begun") and lines["packages"].endswith("not begun")
    assert "tasks follow" in done.json["error"]["remedy"]
    assert len(tarballs(backend)) == 2


def test_what_was_sent_and_not_answered_is_said_to_be_unknown() -> None:
    cache, other = (Item(host, ItemKind.TARBALLS, "/opt/pkgs") for host in ("gpu01", "gpu02"))
    aside = Item("gpu01", ItemKind.ASIDE, "/opt/envs/.condafleet-trash/7")
    task = Task(
        "7",
        "gpu01",
        "purge",
        "/opt/envs/x",
        ("condafleet", "trash", "purge", "gpu01:7"),
        TaskState.SUCCEEDED,
        "ada",
        1.0,
    )
    lines, living = interrupted((cache, other, aside), (cache, aside), (task,))
    assert lines == [
        "  gpu01: tarballs /opt/pkgs: it cannot be told whether its task began: see `condafleet tasks list`",
        "  gpu01: aside /opt/envs/.condafleet-trash/7: succeeded as task 7",
        "  gpu02: tarballs /opt/pkgs: not begun",
    ]
    assert living == ()


def test_an_environment_that_was_used_since_stays_and_the_rest_goes(
    run: Run, backend: TreeBackend, tmp_path: Path
) -> None:
    file, root = tmp_path / "plan.yaml", backend.base / "conda"
    assert run(backend, "plan", "new", str(file), "gpu01", f"gpu01:{root}/envs/one", "--what", "tarballs").code == 0
    PlanHost.last_used = time.time() + 5
    try:
        done = run(backend, "plan", "run", str(file), "--yes", "--confirm", "gpu01:one", "--json")
    finally:
        PlanHost.last_used = None
    assert done.code == 3
    items = {item["kind"]: item for item in done.json["plans"][0]["items"]}
    assert (items["environment"]["state"], items["environment"]["differences"]) == ("changed", ["used"])
    assert (items["tarballs"]["state"], tarballs(backend)) == ("removed", [])
    assert (root / "envs" / "one" / "conda-meta" / "history").exists()
