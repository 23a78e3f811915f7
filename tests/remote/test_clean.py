# ruff: noqa: ASYNC220, ASYNC221, ASYNC240  (the files and programs of a test are quick)
"""What cleaning leaves alone, says and refuses; and what is left when it is killed."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.cleanhost import clean, clean_start, look, said_by
from tests.remote.latecomer import Latecomer
from tests.remote.shells import GNU_PATH, SHELLS, busybox_path
from tests.remote.taskhost import TaskHost, bin_sh
from tui.domain.changes import ConcernKind
from tui.domain.errors import HostFaultError
from tui.domain.planitems import ItemKind
from tui.domain.tasks import TaskState
from tui.remote.changes.clean import CleanRequest, Kept

ALL = (ItemKind.TARBALLS, ItemKind.PACKAGES, ItemKind.INDEX, ItemKind.TEMP, ItemKind.LOGS)
PACKAGE = "numpy-2.0.2-py311_0"


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[TaskHost]:
    host = TaskHost(tmp_path / "home")
    yield host
    await host.close()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache with an entry of each part, and an environment that uses none."""
    folder = tmp_path / "conda" / "pkgs"
    for name in (f"{PACKAGE}/info", f"{PACKAGE}/lib", "cache", ".logs", "half-1.0-0", "notes"):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_bytes(b"x" * 5000)
    (folder / PACKAGE / "info" / "index.json").write_text("{}")
    for name in ("urls", "a-1-0.conda", "b-1-0.tar.bz2", "c-1-0.conda.part"):
        (folder / name).write_bytes(b"x" * 100)
    (folder / "urls.txt").write_text("https://x/noarch/half-1.0-0.conda\nhttps://x/noarch/b-1-0.tar.bz2\n")
    for name in ("half-1.0-0/file", "half-1.0-0", "c-1-0.conda.part"):
        os.utime(folder / name, (time.time() - 7200,) * 2)
    (tmp_path / "conda" / "envs" / "one").mkdir(parents=True)
    return folder


def wish(cache: Path, *kinds: ItemKind, **more: object) -> CleanRequest:
    parts = tuple((kind, str(cache)) for kind in kinds or ALL)
    fields = {"caches": (str(cache),), "places": (str(cache.parent),), **more}
    return CleanRequest(parts, **fields)  # type: ignore[arg-type]  # by name


def names(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir())


async def test_every_part_goes_and_nothing_else(host: TaskHost, cache: Path) -> None:
    ahead = await look(host, wish(cache))
    assert {part.kind: part.units for part in ahead.parts} == dict.fromkeys(ALL, 1) | {
        ItemKind.TARBALLS: 2,
        ItemKind.TEMP: 2,
    }
    task, said = await clean(host, wish(cache))
    assert (task.state, names(cache)) == (TaskState.SUCCEEDED, ["notes", "urls", "urls.txt"])
    assert sorted(said.parts, key=str) == sorted(ahead.parts, key=str)
    assert [each.mount for each in said.freed] and not said.left and said.whole
    assert await look(host, wish(cache)) == await look(host, wish(cache, seen=ahead.places))


async def test_only_the_chosen_parts_go(host: TaskHost, cache: Path) -> None:
    await clean(host, wish(cache, ItemKind.TARBALLS, ItemKind.LOGS))
    assert names(cache) == ["c-1-0.conda.part", "cache", "half-1.0-0", "notes", PACKAGE, "urls", "urls.txt"]


