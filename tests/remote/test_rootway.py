"""Root's shell by a real sudo: where there is one, what gets into it, and what is said where there is none."""

from __future__ import annotations

import pwd
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.remote.inventories import RealClock
from tests.remote.shells import GNU_PATH, SHELLS
from tests.remote.sudohost import as_account
from tests.remote.taskhost import path_without
from tests.sshd import SshServer, SshUser
from tests.sudoers import LEAST, allowed
from tui.domain.faults import FaultKind
from tui.fleet.local import LocalConnection
from tui.remote.lane_pool import MAIN, LanePool
from tui.remote.rootway import ROOT_TASKS, NoRootError

ROOTS_HOME = pwd.getpwuid(0).pw_dir
WHO = b'id -u; printf \'%s\\n\' "${SECRET_OF_THE_LOGIN:-clean}" "$HOME" "${CONDAFLEET_LOGIN:-none}"'


@pytest.fixture(scope="module")
def server() -> Iterator[SshServer]:
    with SshServer() as server:
        yield server


@pytest.fixture(scope="module")
def ada(server: SshServer) -> SshUser:
    return server.add_user()


@pytest.fixture
async def pool(ada: SshUser) -> AsyncIterator[LanePool]:
    connection = as_account(ada)
    pool = LanePool(connection, "gpu01", 20, sudo=True)
    yield pool
    pool.close()
    await connection.close()


async def said(pool: LanePool, kind: str) -> list[str]:
    return (await (await pool.lane(kind)).ask(WHO, timeout=20)).decode().splitlines()


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash", "tcsh", "fish", "zsh", *SHELLS])
async def test_what_looks_is_root_s_and_the_rest_the_account_s(ada: SshUser, shell: str) -> None:
    words = SHELLS.get(shell, (shutil.which(shell) or shell,))
    connection = as_account(ada)
    connection.login = words
    pool = LanePool(connection, "gpu01", 20, sudo=True)
    with allowed(ada.name, LEAST):
        assert await said(pool, MAIN) == [str(ada.uid), "hush", str(ada.home), "none"]
        assert await said(pool, "inventory") == ["0", "clean", ROOTS_HOME, f"{ada.uid}:{ada.home}"]
        assert await said(pool, ROOT_TASKS) == ["0", "clean", ROOTS_HOME, f"{ada.uid}:{ada.home}"]
        assert (await said(pool, "gpus"))[0] == str(ada.uid)
    assert pool.root_fault is None
    pool.close()
    await connection.close()


REFUSALS = [
    ("", "", FaultKind.PERMISSION, "asks the account for a password", "NOPASSWD: /bin/sh"),
    ("ALL=(root) /bin/sh", "", FaultKind.PERMISSION, "asks the account for a password", "NOPASSWD: /bin/sh"),
    ("ALL=(root) NOPASSWD: /bin/true", "", FaultKind.PERMISSION, "", "NOPASSWD: /bin/sh"),
    ("ALL=(nobody) NOPASSWD: ALL", "", FaultKind.PERMISSION, "", "NOPASSWD: /bin/sh"),
    (LEAST, "requiretty", FaultKind.PERMISSION, "wants a terminal (requiretty)", "!requiretty"),
]


@pytest.mark.parametrize(("rule", "defaults", "kind", "words", "remedy"), REFUSALS)
async def test_where_sudo_refuses_everything_is_asked_as_the_account(
    ada: SshUser, pool: LanePool, rule: str, defaults: str, kind: FaultKind, words: str, remedy: str
) -> None:
    with allowed(ada.name, rule, defaults=defaults):
        assert (await said(pool, "inventory"))[0] == str(ada.uid)
    fault = pool.root_fault
    assert fault is not None and fault.kind is kind
    assert words in fault.message and "gpu01" in fault.message
    assert remedy in fault.remedy and "nothing of other accounts is changed" in fault.message
    # It is not asked a second time over this connection, were it allowed by now.
    with allowed(ada.name):
        assert (await said(pool, "changes"))[0] == str(ada.uid)
        with pytest.raises(NoRootError) as raised:
            await pool.lane(ROOT_TASKS)
    assert raised.value.fault == fault


