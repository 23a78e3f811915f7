"""Copies are whole: what a package manager's own copy leaves out comes along, or what stood there stays untouched."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.remote.shells import busybox_path
from tests.remote.taskhost import bin_sh
from tests.remote.toolhost import ToolHost, tree
from tui.domain.changes import Change, ChangeKind, ConcernKind
from tui.domain.environments import Manager
from tui.domain.tasks import TaskState
from tui.domain.toolargs import Tool
from tui.remote.condasays.outcome import Verdict

DONE = (TaskState.SUCCEEDED, Verdict.SUCCEEDED)
TYPED = frozenset({ConcernKind.USE_UNKNOWN, ConcernKind.UNOWNED})
SECRET = "hf_abcdefghijklmnopqrstuvwx"


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[ToolHost]:
    made = ToolHost(tmp_path / "host")
    filled(made)
    yield made
    await made.close()


def filled(host: ToolHost) -> Path:
    """An environment with all that conda's own copy leaves out, or copies and does not mend."""
    prefix = host.conda.create("v1", "relocated", "libsmall=1.0")
    other = host.conda.env("v10")
    state = prefix / "conda-meta/state"
    state.write_text(json.dumps({"env_vars": {"A": f"{prefix}/lib", "HF_TOKEN": SECRET}}))
    state.chmod(0o600)
    (prefix / "conda-meta/pinned").write_text("libsmall 1.0.*\n")
    for name in ("users/deep/notes.txt", "info/about", "LICENSE.txt", "data/x~", "share/line\nbreak", " odd [name] *"):
        path = prefix / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"of {name}, in {prefix}/share, beside {other}/share\n")
    (prefix / "users/raw.bin").write_bytes(b"\0\1" + os.urandom(3000) + b"\0")
    (prefix / "empty/private").mkdir(parents=True)
    (prefix / "empty/private").chmod(0o700)
    (prefix / "data").chmod(0o750)
    (prefix / "inside").symlink_to(prefix / "share/relocated")
    (prefix / "users/up").symlink_to("../../v1/share/relocated")
    (prefix / "away").symlink_to("/etc/hostname")
    (prefix / "beside").symlink_to(other / "x")
    # Somebody mended a package's file by hand.
    edited = prefix / "share/relocated/plain.txt"
    edited.unlink()
    edited.write_text("mended by hand\n")
    return prefix


def seen(prefix: Path) -> dict[str, tuple[int, object]]:
    """What is in it, but for records and the history; its own place in texts and links as ``@``."""
    found: dict[str, tuple[int, object]] = {}
    for path in prefix.rglob("*"):
        name = str(path.relative_to(prefix))
        if path.parent.name == "conda-meta" and (path.suffix == ".json" or path.name == "history"):
            continue
        own: object = None
        if path.is_symlink():
            own = str(path.readlink()).replace(f"{prefix}/", "@/").replace("../../v1/", "@/")
        elif path.is_file():
            own = path.read_bytes().replace(f"{prefix}/".encode(), b"@/").replace(f"{prefix}\n".encode(), b"@\n")
            if name == "lib/relocated.so":  # conda fills up behind a shorter path
                own = own.replace(b"\0", b"")
        found[name] = (path.lstat().st_mode, own)
    return found


def renaming(host: ToolHost, new: str = "v3", **fields: object) -> Change:
    change = replace(host.change(ChangeKind.RENAME, "v1"), accepted=TYPED, new_prefix=str(host.conda.env(new)))
    return replace(change, **fields)  # type: ignore[arg-type]  # by name


def asked_for(prefix: Path) -> list[str]:
    text = (prefix / "conda-meta/history").read_text()
    return [line for line in text.splitlines() if line.startswith("# update specs:")]


async def test_a_new_name_loses_nothing(host: ToolHost) -> None:
    old, new = host.conda.env("v1"), host.conda.env("v3")
    was, asked = seen(old), asked_for(old)
    job = await host.job(renaming(host))
    task, outcome, log = await host.run(job)
    assert (task.state, outcome.verdict) == DONE, log
    assert not old.exists()
    assert seen(new) == was
    assert (new / "conda-meta/state").stat().st_mode & 0o777 == 0o600
    assert json.loads((new / "conda-meta/state").read_text())["env_vars"] == {"A": f"{new}/lib", "HF_TOKEN": SECRET}
    assert (new / "inside").readlink() == new / "share/relocated"
    assert (new / "users/up").resolve() == new / "share/relocated"
    assert asked_for(new) == asked
    assert SECRET not in log
    assert not any(SECRET in word for said in task.said for word in said)
    assert any(said[0] == "carried" and "conda-meta/state" in said for said in task.said)
    assert not host.traces(job)


@pytest.mark.parametrize("tool", ["conda", "micromamba"])
async def test_nor_where_busybox_is_all_there_is(tmp_path: Path, tool: str) -> None:
    host = ToolHost(tmp_path / "host", "busybox", tool=tool, wrap=bin_sh("busybox"), path=busybox_path(tmp_path))
    try:
        was = seen(filled(host))
        task, outcome, log = await host.run(await host.job(renaming(host)))
        assert (task.state, outcome.verdict) == DONE, log
        assert not host.conda.env("v1").exists()
        assert seen(host.conda.env("v3")) == was
    finally:
        await host.close()