@pytest.mark.parametrize("way", ["open", "cwd", "lock"])
async def test_what_a_process_has_stays(host: TaskHost, cache: Path, way: str) -> None:
    file = cache / PACKAGE / "lib" / "file"
    scripts = {
        "open": "import sys; held = open(sys.argv[1])",
        "cwd": "import sys, os; os.chdir(os.path.dirname(sys.argv[1]))",
        "lock": "import sys, fcntl; f = open(sys.argv[1], 'r+'); fcntl.lockf(f, fcntl.LOCK_EX)",
    }
    process = subprocess.Popen(
        ["python3", "-c", scripts[way] + "\nprint(flush=True)\ninput()", file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        task, said = await clean(host, wish(cache))
        assert task.state is TaskState.SUCCEEDED
        assert said.kept == (Kept("in_use", ItemKind.PACKAGES, str(cache), 1),)
        assert names(cache) == ["notes", PACKAGE, "urls", "urls.txt"]
    finally:
        process.communicate(b"\n")


async def test_a_mapped_file_keeps_its_package_by_any_name(host: TaskHost, cache: Path, tmp_path: Path) -> None:
    program = cache / PACKAGE / "lib" / "sleep"
    program.write_bytes(Path("/usr/bin/sleep").read_bytes())
    program.chmod(0o755)
    # The same directory by another path: its name in /proc tells nothing.
    other = tmp_path / "other"
    other.mkdir()
    subprocess.run(["mount", "--bind", cache.parent, other], check=True)
    process = subprocess.Popen([other / "pkgs" / PACKAGE / "lib" / "sleep", "60"])
    try:
        said = await look(host, wish(cache, ItemKind.PACKAGES))
        assert said.kept == (Kept("in_use", ItemKind.PACKAGES, str(cache), 1),)
    finally:
        process.kill()
        process.wait()
        subprocess.run(["umount", "-l", other], check=True)


@pytest.mark.parametrize("way", ["hard", "soft", "relative", "outside", "closed"])
async def test_a_package_that_something_uses_stays(host: TaskHost, cache: Path, tmp_path: Path, way: str) -> None:
    source = cache / PACKAGE / "lib" / "file"
    env = tmp_path / "conda" / "envs" / "one"
    request = wish(cache, ItemKind.PACKAGES)
    why = "used"
    if way == "hard":
        (env / "file").hardlink_to(source)
    elif way == "outside":
        (tmp_path / "elsewhere").hardlink_to(source)
    elif way == "soft":
        (env / "file").symlink_to(source)
    elif way == "relative":
        (env / "file").symlink_to(os.path.relpath(source, env))
    else:
        # What stands at the place of an environment cannot be looked into.
        (env.parent / "two").symlink_to("/nowhere/at/all")
        request = wish(cache, ItemKind.PACKAGES, places=(str(env.parent / "two"), str(cache.parent)))
        (env.parent / "two").unlink()
        (env.parent / "two").write_text("")
        why = "unknown"
    task, said = await clean(host, request)
    assert (task.state, said.kept) == (TaskState.SUCCEEDED, (Kept(why, ItemKind.PACKAGES, str(cache), 1),))
    assert source.exists()


async def test_an_environment_that_was_listed_since_is_a_user(host: TaskHost, cache: Path, tmp_path: Path) -> None:
    made = tmp_path / "made since"
    made.mkdir()
    (made / "file").symlink_to(cache / PACKAGE / "lib" / "file")
    assert (await look(host, wish(cache, ItemKind.PACKAGES))).kept == ()
    (host.home / ".conda").mkdir()
    (host.home / ".conda" / "environments.txt").write_text(f"/gone\nodd\n{cache.parent}/envs/one\n{made}")
    _, said = await clean(host, wish(cache, ItemKind.PACKAGES))
    assert said.kept == (Kept("used", ItemKind.PACKAGES, str(cache), 1),)


async def test_only_what_is_old_enough_goes(host: TaskHost, cache: Path) -> None:
    old = time.time() - 10 * 86400
    for name in ("a-1-0.conda", "cache/file", "cache", PACKAGE, "half-1.0-0"):
        os.utime(cache / name, (old, old))
    _, said = await clean(host, wish(cache, older_s=5 * 86400.0))
    assert {part.kind for part in said.parts} == {ItemKind.TARBALLS, ItemKind.INDEX, ItemKind.PACKAGES}
    assert names(cache) == [".logs", "b-1-0.tar.bz2", "c-1-0.conda.part", "half-1.0-0", "notes", "urls", "urls.txt"]


async def refused(host: TaskHost, request: CleanRequest, kind: ConcernKind) -> None:
    assert [each[0] for each in (await look(host, request)).concerns] == [kind.value]
    task, said = await clean(host, request)
    assert (task.exit_code, [each[0] for each in said.concerns]) == (3, [kind.value])


async def test_a_cache_that_is_another_one_is_refused(host: TaskHost, cache: Path, tmp_path: Path) -> None:
    seen = (await look(host, wish(cache))).places
    cache.rename(tmp_path / "moved")
    (tmp_path / "conda" / "pkgs").mkdir()
    (cache / "urls.txt").touch()
    (cache / "a-1-0.conda").touch()
    await refused(host, wish(cache, seen=seen), ConcernKind.CHANGED)
    assert (cache / "a-1-0.conda").exists()


async def test_a_soft_link_is_refused(host: TaskHost, cache: Path, tmp_path: Path) -> None:
    cache.rename(tmp_path / "moved")
    cache.symlink_to(tmp_path / "moved")
    # The engine would hold the lock where it leads; the program refuses before anything else.
    await refused(host, wish(cache), ConcernKind.SOFT_LINK)
    assert (tmp_path / "moved" / "a-1-0.conda").exists()


async def test_a_directory_that_is_no_cache_is_refused(host: TaskHost, cache: Path) -> None:
    (cache / "urls.txt").unlink()
    await refused(host, wish(cache), ConcernKind.MISSING)
    (cache / "urls.txt").touch()
    (cache / "conda-meta").mkdir()
    await refused(host, wish(cache), ConcernKind.INSTALL_ROOT)


async def test_root_leaves_another_accounts_cache_alone(host: TaskHost, cache: Path) -> None:
    os.chown(cache, 4321, 4321)
    await refused(host, wish(cache), ConcernKind.FOREIGN_OWNER)


async def test_a_cache_with_a_mount_in_it_is_refused(host: TaskHost, cache: Path, tmp_path: Path) -> None:
    # Of the same file system, so that no device number tells it.
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").touch()
    subprocess.run(["mount", "--bind", tmp_path / "data", cache / "half-1.0-0"], check=True)
    try:
        await refused(host, wish(cache), ConcernKind.MOUNTED)
        assert (tmp_path / "data" / "precious").exists()
    finally:
        subprocess.run(["umount", "-l", cache / "half-1.0-0"], check=True)


async def test_a_lock_of_micromamba_is_respected(host: TaskHost, cache: Path) -> None:
    with (cache / "pkgs.lock").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        await refused(host, wish(cache), ConcernKind.TOOL_RUNS)
    task, _ = await clean(host, wish(cache))
    assert (task.state, names(cache)) == (TaskState.SUCCEEDED, ["notes", "pkgs.lock", "urls", "urls.txt"])


async def test_an_environment_in_a_cache_is_none_of_its_parts(host: TaskHost, cache: Path) -> None:
    (cache / "half-1.0-0" / "conda-meta").mkdir(parents=True)
    (cache / "half-1.0-0" / "conda-meta" / "history").touch()
    _, said = await clean(host, wish(cache))
    assert Kept("environment", ItemKind.TEMP, str(cache), 1) in said.kept
    assert (cache / "half-1.0-0" / "conda-meta" / "history").exists()


async def test_other_tools_caches_go_whole_but_never_what_is_not_ours(host: TaskHost, tmp_path: Path) -> None:
    pip, runs = host.home / ".cache" / "pip" / "http-v2", host.home / "wandb" / "offline-run-1-a"
    for folder in (pip, runs):
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a" / "file").write_bytes(b"x" * 9000)
    for name in ("run-a.wandb", "run-a.wandb.synced"):
        (runs / name).touch()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").touch()
    (pip / "a" / "link").symlink_to(tmp_path / "outside")
    both = CleanRequest(((ItemKind.PIP, str(pip)), (ItemKind.RUNS, str(runs))))
    await refused(host, both, ConcernKind.UNOWNED)
    task, said = await clean(host, CleanRequest(both.parts, accepted=frozenset({ConcernKind.UNOWNED})))
    assert (task.state, pip.exists(), runs.exists()) == (TaskState.SUCCEEDED, False, False)
    assert {part.kind: part.units for part in said.parts} == {ItemKind.PIP: 1, ItemKind.RUNS: 1}
    assert (tmp_path / "outside" / "file").exists()
    assert [path.name for path in pip.parent.iterdir()] == []
    for path, kind in (
        (str(host.home), ConcernKind.HOME),
        ("/", ConcernKind.MISSING),
        (str(tmp_path), ConcernKind.HOME),
        ("relative", ConcernKind.MISSING),
    ):
        await refused(host, CleanRequest(((ItemKind.TRITON, path),)), kind)
    (tmp_path / "env").mkdir()
    nested = CleanRequest(((ItemKind.TORCH, str(tmp_path / "env")),), places=(str(tmp_path / "env"),))
    await refused(host, nested, ConcernKind.NESTED)
    os.chown(tmp_path / "env", 4321, 4321)
    await refused(host, CleanRequest(((ItemKind.TORCH, str(tmp_path / "env")),)), ConcernKind.FOREIGN_OWNER)


async def test_a_folder_that_nobody_knows_goes_when_it_was_named_and_nothing_lives_in_it(host: TaskHost) -> None:
    folder = host.home / ".cache" / "whisper"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "large.pt").write_bytes(b"x" * 9000)
    named = frozenset({ConcernKind.UNOWNED})
    wanted = CleanRequest(((ItemKind.OTHER, str(folder)),))
    await refused(host, wanted, ConcernKind.UNOWNED)
    agreed = replace(wanted, accepted=named)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "agent"))
        listener.listen()
        _, said = await clean(host, agreed)
        assert said.kept == (Kept("in_use", ItemKind.OTHER, str(folder), 1),)
    (folder / "agent").unlink()
    with (folder / "models" / "large.pt").open("rb"):
        _, said = await clean(host, agreed)
        assert said.kept == (Kept("in_use", ItemKind.OTHER, str(folder), 1),)
    (folder / "virtualenvs" / "project").mkdir(parents=True)
    (folder / "virtualenvs" / "project" / "pyvenv.cfg").touch()
    _, said = await clean(host, agreed)
    assert said.kept == (Kept("environment", ItemKind.OTHER, str(folder), 1),)
    builds = folder.parent / "uv" / "builds-v0" / "x"
    builds.mkdir(parents=True)
    (builds / "pyvenv.cfg").touch()
    uv = CleanRequest(((ItemKind.UV, str(folder.parent / "uv")),))
    assert [part.kind for part in (await look(host, uv)).parts] == [ItemKind.UV], "what uv keeps, uv makes again"
    shutil.rmtree(folder / "virtualenvs")
    assert folder.exists()
    task, said = await clean(host, agreed)
    assert (task.state, folder.exists()) == (TaskState.SUCCEEDED, False)
    assert [(part.kind, part.units) for part in said.parts] == [(ItemKind.OTHER, 1)]