async def test_a_host_without_sudo_says_so(ada: SshUser, tmp_path: Path) -> None:
    folder = ada.home / "few"
    path_without(folder, ["sudo"])
    connection = as_account(ada, path=str(folder))
    pool = LanePool(connection, "gpu01", 20, sudo=True)
    assert (await said(pool, "disk"))[0] == str(ada.uid)
    assert pool.root_fault is not None and pool.root_fault.kind is FaultKind.TOOL_MISSING
    assert "gpu01 has no sudo" in pool.root_fault.message
    pool.close()
    await connection.close()


async def test_a_sudo_that_never_answers_is_waited_for_once(ada: SshUser) -> None:
    folder = ada.home / "slow"
    folder.mkdir()
    (folder / "sudo").write_text("#!/bin/sh\nexec sleep 1000\n")
    (folder / "sudo").chmod(0o755)
    connection = as_account(ada, path=f"{folder}:{GNU_PATH}")
    pool = LanePool(connection, "gpu01", 1, sudo=True)
    assert (await said(pool, "inventory"))[0] == str(ada.uid)
    assert pool.root_fault is not None and pool.root_fault.kind is FaultKind.TIMEOUT
    opened = len(connection.channels)
    assert (await said(pool, "disk"))[0] == str(ada.uid)
    assert len(connection.channels) == opened + 1
    pool.close()
    await connection.close()


async def test_only_who_is_told_to_uses_sudo(ada: SshUser) -> None:
    connection = as_account(ada)
    pool = LanePool(connection, "gpu01", 20)
    with allowed(ada.name):
        assert (await said(pool, "inventory"))[0] == str(ada.uid)
        with pytest.raises(NoRootError):
            await pool.lane(ROOT_TASKS)
    pool.close()
    await connection.close()


async def test_a_login_that_is_root_needs_no_sudo(ada: SshUser, tmp_path: Path) -> None:
    folder = tmp_path / "few"
    connection = as_account(ada, path=path_without(folder, ["sudo"]))
    connection.wrap = ()
    pool = LanePool(connection, "gpu01", 20, sudo=True)
    assert await said(pool, "inventory") == ["0", "hush", str(ada.home), "none"]
    assert pool.root_fault is None
    pool.close()
    await connection.close()


async def test_a_root_s_shell_is_shared_with_no_question_of_the_account_s(
    ada: SshUser, pool: LanePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with allowed(ada.name):
        first = await pool.lane("inventory")
        monkeypatch.setattr(pool, "_scarce_until", float("inf"))
        assert await pool.lane("disk") is first
        plain = await pool.lane("gpus")
        assert plain is not first
        assert await pool.lane("mounts") is plain
        assert (await said(pool, "mounts"))[0] == str(ada.uid)


async def test_this_machine_itself_is_looked_at_by_root_as_well(
    ada: SshUser, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the account had started the program.
    shell = server.directory / "shell-of-ada"
    shell.write_text(
        f"#!/bin/sh\nexec setpriv --reuid={ada.uid} --regid=nogroup --init-groups env HOME={ada.home} "
        'SECRET_OF_THE_LOGIN=hush /bin/sh "$@"\n'
    )
    shell.chmod(0o755)
    monkeypatch.setattr("tui.fleet.local._SHELL", str(shell))
    connection = LocalConnection(RealClock())
    pool = LanePool(connection, "local", 20, sudo=True)
    with allowed(ada.name):
        assert (await said(pool, MAIN))[:2] == [str(ada.uid), "hush"]
        assert await said(pool, "inventory") == ["0", "clean", ROOTS_HOME, f"{ada.uid}:{ada.home}"]
    pool.close()
    await connection.close()
