"""A host says who gets into its package caches: from real directories, in three shells, as several accounts."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.remote.answers import answer
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tests.remote.test_disk import LIMIT, fault_of, fill
from tui.domain.cacheusers import AccountsSeen, CacheAccess
from tui.domain.faults import FaultKind
from tui.remote import diskusers
from tui.remote.diskusers import ask_stamp, ask_users
from tui.remote.lane import Lane

ADA = 61234
shells = pytest.mark.parametrize("shell", list(SHELLS))
PASSWD = f"""root:x:0:0::/root:/bin/sh
ada:x:{ADA}:{ADA}::HOMES/ada:/bin/sh
eve:x:61235:61235::HOMES/eve:/bin/sh
"""
GROUP = f"root:x:0:\nada:x:{ADA}:\neve:x:61235:\n"


@pytest.fixture
def homes() -> Iterator[Path]:
    """A directory of homes that every account may enter; ada's is there, hers, and for everybody to see."""
    with tempfile.TemporaryDirectory(prefix="condafleet-users-") as folder:
        top = Path(folder).resolve()
        top.chmod(0o755)
        fill(top / "ada" / "mc" / "pkgs").parent.parent.chmod(0o755)
        own(top / "ada")
        yield top


def own(top: Path) -> None:
    for path in (top, *top.rglob("*")):
        os.chown(path, ADA, ADA)


def played_getent(homes: Path, passwd: str = PASSWD, group: str = GROUP) -> str:
    """A PATH whose getent knows these accounts and groups."""
    folder = homes / "played"
    folder.mkdir()
    for name, text in (("passwd", passwd), ("group", group)):
        (folder / name).write_text(text.replace("HOMES", str(homes)))
    (folder / "getent").write_text(
        f"""#!/bin/sh
[ $# = 2 ] || exec cat {folder}/$1
awk -F: -v k="$2" '$1 == k || $3 == k {{ print; f = 1; exit }} END {{ exit !f }}' {folder}/$1
"""
    )
    for path in (folder, folder / "getent"):
        path.chmod(0o755)
    return f"{folder}:{GNU_PATH}"


async def ask(
    caches: list[Path], *, shell: str = "dash", uid: int = ADA, home: Path | str = "/nonexistent", path: str = GNU_PATH
) -> AccountsSeen:
    wrap = ("/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups") if uid else ()
    connection = ShellConnection(SHELLS[shell], env={"PATH": path, "HOME": str(home)}, wrap=wrap)
    try:
        lane = await Lane.open(connection, timeout=LIMIT)
        return await ask_users(lane, "gpu01", [str(cache) for cache in caches], timeout=LIMIT)
    finally:
        await connection.close()


async def keeper(homes: Path, shell: str = "dash", **asked: object) -> CacheAccess:
    seen = await ask([homes / "ada" / "mc" / "pkgs"], shell=shell, home=homes / "ada", **asked)  # type: ignore[arg-type]  # by name
    (access,) = seen.caches
    return access


@shells
@pytest.mark.parametrize(
    ("mode", "alone"), [(0o700, True), (0o755, False), (0o711, False), (0o701, False), (0o710, False), (0o740, True)]
)
async def test_a_directory_that_none_but_its_owner_may_enter_keeps_the_others_out(
    homes: Path, shell: str, mode: int, alone: bool
) -> None:
    (homes / "ada").chmod(mode)
    access = await keeper(homes, shell)
    assert access.real == access.path == str(homes / "ada" / "mc" / "pkgs")
    assert access.keeper == (ADA if alone else None)


@shells
async def test_the_group_may_enter_if_it_is_the_owners_alone(homes: Path, shell: str) -> None:
    (homes / "ada").chmod(0o750)
    path = played_getent(homes)
    access = await keeper(homes, shell, path=path)
    assert (access.keeper, access.keeper_name, access.keeper_home) == (ADA, "ada", str(homes / "ada"))


@pytest.mark.parametrize(
    ("passwd", "group"),
    [
        (PASSWD, GROUP.replace(f"ada:x:{ADA}:", f"ada:x:{ADA}:eve")),
        (PASSWD, GROUP.replace("ada:x", "staff:x")),
        (PASSWD.replace("61235:61235", f"61235:{ADA}"), GROUP),
        (PASSWD, "root:x:0:\n"),
    ],
)
async def test_a_group_with_others_in_it_does_not_keep_them_out(homes: Path, passwd: str, group: str) -> None:
    (homes / "ada").chmod(0o750)
    assert (await keeper(homes, path=played_getent(homes, passwd, group))).keeper is None