async def test_what_is_not_known_to_come_back_stays_whoever_asked(host: TaskHost) -> None:
    """A plan may be older than what lies there now, or written by hand."""
    face = host.home / ".cache" / "huggingface"
    token, settings, mine = face / "token", face / "accelerate", host.home / "uv"
    for folder in (settings, mine):
        folder.mkdir(parents=True)
        (folder / "file").touch()
    token.touch()
    run = host.home / "wandb" / "run-1-a"
    run.mkdir(parents=True)
    (run / "run-a.wandb").touch()
    notes = host.home / "core.1"
    notes.write_text("notes")
    for kind, path in (
        (ItemKind.HF, token), (ItemKind.OTHER, token), (ItemKind.OTHER, face), (ItemKind.HF, settings),
        (ItemKind.UV, mine), (ItemKind.RUNS, run),
        (ItemKind.CORE, notes), (ItemKind.TRASH, mine), (ItemKind.PIP, mine),
    ):  # fmt: skip
        request = CleanRequest(((kind, str(path)),), accepted=frozenset({ConcernKind.UNOWNED}))
        await refused(host, request, ConcernKind.MISSING)
        assert path.exists(), path


async def test_what_no_tool_is_known_to_have_left_stays(host: TaskHost, cache: Path) -> None:
    theirs = ("my-training-data", "tmpresults", ".tmp-own", "my-notes-of/info")
    for name in theirs:
        (cache / name).mkdir(parents=True)
        (cache / name / "x").touch()
    for name in ("main.c~", "my-training-data.tar.bz2"):
        (cache / name).touch()
    for path in cache.rglob("*"):
        os.utime(path, (1e9, 1e9))
    await clean(host, wish(cache))
    assert {*names(cache)} >= {name.partition("/")[0] for name in theirs} | {"main.c~", "my-training-data.tar.bz2"}


