"""A create that loses its client, its connection and its sshd at random moments: it ends on the host, once, whole."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.condafleet_command import PROGRAM, Command
from tests.fakes import eventually
from tests.remote.taskhost import lock_entries, marked
from tests.services.tasking import FRESH_PROC
from tests.sshd import SshServer, SshUser, generate_key
from tests.standin import StandinInstall

POINTS = ("born", "outer", "pid", "started", "log:200", "log:500", "log:800", "log:1100", "status", "exit")
SPECS = ("pytorch=2.0.1", "pandas", "tqdm")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    """Logins become root, in a home of the test's: other accounts need not reach this Python's packages."""
    (tmp_path / "home").mkdir()
    options = ["PermitRootLogin yes", f"SetEnv HOME={tmp_path / 'home'}"]
    with SshServer(options=options, wrapper=FRESH_PROC) as server:
        yield server


def is_at(spool: Path, point: str) -> bool:
    """Whether the one task on the host has come so far."""
    name, _, size = point.partition(":")
    found = [folder / name for folder in spool.glob("*")]
    return bool(found) and found[0].exists() and found[0].stat().st_size >= int(size or 0)


@pytest.mark.parametrize("seed", range(4))
async def test_a_create_ends_whole_whatever_is_cut(server: SshServer, tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    key = generate_key(server.directory / "keys/root")
    (server.directory / "authorized/root").write_text(key.with_suffix(".pub").read_text())
    home = tmp_path / "home"
    root = SshUser("root", 0, home, "/bin/sh", None, key)
    conda = StandinInstall(home / "miniforge3", home)
    conda.slow(download="0.02", link="0.02")
    files = server.client_config({"gpu01": root}, directory=tmp_path / "client")
    config = {"hosts": {"gpu01": {"search": [str(home)], "only": True}}, "limits": {"connect": "8s"}}
    command = Command(tmp_path / "command", config, files.config.read_text())
    spool = home / ".local/state/condafleet/tasks"
    said = tmp_path / "said"
    cuts: list[str] = []

    async def begin(*words: str) -> asyncio.subprocess.Process:
        argv = [*PROGRAM, "--config", str(command.config), *words]
        pipe, none = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
        with said.open("wb") as out:
            return await asyncio.create_subprocess_exec(*argv, stdin=none, stdout=out, stderr=pipe, env=command.env)

    client = await begin("create", "gpu01:train", *SPECS, "--yes")
    try:
        for point in sorted(dice.sample(range(len(POINTS)), 3)):
            await eventually(lambda point=point: is_at(spool, POINTS[point]), 60)  # type: ignore[misc]  # mypy infers none
            cuts.append(how := dice.choice(["client killed", "connection cut", "sshd restarted"]))
            if how == "client killed":
                if client.returncode is None:
                    client.send_signal(signal.SIGKILL)
                await client.wait()
                (task,) = spool.iterdir()
                client = await begin("tasks", "follow", f"gpu01:{task.name}", "--raw")
                # A host that refuses the first connection is not waited for.
                await eventually(lambda: said.stat().st_size, 60)
            elif how == "connection cut":
                server.kill_sessions()
            else:
                server.stop()
                server.start()
        async with asyncio.timeout(90):
            _, err = await client.communicate()
    finally:
        if client.returncode is None:
            client.kill()
            await client.wait()
    (task,) = spool.iterdir()
    log = (task / "log").read_bytes()
    assert client.returncode == 0, (cuts, err)
    if "client killed" in cuts:
        assert said.read_bytes() == log, cuts
    again = command("tasks", "follow", task.name, "--raw")
    assert (again.code, again.stdout) == (0, log), cuts
    await eventually(lambda: not marked(task.name))
    assert lock_entries(conda.pkgs, conda.root / "envs") == [], cuts
    (told,) = command("tasks", "show", task.name, "--json").json["tasks"]
    assert (told["state"], told["exit_code"], told["log_bytes"]) == ("succeeded", 0, len(log)), cuts
    # What is there is what the tool itself makes where nothing is cut.
    conda.create("alone", *SPECS)
    records = [{path.name for path in conda.env(name).glob("conda-meta/*.json")} for name in ("train", "alone")]
    assert records[0] == records[1] and len(records[0]) > 8, cuts
    assert conda.env("train/conda-meta/history").read_text().count("# cmd:") == 1, cuts
