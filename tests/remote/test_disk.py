"""Asking a host for its disk table: what it says of places, mounts and trouble, and that nothing is left behind."""

from __future__ import annotations

import ast
import asyncio
import base64
import os
import subprocess
import tempfile
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.disktrees import Tree
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tui.domain.cacheusers import UsersSeen
from tui.domain.diskbounds import Bound, Reason
from tui.domain.diskplaces import CACHE_PARTS, DiskPlace, OwnerKind, PlaceKind
from tui.domain.disktable import DiskTable, OwnerState
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.text import decode
from tui.remote import disk
from tui.remote.disk import DiskMethod, ask_disk
from tui.remote.diskanswer import DiskAnswer
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import Record

LIMIT = 60.0
EVERYBODY = UsersSeen()
both = pytest.mark.parametrize("method", list(DiskMethod))
NOBODY = ("/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def env(path: Path | str) -> DiskPlace:
    return DiskPlace(PlaceKind.ENVIRONMENT, str(path))


@asynccontextmanager
async def a_lane(
    shell: str = "dash", *, path: str = GNU_PATH, wrap: tuple[str, ...] = (), home: Path = Path("/nonexistent")
) -> AsyncIterator[tuple[ShellConnection, Lane]]:
    connection = ShellConnection(SHELLS[shell], env={"PATH": path, "HOME": str(home)}, wrap=wrap)
    try:
        yield connection, await Lane.open(connection, timeout=LIMIT)
    finally:
        await connection.close()


async def count(
    places: list[DiskPlace],
    method: DiskMethod | None = None,
    *,
    wrap: tuple[str, ...] = (),
    path: str = GNU_PATH,
    users: UsersSeen = EVERYBODY,
) -> DiskTable:
    async with a_lane(wrap=wrap, path=path) as (_, lane):
        return await ask_disk(lane, places, "gpu01", timeout=LIMIT, method=method, users=users)


async def fault_of(asked: Awaitable[object]) -> FaultKind:
    with pytest.raises(HostFaultError) as caught:
        await asked
    return caught.value.fault.kind


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="condafleet-disk-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder).resolve()


def fill(folder: Path, size: int = 5000, name: str = "file") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"x" * size)
    return folder


def call(*argv: str | Path) -> None:
    subprocess.run(argv, check=True)


@both
async def test_where_there_is_nothing_to_count_nothing_is_held(method: DiskMethod) -> None:
    table = await count([], method)
    assert table.owners == () and table.rows == ()


@both
async def test_each_place_says_whether_it_was_counted(tmp_path: Path, method: DiskMethod) -> None:
    real = fill(tmp_path / "real" / "a")
    fill(tmp_path / "pkgs")
    (tmp_path / "alias").symlink_to(tmp_path / "real")
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "plain").write_text("x")
    paths = [real, tmp_path / "gone", tmp_path / "gone" / "deeper", tmp_path / "link", tmp_path / "alias" / "a"]
    paths += [tmp_path / "plain", tmp_path / "plain" / "below"]
    places = [env(path) for path in paths] + [env("relative/path"), env("/"), env(f"{real}/.."), env("")]
    places += [DiskPlace(PlaceKind.CACHE, str(tmp_path / "pkgs")), DiskPlace(PlaceKind.CACHE, str(tmp_path / "pkgs"))]
    table = await count(places, method)
    states = [owner.state for owner in table.owners]
    absent = OwnerState.ABSENT
    assert states[:11] == [OwnerState.READ, absent, absent, OwnerState.LINK, OwnerState.SAME, *[absent] * 6]
    assert states[11:] == [OwnerState.READ] * 6 + [OwnerState.SAME] * 6
    assert [owner.same_as for owner in table.owners[17:]] == list(range(11, 17))
    assert table.owners[4].same_as == 0
    assert table.holding(4) == table.holding(0)
    assert table.holding(0).files == 2
    assert table.holding(3).files == 0


@both
async def test_a_place_in_a_place_is_counted_by_itself_and_goes_with_it(tmp_path: Path, method: DiskMethod) -> None:
    outer, inner = fill(tmp_path / "outer [1]"), fill(tmp_path / "outer [1]" / "x*" / "inner\\")
    table = await count([env(inner), env(outer)], method)
    assert [owner.within for owner in table.owners] == [1, None]
    assert table.freed([0]).files == 2
    assert table.freed([1]).files == 5