async def test_what_cannot_be_copied_leaves_the_old_name(host: ToolHost) -> None:
    old = host.conda.env("v1")
    before = tree(old)
    # A tool that lays something into the way which cannot go.
    stubborn = host.conda.root / "bin/stubborn"
    stubborn.write_text(
        f'#!/bin/sh\n{host.conda.conda} "$@" && mkdir -p "$3/users" && touch "$3/users/raw.bin" && '
        'chattr +i "$3/users/raw.bin"\n'
    )
    stubborn.chmod(0o755)
    job = await host.job(renaming(host), Tool(Manager.CONDA, str(stubborn), str(host.conda.root)))
    try:
        task, outcome, log = await host.run(job)
    finally:
        await asyncio.to_thread(subprocess.run, ["chattr", "-R", "-i", str(host.conda.root)], capture_output=True)
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert any("users" in line for line in outcome.lines), outcome
    assert tree(old) == before


async def test_what_is_written_meanwhile_is_not_lost(host: ToolHost) -> None:
    old = host.conda.env("v1")
    # pip's program is run after conda's: who writes then is seen before the old one goes.
    late = host.conda.root / "bin/awk"
    late.write_text(
        '#!/bin/sh\nfor a; do case $a in */is) n=$(cat "$HOME/n" 2>/dev/null); echo "x$n" >"$HOME/n"\n'
        f'[ "$n" = x ] && echo result >{old}/users/result; esac; done\nexec /usr/bin/awk "$@"\n'
    )
    late.chmod(0o755)
    host.tasks.connection.env["PATH"] = f"{host.conda.root}/bin:{host.tasks.connection.env['PATH']}"
    task, outcome, log = await host.run(await host.job(renaming(host)))
    assert (task.state, outcome.verdict) == (TaskState.FAILED, Verdict.FAILED), log
    assert ("changed", str(old)) in task.said
    assert (old / "users/result").read_text() == "result\n"
    assert not host.conda.env("v3").exists()


async def test_the_old_one_goes_the_way_of_removals(host: ToolHost) -> None:
    job = await host.job(renaming(host, keep_s=3600.0))
    before = [each[:2] for each in tree(host.conda.env("v1"))]
    task, _, log = await host.run(job)
    assert task.exit_code == 0, log
    (said,) = (each for each in task.said if each[0] == "aside")
    assert [each[:2] for each in tree(Path(said[2]) / "env")] == before


@pytest.mark.parametrize("what", ["nested", "elsewhere"])
async def test_what_no_copy_could_have_is_refused_before_anything_changes(host: ToolHost, what: str) -> None:
    old = host.conda.env("v1")
    change = renaming(host, accepted=TYPED | {ConcernKind.NESTED, ConcernKind.MOUNTED})
    if what == "nested":
        host.conda.run("create", "-y", "-p", str(old / "sub/env"), "libsmall")
    else:
        change = replace(change, new_prefix=f"/dev/shm/{host.tasks.spec().id}")
    before = tree(old)
    task, outcome, log = await host.run(await host.job(change))
    assert (task.exit_code, outcome.verdict) == (3, Verdict.FAILED), log
    assert tree(old) == before
    assert not await asyncio.to_thread(os.path.lexists, str(change.new_prefix))


async def test_a_copy_beside_it_has_its_pins_and_variables(host: ToolHost) -> None:
    old, new = host.conda.env("v1"), host.conda.env("copy")
    was = seen(old)
    task, outcome, log = await host.run(await host.job(host.change(ChangeKind.CLONE, "copy", source="v1")))
    assert (task.state, outcome.verdict) == DONE, log
    assert seen(new) == was == seen(old)
    assert SECRET not in log
    assert ("compared", "2", "0") in task.said


async def test_what_is_made_anew_keeps_its_pins_variables_and_what_was_asked_for(host: ToolHost) -> None:
    prefix = host.conda.env("v1")
    state, asked = (prefix / "conda-meta/state").read_bytes(), asked_for(prefix)
    listed = host.conda.run("list", "-n", "v1", "--explicit", "--md5").stdout.split("\n")
    urls = tuple(line for line in listed if line.startswith("file://"))
    change = replace(host.change(ChangeKind.RECREATE, "v1"), explicit=urls, accepted=TYPED)
    task, outcome, log = await host.run(await host.job(change))
    assert (task.state, outcome.verdict) == DONE, log
    assert (prefix / "conda-meta/state").read_bytes() == state
    assert (prefix / "conda-meta/state").stat().st_mode & 0o777 == 0o600
    assert (prefix / "conda-meta/pinned").read_text() == "libsmall 1.0.*\n"
    assert (prefix / "share/relocated/plain.txt").read_text() == "as it is\n"
    assert asked_for(prefix) == asked
    assert SECRET not in log