async def test_without_gnus_ls_an_access_control_list_would_not_be_seen(homes: Path) -> None:
    (homes / "ada").chmod(0o750)
    played = played_getent(homes).partition(":")[0]
    bare = f"{played}:{busybox_path(homes)}"
    (homes / "applets").chmod(0o755)
    assert (await keeper(homes, "busybox", path=bare)).keeper is None
    (homes / "ada").chmod(0o700)
    assert (await keeper(homes, "busybox", path=bare)).keeper == ADA


@shells
async def test_a_link_to_a_cache_is_judged_by_where_it_leads(homes: Path, shell: str) -> None:
    (homes / "ada").chmod(0o700)
    (homes / "open").mkdir()
    (homes / "open" / "link").symlink_to(homes / "ada" / "mc" / "pkgs")
    (homes / "ada" / "out").symlink_to(fill(homes / "everybodys"))
    caches = [homes / "open" / "link", homes / "ada" / "out", homes / "gone", homes / "new\nline"]
    (homes / "new\nline").mkdir()
    seen = await ask(caches, shell=shell, home=homes / "ada")
    assert [(each.path, each.real, each.keeper) for each in seen.caches] == [
        (str(caches[0]), str(homes / "ada" / "mc" / "pkgs"), ADA),
        (str(caches[1]), str(homes / "everybodys"), None),
        (str(caches[2]), None, None),
        (str(caches[3]), str(caches[3]), None),
    ]


async def test_what_somebody_else_keeps_is_said_with_whose_it_is(homes: Path) -> None:
    (homes / "ada").chmod(0o700)
    path = played_getent(homes)
    stranger = await ask([homes / "ada" / "mc" / "pkgs"], uid=61235, path=path)
    assert stranger.caches[0].real is None
    root = await ask([homes / "ada" / "mc" / "pkgs"], uid=0, home=homes, path=path)
    assert (root.uid, root.caches[0].keeper, root.caches[0].keeper_name) == (0, ADA, "ada")


@shells
async def test_a_list_of_environments_that_cannot_be_read_is_told(homes: Path, shell: str) -> None:
    home = homes / "ada"
    caches = [home / "mc" / "pkgs"]
    assert (await ask(caches, shell=shell, home=home)).list_readable
    (home / ".conda").mkdir()
    (home / ".conda" / "environments.txt").write_text("/e\n")
    assert (await ask(caches, shell=shell, home=home)).list_readable
    (home / ".conda" / "environments.txt").chmod(0o600)
    assert not (await ask(caches, shell=shell, home=home)).list_readable
    (home / ".conda" / "environments.txt").chmod(0o644)
    (home / ".conda").chmod(0o700)
    assert not (await ask(caches, shell=shell, home=home)).list_readable
    # Another home than $HOME has a list that nobody reads.
    (home / ".conda").chmod(0o755)
    assert not (await ask(caches, shell=shell, home=homes, path=played_getent(homes))).list_readable


@shells
async def test_root_is_told_of_homes_that_are_not_looked_into(homes: Path, shell: str) -> None:
    path = played_getent(homes)
    (homes / "eve" / ".conda").mkdir(parents=True)
    seen = await ask([homes], shell=shell, uid=0, home=homes, path=path)
    assert [home for home in seen.homes_unseen if home.startswith(str(homes))] == [str(homes / "eve")]
    assert (await ask([homes], shell=shell, path=path)).homes_unseen == ()


async def test_a_host_that_does_not_finish_has_said_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diskusers, "script", lambda name: rb"printf '=me\0002\0001\0001\000'")
    assert await fault_of(ask([Path("/x")], uid=0)) is FaultKind.INCOMPLETE


async def test_lies_about_caches_that_nobody_asked_for_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    said = answer(("me", "x", 7), ("cache", 5, "/y", 1), ("cache", -1, "/y", 1), ("cache",), ("home",), ("end",))
    octal = "".join(f"\\{byte:03o}" for byte in said)
    monkeypatch.setattr(diskusers, "script", lambda name: f"printf '{octal}'".encode())
    assert await ask([Path("/x")], uid=0) == AccountsSeen(None, homes_unseen=("/",))


async def test_a_stamp_changes_when_something_is_installed(tmp_path: Path) -> None:
    place = tmp_path / "e"
    (place / "conda-meta").mkdir(parents=True)
    connection = ShellConnection()
    try:
        lane = await Lane.open(connection, timeout=LIMIT)

        async def stamp() -> bytes:
            return await ask_stamp(lane, [str(place), str(tmp_path / "gone")], timeout=LIMIT)

        first = await stamp()
        assert await stamp() == first
        os.utime(place / "conda-meta", (1, 1))
        second = await stamp()
        (tmp_path / "gone").mkdir()
        assert len({first, second, await stamp()}) == 3
    finally:
        await connection.close()