@both
async def test_mounts_are_not_crossed_and_are_told(tmp_path: Path, method: DiskMethod) -> None:
    place = fill(tmp_path / "a")
    before = await count([env(place)], method)
    (place / "file2").touch()
    elsewhere = fill(tmp_path / "elsewhere", 70_000)
    points = [place / "tm\tp fs", place / "bound", place / "file2"]
    points[0].mkdir()
    points[1].mkdir()
    call("mount", "-t", "tmpfs", "none", points[0])
    call("mount", "--bind", elsewhere, points[1])
    call("mount", "--bind", elsewhere / "file", points[2])
    try:
        (points[0] / "much").write_bytes(b"x" * 90_000)
        table = await count([env(place)], method)
        assert table.owners[0].crossed == 3
        assert set(table.owners[0].mounts) == {str(point) for point in points}
        assert table.holding(0).bytes == before.holding(0).bytes
        assert table.holding(0).files == 2
        mounted = await count([env(points[0]), env(place)], method)
        assert mounted.owners[0].crossed == 0
        assert mounted.devices[mounted.owners[0].device or 0].fs_type == "tmpfs"
        assert mounted.devices[mounted.owners[1].device or 0].number != mounted.devices[0].number
    finally:
        for point in points:
            call("umount", "-l", point)


@both
async def test_equal_inode_numbers_on_two_file_systems_are_two_files(tmp_path: Path, method: DiskMethod) -> None:
    points = [tmp_path / "one", tmp_path / "two"]
    mounted = []
    try:
        for point in points:
            point.mkdir()
            call("mount", "-t", "tmpfs", "none", point)
            mounted.append(point)
            (fill(point / "b") / "again").hardlink_to(fill(point / "a") / "file")
            (point / "b" / "file").unlink()
        assert (points[0] / "a" / "file").stat().st_ino == (points[1] / "a" / "file").stat().st_ino
        (points[0] / "outside").hardlink_to(points[0] / "a" / "file")
        table = await count([env(point / name) for name in "ab" for point in points], method)
        assert [each.fs_type for each in table.devices] == ["tmpfs", "tmpfs"]
        assert [table.freed([number]).files for number in range(4)] == [1] * 4
        assert [table.holding(number).shared_with for number in (0, 1)] == [((2, 8192),), ((3, 8192),)]
        assert [(each.device, each.files) for each in table.freed([0, 2, 3]).devices] == [(0, 2), (1, 1)]
        assert table.freed([1, 3]).files == 3
    finally:
        for point in mounted:
            call("umount", "-l", point)


@both
async def test_what_may_not_be_read_makes_a_lower_bound_and_uses_every_package(
    open_path: Path, method: DiskMethod
) -> None:
    place = fill(open_path / "a")
    fill(place / "private", 90_000).chmod(0o700)
    fill(open_path / "home" / "b")
    (open_path / "home").chmod(0o700)
    package = fill(open_path / "pkgs" / "p-1-0" / "info", name="index.json")
    places = [env(place), DiskPlace(PlaceKind.CACHE, str(open_path / "pkgs"))]
    table = await count(places, method, wrap=NOBODY)
    assert table.owners[0].unreadable == 1
    assert table.holding(0).files == 3  # the directory itself can be seen
    assert Reason.UNREADABLE in table.freed([0]).reasons
    packages = 1 + CACHE_PARTS.index(OwnerKind.PACKAGES)
    assert not table.all_users_seen
    assert table.holding(packages).files == 3
    assert table.freed([packages]).files == 0
    table = await count([env(open_path / "home" / "b")], method, wrap=NOBODY)
    assert table.owners[0].state is OwnerState.DENIED
    assert table.holding(0).bound is Bound.AT_LEAST
    assert (await count(places, method)).freed([packages]).files == 3
    assert package.exists()


@both
async def test_what_strangers_hide_is_no_use_of_a_cache_that_they_cannot_get_into(
    open_path: Path, method: DiskMethod
) -> None:
    hidden = open_path / "hers"
    fill(hidden / "private").chmod(0o700)
    caches = [open_path / "mine", open_path / "ours"]
    for cache in caches:
        fill(cache / "p-1-0" / "info", name="index.json")
    places = [env(hidden), *(DiskPlace(PlaceKind.CACHE, str(cache)) for cache in caches)]
    packages = [1 + 6 * number + CACHE_PARTS.index(OwnerKind.PACKAGES) for number in (0, 1)]

    async def unused(**users: frozenset[str]) -> list[int]:
        table = await count(places, method, wrap=NOBODY, users=UsersSeen(**users))
        assert [table.users_seen(number) for number in packages] == [
            bool(table.freed([number]).files) for number in packages
        ]
        return [table.freed([number]).files for number in packages]

    mine = frozenset({str(caches[0])})
    assert await unused() == [0, 0]
    assert await unused(private=mine) == [0, 0]  # what is hidden may be our own
    assert await unused(private=mine, strangers=frozenset({str(hidden)})) == [3, 0]
    hidden.joinpath("private").chmod(0o755)
    assert await unused() == [3, 3]
    assert await unused(unseen=mine) == [0, 3]


