"""One good host among hosts that fail in every way: it is listed just as fast, and each fault is named."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.condaroot import CondaRoot
from tests.e2e.condafleet_command import Answer, Command, give
from tests.fakes import BadServer, bad_server, refused_port
from tests.sshd import SshServer, SshUser

FROZEN = Path(__file__).resolve().parents[1] / "frozen_mount.py"
# Started by the probe, it ends the connection that the probe runs over.
KILLER = """#!/bin/sh
pid=$$
while [ "$pid" -gt 1 ]; do
  read -r _ name _ parent _ <"/proc/$pid/stat"
  case $name in *sshd*) kill -9 "$pid"; exit 1 ;; esac
  pid=$parent
done
exit 1
"""


@dataclass
class Fleet:
    """The answers, and what is where."""

    answer: Answer
    events: list[dict[str, Any]]
    probe: Answer
    good: SshUser
    frozen: Path
    old_key: str
    new_key: str
    known_hosts: Path
    old_line: int


class SilentServer:
    """A TCP server that takes connections and never says a word, in a thread of its own."""

    def __enter__(self) -> int:
        self._port: int = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        return self._port

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with bad_server(BadServer.SILENT) as self._port:
            self._ready.set()
            await self._stop.wait()

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


def tree(user: SshUser, work: Path) -> None:
    """A small install in the user's home."""
    root = CondaRoot(work / "miniforge3")
    root.base()
    root.named("train")
    give(user, work)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A good host and five bad ones, asked twice: for one object, and for events."""
    work = tmp_path_factory.mktemp("bad")
    frozen = Path(subprocess.check_output(["mktemp", "-d"], text=True).strip())
    frozen.chmod(0o755)
    with ExitStack() as stack:
        enter = stack.enter_context
        server = enter(SshServer())
        stuck = enter(SshServer(wrapper=[sys.executable, FROZEN, frozen, "--"]))
        changed = enter(SshServer(host_keys=("ed25519",)))
        bin_dir = server.directory / "killer"
        bin_dir.mkdir()
        for name in ("awk", "find", "sed", "grep"):  # whichever of them comes first in the middle of the probe
            (bin_dir / name).write_text(KILLER)
            (bin_dir / name).chmod(0o755)
        good, dying, other, iced = server.add_user(), server.add_user(), changed.add_user(), stuck.add_user()
        server.reload(match=[f"Match User {dying.name}", f"SetEnv PATH={bin_dir}:/usr/bin:/bin"])
        for user in (good, dying, iced):
            tree(user, work / user.name)
        known = work / "known_hosts"
        known.write_text("".join(line for each in (server, stuck, changed) for line in each.known_hosts_lines()))
        old_key = changed.fingerprint()
        changed.replace_host_key()
        hosts: dict[str, dict[str, Any]] = {
            name: {"address": at.address, "port": at.port, "user": user.name, "identity": [str(user.key)]}
            for name, at, user in (
                ("good", server, good), ("dying", server, dying), ("changed", changed, other), ("iced", stuck, iced),
            )
        }  # fmt: skip
        hosts["iced"]["search"] = [str(frozen / "envs")]
        hosts["silent"] = {"address": "127.0.0.1", "port": enter(SilentServer())}
        hosts["closed"] = {"address": "127.0.0.1", "port": enter(refused_port())}
        config = {
            "hosts": hosts,
            "defaults": {"known_hosts": str(known), "user": "nobody"},
            "limits": {"connect": "4s", "command": "6s"},
        }
        command = Command(work / "client", config, "Host *\n  IdentityAgent none\n  GlobalKnownHostsFile /dev/null\n")
        answer = command("envs", "--json")
        lines = command("envs", "--json-lines").stdout.splitlines()
        probe = command("probe", "iced", "--json")
        yield Fleet(
            answer,
            [json.loads(line) for line in lines],
            probe,
            good,
            frozen,
            old_key,
            changed.fingerprint(),
            known,
            1 + next(i for i, line in enumerate(known.read_text().splitlines()) if f":{changed.port} " in line),
        )
    frozen.rmdir()


@pytest.mark.parametrize(
    ("host", "kind"),
    [("silent", "timeout"), ("closed", "refused"), ("changed", "host_key_changed"), ("dying", "lost")],
)
def test_each_fault_is_named_for_what_it_is(fleet: Fleet, host: str, kind: str) -> None:
    shown = fleet.answer.hosts()[host]
    assert shown["fault"] is not None, json.dumps(shown)
    assert shown["fault"]["kind"] == kind, shown["fault"]
    assert shown["fault"]["remedy"]
    assert host in shown["fault"]["message"]
    assert fleet.answer.code == 1


def test_the_good_host_is_listed_whole(fleet: Fleet) -> None:
    names = {item["name"] for item in fleet.answer.json["environments"] if item["host"] == "good"}
    assert {"base", "train"} <= names
    assert fleet.answer.hosts()["good"]["state"] == "up"


def test_the_good_host_did_not_wait_for_the_bad_ones(fleet: Fleet) -> None:
    def first(host: str, wanted: str) -> int:
        return next(i for i, event in enumerate(fleet.events) if event["host"] == host and wanted in json.dumps(event))

    assert first("good", "train") < first("silent", "timeout")
    assert all({"event", "time", "host"} <= event.keys() for event in fleet.events)


def test_a_changed_key_shows_both_fingerprints_and_the_line_of_the_old_one(fleet: Fleet) -> None:
    fault = fleet.answer.hosts()["changed"]["fault"]
    text = fault["message"] + fault["remedy"]
    assert fleet.old_key in text
    assert fleet.new_key in text
    assert f"{fleet.known_hosts}:{fleet.old_line}" in text
    assert fault["retry_at"] is None


def test_a_frozen_mount_costs_only_what_lies_on_it(fleet: Fleet) -> None:
    host = fleet.answer.hosts()["iced"]
    assert host["state"] == "up"
    names = {item["name"] for item in fleet.answer.json["environments"] if item["host"] == "iced"}
    assert {"base", "train"} <= names
    faults = {fault["part"]: fault for fault in host["part_faults"]}
    assert str(fleet.frozen) in faults["environments"]["message"]
    assert faults["environments"]["kind"] in {"tool_hung", "incomplete"}
    mounts = {mount["path"]: mount for mount in fleet.probe.json["mounts"]}
    assert mounts[str(fleet.frozen)]["fault"]["kind"] == "tool_hung"
    assert mounts[str(fleet.frozen)]["size_bytes"] is None
    assert mounts["/"]["size_bytes"] > 0