async def test_what_may_be_worked_at_still_stays_for_an_hour(host: TaskHost, cache: Path) -> None:
    (cache / "half-1.0-0" / "new").touch()
    ours = cache / ".tmp-condafleet-aB3xY9"
    ours.mkdir()
    _, said = await clean(host, wish(cache, ItemKind.TEMP))
    assert said.kept == (Kept("young", ItemKind.TEMP, str(cache), 1),)
    assert (cache / "half-1.0-0").exists() and not ours.exists()


def with_tool(tmp_path: Path, name: str, text: str) -> TaskHost:
    """A host on which one program does something else first."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / name).write_text(f'#!/bin/sh\n{text}\nexec /usr/bin/{name} "$@"\n')
    (tmp_path / "tools" / name).chmod(0o755)
    return TaskHost(tmp_path / "home", path=f"{tmp_path}/tools:{GNU_PATH}")


async def test_on_a_network_mount_another_host_may_be_at_what_we_put_aside(cache: Path, tmp_path: Path) -> None:
    host = with_tool(tmp_path, "stat", 'case "$*" in "-f -c %T "*) echo nfs; exit ;; esac')
    try:
        (cache / ".tmp-condafleet-aB3xY9").mkdir()
        said = await look(host, wish(cache, ItemKind.TEMP))
        assert said.kept == (Kept("young", ItemKind.TEMP, str(cache), 1),)
    finally:
        await host.close()


async def test_a_cache_exchanged_before_the_removal_is_left_alone(cache: Path, tmp_path: Path) -> None:
    other = tmp_path / "another"
    other.mkdir()
    for name in ("urls.txt", "a-1-0.conda"):
        (other / name).touch()
    # What is free is asked between deciding and removing.
    host = with_tool(tmp_path, "sync", f"[ -d {other} ] && mv {cache} {tmp_path}/moved && mv {other} {cache}")
    try:
        task, said = await clean(host, wish(cache, ItemKind.TARBALLS))
        assert (task.state, task.exit_code, names(cache)) == (TaskState.FAILED, 1, ["a-1-0.conda", "urls.txt"])
        assert (tmp_path / "moved" / "a-1-0.conda").exists()
        assert any(each.endswith("a-1-0.conda") for each in said.left)
    finally:
        await host.close()


async def test_a_known_environment_in_a_part_keeps_it_without_any_history(host: TaskHost, cache: Path) -> None:
    inner = cache / "half-1.0-0" / "env"
    inner.mkdir()
    os.utime(cache / "half-1.0-0", (1e9, 1e9))
    os.utime(inner, (1e9, 1e9))
    request = wish(cache, ItemKind.TEMP, places=(str(inner),))
    assert (await look(host, request)).kept == (Kept("environment", ItemKind.TEMP, str(cache), 1),)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", range(4))
async def test_killed_at_any_moment_it_leaves_whole_packages_and_no_number(
    host: TaskHost, cache: Path, seed: int
) -> None:
    chance = random.Random(seed)
    for number in range(150):
        package = cache / f"p{number}-1.0-0"
        (package / "info").mkdir(parents=True)
        for name in ("info/index.json", "info/files", "lib.so"):
            (package / name).write_text("x")
    whole = sum(1 for _ in (cache / "p0-1.0-0").rglob("*"))
    spec = await clean_start(host, wish(cache))
    until_left = chance.randrange(1, 151)
    await eventually(lambda: len(list(cache.glob("p*-1.0-0"))) <= until_left or (host.folder(spec) / "exit").exists())
    if seed % 2:
        host.kill_all(spec)
    else:
        await host.close()
        host = TaskHost(host.home)
    task = await host.become(spec)
    packages = [path for path in cache.iterdir() if (path / "info").is_dir()]
    assert all(sum(1 for _ in path.rglob("*")) == whole for path in packages if path.name.startswith("p"))
    said = await said_by(host.folder(spec))
    assert (task.state is TaskState.SUCCEEDED) == (names(cache) == ["notes", "urls", "urls.txt"])
    if task.state is not TaskState.SUCCEEDED:
        assert said.parts == () and said.freed == () and not said.whole
        # What it left is temporary, and goes the next time.
        assert (await clean(host, wish(cache)))[0].state is TaskState.SUCCEEDED
    assert names(cache) == ["notes", "urls", "urls.txt"]
    await host.close()


async def test_an_account_without_privileges_cleans_what_is_its_own(cache: Path, tmp_path: Path) -> None:
    # The account must get there, wherever the test run keeps its files.
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(folder.stat().st_mode | 0o055)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    for name in ("urls.txt", "a-1-0.conda"):
        (foreign / name).touch()
    subprocess.run(["chown", "-R", "4321:4321", cache.parent], check=True)
    for folder in (cache / PACKAGE / "lib", cache / PACKAGE):
        folder.chmod(0o555)
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", 4321, 4321)
    host = TaskHost(tmp_path / "home", wrap=("setpriv", "--reuid=4321", "--regid=4321", "--clear-groups"))
    try:
        task, said = await clean(host, wish(cache))
        assert (task.state, names(cache)) == (TaskState.SUCCEEDED, ["notes", "urls", "urls.txt"]), said
        ahead = await look(host, wish(foreign, ItemKind.TARBALLS))
        assert [each[0] for each in ahead.concerns] == ["not_writable"]
        shared = CleanRequest(((ItemKind.TRITON, str(foreign)),))
        assert [each[0] for each in (await look(host, shared)).concerns] == ["not_writable", "foreign_owner"]
    finally:
        await host.close()


async def test_without_gnu_find_nothing_is_cleaned(cache: Path, tmp_path: Path) -> None:
    host = TaskHost(tmp_path / "home", SHELLS["busybox"], path=busybox_path(tmp_path / "busybox"))
    try:
        ahead = await look(host, wish(cache))
        assert [each[0] for each in ahead.concerns] == ["no_tool"]
    finally:
        await host.close()


@pytest.mark.timeout(400)
async def test_killed_while_a_large_package_goes_it_leaves_none_that_looks_whole(host: TaskHost, cache: Path) -> None:
    large = cache / "large-1.0-0"
    for folder in ("info", "lib"):
        (large / folder).mkdir(parents=True)
        for number in range(4000):
            (large / folder / f"file{number}").touch()
    (large / "info" / "index.json").touch()
    spec = await clean_start(host, wish(cache, ItemKind.PACKAGES))

    def whole() -> bool:
        # Without opening a directory: that would be use.
        places = ((large / folder / f"file{number}") for folder in ("info", "lib") for number in range(0, 4000, 50))
        return all(place.exists() for place in places)

    await eventually(lambda: not whole() or (host.folder(spec) / "exit").exists())
    host.kill_all(spec)
    await host.become(spec)
    assert not large.exists()
    assert (await clean(host, wish(cache)))[0].state is TaskState.SUCCEEDED
    assert names(cache) == ["notes", "urls", "urls.txt"]


BROKEN = {
    # Each fails in one place and does its work elsewhere.
    "maps": ("awk", 'case "$*" in *"s[\\$4"*) exit 2 ;; esac'),
    "decision": ("awk", 'case "$*" in *oldest*) exit 2 ;; esac'),
    "processes": ("find", 'case "$*" in */proc/*) exit 1 ;; esac'),
    "entries": ("find", 'case "$*" in *history*) kill -9 $$ ;; esac'),
    "soft links": ("find", 'case "$*" in *lname*) kill -9 $$ ;; esac'),
    "lines": ("tr", "exit 1"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_tool_that_fails_is_not_taken_for_an_answer(cache: Path, tmp_path: Path, what: str) -> None:
    name, text = BROKEN[what]
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / name).write_text(f'#!/bin/sh\n{text}\nexec /usr/bin/{name} "$@"\n')
    (tmp_path / "tools" / name).chmod(0o755)
    host = TaskHost(tmp_path / "home", path=f"{tmp_path}/tools:{GNU_PATH}")
    try:
        with pytest.raises(HostFaultError):
            await look(host, wish(cache))
        if name != "tr":  # tasks want it, too
            task, said = await clean(host, wish(cache))
            assert (task.state, said.parts) == (TaskState.FAILED, ())
        assert (cache / PACKAGE).is_dir()
    finally:
        await host.close()


async def test_a_package_that_cannot_be_read_whole_stays(host: TaskHost, cache: Path, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    text = """case "$*" in *history*) echo "find: './x': Permission denied" >&2 ;; esac"""
    (tmp_path / "tools" / "find").write_text(f'#!/bin/sh\n{text}\nexec /usr/bin/find "$@"\n')
    (tmp_path / "tools" / "find").chmod(0o755)
    other = TaskHost(tmp_path / "home", path=f"{tmp_path}/tools:{GNU_PATH}")
    try:
        assert (await look(other, wish(cache))).kept == (Kept("unknown", ItemKind.PACKAGES, str(cache), 1),)
    finally:
        await other.close()


@pytest.mark.parametrize("shell", ["dash", "bash", "busybox"])
async def test_a_conda_that_begins_in_its_midst_is_waited_for_and_keeps_what_it_took(
    tmp_path: Path, cache: Path, shell: str
) -> None:
    for number in range(10):
        (cache / f"a-2-{number}.conda").touch()
    late = Latecomer(tmp_path / "late", "rm", "*a-1-0.conda*")
    late.will_install(cache.parent)
    path = f"{late.folder}/tools:{GNU_PATH}"
    wrap = bin_sh(shell)
    host = TaskHost(tmp_path / "home", SHELLS[shell], path=path, wrap=wrap)
    try:
        spec = await clean_start(host, wish(cache), roots=(str(cache.parent),))
        await late.comes()
        task = await host.become(spec, TaskState.WAITING_LOCK)
        assert task.waits_for is not None and task.waits_for.kind == "process"
        assert {"cache", "half-1.0-0", PACKAGE} <= set(names(cache)) and "a-1-0.conda" not in names(cache)
        # What it installs is linked.
        (cache.parent / "envs" / "one" / "file").hardlink_to(cache / PACKAGE / "lib" / "file")
        late.ends()
        task = await host.become(spec)
        said = await said_by(host.folder(spec))
    finally:
        late.leaves()
        await host.close()
    assert task.state is TaskState.SUCCEEDED, task
    assert names(cache) == ["notes", PACKAGE, "urls", "urls.txt"]
    assert ItemKind.PACKAGES not in {part.kind for part in said.parts} and not said.left and said.whole