@both
async def test_a_link_from_outside_holds_back_what_it_leads_to(tmp_path: Path, method: DiskMethod) -> None:
    place = fill(tmp_path / "a", 100_000)
    alone = (await count([env(place)], method)).holding(0)
    (tmp_path / "outside").hardlink_to(place / "file")
    held = (await count([env(place)], method)).holding(0)
    assert held.bytes == alone.bytes
    assert held.outside_bytes == (place / "file").stat().st_blocks * 512
    assert held.exclusive_bytes == alone.exclusive_bytes - held.outside_bytes


async def test_nothing_but_busybox_beside_gnu_find_is_enough(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "tree", 7)
    path = busybox_path(tmp_path)
    (tmp_path / "applets" / "find").unlink()
    (tmp_path / "applets" / "find").symlink_to("/usr/bin/find")
    (tmp_path / "applets" / "mawk").symlink_to("/bin/false")
    table = await count(list(tree.places), DiskMethod.FIND, path=path)
    assert table == await count(list(tree.places), DiskMethod.PYTHON)


async def test_without_find_and_python_there_is_a_fault_and_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "script", lambda name: b":" if name == "disk_tools" else script(name))
    place = [env(fill(tmp_path / "a"))]
    assert await fault_of(count(place, path=busybox_path(tmp_path))) is FaultKind.TOOL_MISSING
    assert await fault_of(count(place, DiskMethod.PYTHON)) is FaultKind.TOOL_MISSING
    assert (await count(place)).holding(0).files == 2


async def test_too_many_places_are_not_even_asked_for() -> None:
    assert await fault_of(count([env(f"/e/{number}") for number in range(6000)])) is FaultKind.TOO_LARGE


def test_the_program_needs_no_more_than_python_3_6() -> None:
    text = zlib.decompress(base64.b64decode(disk._program())).decode()
    ast.parse(text, feature_version=(3, 6))
    assert "from tui" not in text


async def test_progress_is_told_and_the_table_of_many_environments_is_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    take = DiskAnswer.take

    def measure(self: DiskAnswer, record: Record) -> None:
        sizes.append(sum(len(field) + 1 for field in record.fields))
        take(self, record)

    monkeypatch.setattr(DiskAnswer, "take", measure)
    packages = [tmp_path / "pkgs" / f"package{number}-1.{number}-h0" for number in range(150)]
    for package in packages:
        fill(package / "info", name="index.json")
        fill(package / "lib")
    places = [DiskPlace(PlaceKind.CACHE, str(tmp_path / "pkgs"))]
    for number in range(42):
        lib = tmp_path / "envs" / f"env{number}" / "lib"
        lib.mkdir(parents=True)
        places.append(env(lib.parent))
        for at, package in enumerate(packages):
            if at < 40 or (at * 7 + number * number) % 11 < 3:
                (lib / package.name).hardlink_to(package / "lib" / "file")
    seen: list[int] = []
    async with a_lane() as (_, lane):
        for method in DiskMethod:
            sizes.clear()
            await ask_disk(lane, places, "gpu01", timeout=LIMIT, method=method, progress=seen.append)
            assert sum(sizes) < 4096, method
    assert seen and all(number > 0 for number in seen)


# What happens in the midst of a count is played by a find, or a program, that does it.

HANG = "exec sleep 1000"
DIE = 'kill -KILL "$$"'


def played_find(folder: Path, action: str, at: str = "") -> str:
    """A PATH whose find does *action* when it is to count a place whose path ends with *at*."""
    folder.mkdir()
    (folder / "find").write_text(
        f"""#!/bin/sh
case "$*" in *-maxdepth*) ;; *) case $1 in *{at}) {action} ;; esac ;; esac
exec /usr/bin/find "$@"
"""
    )
    (folder / "find").chmod(0o755)
    return f"{folder}:{GNU_PATH}"


def played_program(action: str, at: str = "") -> Callable[[], str]:
    """A program that does *action* before it counts a place whose path ends with *at*, one place after the other."""
    text = zlib.decompress(base64.b64decode(disk._program())).decode()
    begin = text.index("def count_owner(")
    line_end = text.index("\n", begin) + 1
    what = f"os.system({action!r})" if action not in (HANG, DIE) else "time.sleep(1000)"
    what = "os.kill(os.getpid(), 9)" if action == DIE else what
    line = f"    if place.real.endswith({at!r}): {what}\n"
    played = text[:line_end] + line + text[line_end:].replace("MOST_WORKERS = 4", "MOST_WORKERS = 1")
    packed = base64.b64encode(zlib.compress(played.encode())).decode()
    return lambda: packed


async def count_while(
    method: DiskMethod, places: list[DiskPlace], folder: Path, monkeypatch: pytest.MonkeyPatch, what: tuple[str, str]
) -> DiskTable:
    """The table, while *what* happens: an action, and the end of the place's path at which it does."""
    monkeypatch.setattr(disk, "_program", played_program(*what))
    return await count(places, method, path=played_find(folder / "played", *what))


def session(leader: int) -> list[str]:
    """The processes of a session, with their commands."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "stat").read_text("latin-1").rpartition(")")[2].split()
            if int(words[3]) == leader and words[0] != "Z":
                found.append(decode((path / "cmdline").read_bytes().replace(b"\0", b" "))[:80])
        except OSError:
            continue
    return found


@both
@pytest.mark.parametrize("shell", list(SHELLS))
async def test_closing_the_channel_ends_a_count_that_says_nothing(
    tmp_path: Path, method: DiskMethod, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_program", played_program(HANG))
    places = [env(fill(tmp_path / name)) for name in "abc"]
    async with a_lane(shell, path=played_find(tmp_path / "played", HANG)) as (connection, lane):
        asked = asyncio.create_task(ask_disk(lane, places, "gpu01", timeout=LIMIT, method=method))
        leader = connection.channels[0].pid
        busy = "sleep 1000" if method is DiskMethod.FIND else "python3"
        await eventually(lambda: any(busy in command for command in session(leader)))
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        lane.close()
        await eventually(lambda: not session(leader))


@both
@pytest.mark.parametrize("shell", list(SHELLS))
async def test_counting_stands_back_and_the_lane_does_not(
    tmp_path: Path, method: DiskMethod, shell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = f"nice >{tmp_path}/nice; ionice >{tmp_path}/ionice"
    monkeypatch.setattr(disk, "_program", played_program(note))
    async with a_lane(shell, path=played_find(tmp_path / "played", note)) as (connection, lane):
        leader = connection.channels[0].pid
        before = os.getpriority(os.PRIO_PROCESS, leader)
        await ask_disk(lane, [env(fill(tmp_path / "a"))], "gpu01", timeout=LIMIT, method=method)
        assert os.getpriority(os.PRIO_PROCESS, leader) == before
    assert (tmp_path / "nice").read_text() == "19\n"
    assert (tmp_path / "ionice").read_text().startswith("idle")


@both
async def test_a_count_that_does_not_get_on_is_given_up(
    tmp_path: Path, method: DiskMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "STALL_S", 0.1)
    places = [env(fill(tmp_path / "a"))]
    with pytest.raises(HostFaultError, match="does not get on") as caught:
        await count_while(method, places, tmp_path, monkeypatch, (HANG, "/a"))
    assert caught.value.fault.kind is FaultKind.TOOL_HUNG


@both
async def test_a_count_that_was_cut_short_is_no_table(
    tmp_path: Path, method: DiskMethod, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [env(fill(tmp_path / name)) for name in "abc"]
    assert await fault_of(count_while(method, places, tmp_path, monkeypatch, (DIE, "/b"))) is FaultKind.INCOMPLETE


@both
@pytest.mark.parametrize(
    ("what", "at"),
    [
        ("echo x >TREE/a/new", "/a"),
        ("echo x >>TREE/a/conda-meta/file", "/a"),
        ("rm -rf TREE/a", "/a"),
        ("touch TREE/a/conda-meta", "/b"),  # by conda, after that place was counted
    ],
)
async def test_what_changes_meanwhile_is_told(
    tmp_path: Path, method: DiskMethod, what: str, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "tree" / "a" / "conda-meta")
    places = [env(tmp_path / "tree" / "a"), env(fill(tmp_path / "tree" / "b"))]
    action = what.replace("TREE", str(tmp_path / "tree"))
    table = await count_while(method, places, tmp_path, monkeypatch, (action, at))
    assert table.owners[0].changed > 0
    assert Reason.CHANGED in table.freed([0]).reasons
    assert table.owners[1].changed == 0
    assert table.freed([1]).files == 2
