"""The inventory against real trees, with each shell and userland."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests import condaroot
from tests.condaroot import MAMBA, NUMPY, OPENSSL, PIP, PYTHON, CondaRoot, Pkg
from tests.remote.inventories import (
    MACHINE,
    NOBODY,
    USERLANDS,
    RealClock,
    Shell,
    inventory,
    lane,
    make_shell,
    open_to_others,
    read,
)
from tests.remote.shells import GNU_PATH, SHELLS
from tui.domain.environments import EnvKind, Manager
from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Machine, Mount
from tui.domain.packages import PackageManager
from tui.remote.lane import Lane


@pytest.fixture(params=USERLANDS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return make_shell(str(request.param), tmp_path)


async def test_a_root_with_environments_is_described_whole(shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "ada"
    root = CondaRoot(home / "miniconda3")
    root.base((PYTHON, condaroot.CONDA, MAMBA, PIP))
    train = root.named("train", (PYTHON, NUMPY, OPENSSL))
    condaroot.pip_install(train, "torch-tools", "0.3.1")
    condaroot.pip_install(train, "numpy", "2.1.0")
    condaroot.pip_install(train, "fast", "1.2", installer="uv", editable="/src/fast")
    condaroot.freeze(train)
    side = root.env(home / "work" / "side", (PYTHON,))
    condaroot.environments_txt(home, [side, home / "gone"])
    installs, environments = await read(inventory(home, protect=("*:tr*",)), shell)

    install = installs[str(root.root)]
    assert (install.manager, install.version) == (Manager.MAMBA, "2.3.0")
    assert install.tools == (("conda", "26.7.1"), ("mamba", "2.3.0"))
    assert install.writable is True and install.owner is not None and install.fault is None
    assert str(root.root / "envs") in install.envs_dirs and str(root.pkgs) in install.pkgs_dirs
    assert set(environments) == {str(root.root), str(train), str(side), str(home / "gone")}

    base = environments[str(root.root)]
    assert (base.kind, base.name, base.protected, base.install) == (EnvKind.BASE, "base", True, str(root.root))
    env = environments[str(train)]
    assert (env.kind, env.name, env.install) == (EnvKind.NAMED, "train", str(root.root))
    assert (env.python, env.frozen, env.protected, env.writable) == ("3.11.7", True, True, True)
    assert (env.conda_packages, env.pip_packages) == (3, 3)
    assert env.requested == {"python"} and env.clobbered == {"numpy"}
    found = {(p.name, p.version, p.build, p.channel, p.manager) for p in env.packages.packages}
    assert ("numpy", "2.0.2", "py311h71ddf71_0", "conda-forge", PackageManager.CONDA) in found
    assert ("openssl", "3.2.0", "hd590300_1", "pkgs/main", PackageManager.CONDA) in found
    assert ("torch-tools", "0.3.1", None, None, PackageManager.PIP) in found
    assert ("fast", "1.2", None, None, PackageManager.PIP) in found
    assert env.modified == pytest.approx(os.stat(train / "conda-meta/history").st_mtime, abs=1)  # noqa: PTH116
    assert env.created is not None and env.fault is None
    stat = train.stat()
    assert env.fs_id == f"m1:{stat.st_dev}:{stat.st_ino}:{train}"
    assert (environments[str(side)].kind, environments[str(side)].name) == (EnvKind.PREFIX, None)
    assert environments[str(side)].install == str(root.root)
    ghost = environments[str(home / "gone")]
    assert ghost.fault is not None and ghost.fault.kind is FaultKind.GHOST and ghost.conda_packages is None


ODD_NAMES = (
    "with space",
    "br[a]ck*?t",
    'it\'s "quoted"',
    "环境-日本",
    "line\nbreak",
    "trailing\n",
    "tab\there",
    "-leading",
    "--",
    "back\\slash$HOME`id`",
    os.fsdecode(b"latin-\xe9\xff"),
    "n" * 255,
    "\x01soh",
    "~",
)


async def test_odd_names_come_out_byte_for_byte(shell: Shell, tmp_path: Path) -> None:
    home = tmp_path / "odd home's"
    root = CondaRoot(home / "miniforge3")
    root.base()
    made = {os.fsencode(root.named(name, (PYTHON,))) for name in ODD_NAMES}
    condaroot.environments_txt(home, [root.root / "envs" / name for name in ODD_NAMES])
    _, environments = await read(inventory(home), shell)
    assert {os.fsencode(prefix) for prefix in environments} == made | {os.fsencode(root.root)}
    assert {env.name for env in environments.values()} == {*ODD_NAMES, "base"}
    assert all(env.conda_packages == 1 for env in environments.values() if env.name != "base")
    assert all(env.fault is None for env in environments.values())


async def test_incomplete_things_are_told_apart(shell: Shell, tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    root.base()
    envs = root.root / "envs"
    root.env(envs / "no-history", (PYTHON,), history=False)
    (envs / "no-meta" / "bin").mkdir(parents=True)
    (envs / "empty").mkdir()
    (envs / ".hidden" / "x").mkdir(parents=True)
    root.named(".dotted", (PYTHON,))
    (envs / ".conda_envs_dir_test").touch()
    (envs / "file").touch()
    (envs / "group").mkdir()
    root.named("group/nested", (PYTHON,))
    (envs / "lost").symlink_to("/nonexistent/x")
    elsewhere = root.env(tmp_path / "data" / "real", (PYTHON,))
    (envs / "linked").symlink_to(elsewhere)
    broken = root.named("broken", (PYTHON, NUMPY))
    record = broken / "conda-meta" / f"{NUMPY.stem}.json"
    record.write_bytes(record.read_bytes()[:400])
    (broken / "conda-meta" / "odd.json").write_text("")
    os.mkfifo(broken / "conda-meta" / "pipe-1-0.json")
    _, environments = await read(inventory(root.root), shell)
    by_name = {env.name: env for env in environments.values()}
    assert set(by_name) == {
        "base", "no-history", "no-meta", ".dotted", "group/nested", "lost", "linked", "broken",
    }  # fmt: skip
    kinds = {name: env.fault.kind if env.fault else None for name, env in by_name.items()}
    assert kinds["no-history"] is kinds["no-meta"] is kinds["broken"] is FaultKind.INCOMPLETE
    assert kinds["lost"] is FaultKind.GHOST
    assert kinds[".dotted"] is kinds["group/nested"] is kinds["linked"] is kinds["base"] is None
    assert by_name["linked"].linked_to == str(elsewhere) and by_name["linked"].conda_packages == 1
    assert by_name["broken"].conda_packages == 4
    numpy = by_name["broken"].packages.find("numpy")
    assert numpy is not None and numpy.version == "2.0.2"
    assert by_name["no-meta"].conda_packages is None and by_name["lost"].frozen is None


async def test_a_micromamba_root_has_environments_and_no_base(shell: Shell, tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "home" / ".local/share/mamba", micromamba=True)
    prefix = root.named("exp", (PYTHON, NUMPY))
    installs, environments = await read(inventory(tmp_path / "home"), shell)
    assert [(i.root, i.manager, i.version) for i in installs.values()] == [(str(root.root), Manager.MICROMAMBA, None)]
    assert set(environments) == {str(prefix)}
    env = environments[str(prefix)]
    assert (env.manager, env.install, env.name) == (Manager.MICROMAMBA, str(root.root), "exp")
    assert env.requested == {"python"} and env.conda_packages == 2


async def test_without_only_the_usual_places_of_the_home_are_looked_at(tmp_path: Path) -> None:
    home = tmp_path / "ada"
    usual = CondaRoot(home / "miniconda3")
    usual.base()
    initialised = CondaRoot(tmp_path / "data" / "my conda")
    initialised.base()
    other = initialised.env(tmp_path / "envs-disk" / "far", (PYTHON,))
    (home / ".bashrc").write_text(
        "# >>> conda initialize >>>\n"
        f"__conda_setup=\"$('{initialised.root}/bin/conda' 'shell.bash' 'hook' 2> /dev/null)\"\n"
        f'    if [ -f "{initialised.root}/etc/profile.d/conda.sh" ]; then\n'
        "# <<< conda initialize <<<\n"
    )
    (home / ".condarc").write_text(f"channels: [x]\nenvs_dirs:\n  - {tmp_path}/envs-disk  # big\n  - ~/more\n")
    env = {"PATH": GNU_PATH, "HOME": str(home)}
    installs, environments = await read(inventory(only=False), (SHELLS["dash"], env))
    mine = {prefix: e for prefix, e in environments.items() if prefix.startswith(str(tmp_path))}
    assert {root for root in installs if root.startswith(str(tmp_path))} == {str(usual.root), str(initialised.root)}
    assert set(mine) == {str(usual.root), str(initialised.root), str(other)}
    assert (mine[str(other)].name, mine[str(other)].install) == ("far", str(initialised.root))
    assert installs[str(usual.root)].envs_dirs[:2] == (f"{tmp_path}/envs-disk", str(home / "more"))


async def test_only_the_configured_places_are_looked_at(tmp_path: Path) -> None:
    home = tmp_path / "ada"
    CondaRoot(home / "miniconda3").base()
    inside = CondaRoot(tmp_path / "srv" / "conda")
    inside.base()
    (inside.root / ".condarc").write_text(f"envs_dirs: [{home}/miniconda3/envs]\n")
    condaroot.environments_txt(tmp_path / "srv", [home / "miniconda3", inside.root])
    env = {"PATH": GNU_PATH, "HOME": str(home), "MAMBA_ROOT_PREFIX": str(home / "miniconda3")}
    installs, environments = await read(inventory(tmp_path / "srv"), (SHELLS["dash"], env))
    assert set(installs) == set(environments) == {str(inside.root)}


async def test_what_another_user_may_not_read_is_listed_and_not_dropped(shell: Shell, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    root = CondaRoot(tmp_path / "c")
    root.base()
    open_env = root.named("open", (PYTHON,))
    shut = root.named("shut", (PYTHON,))
    shut.chmod(0o700)
    half = root.named("half", (PYTHON,))
    (half / "conda-meta").chmod(0o700)
    private = tmp_path / "private"
    hidden = root.env(private / "deep" / "x", (PYTHON,))
    private.chmod(0o700)
    condaroot.environments_txt(tmp_path, [hidden, tmp_path / "gone"])
    _, environments = await read(inventory(tmp_path), shell, wrap=NOBODY)
    faults = {prefix: env.fault.kind if env.fault else None for prefix, env in environments.items()}
    assert faults == {
        str(root.root): None,
        str(open_env): None,
        str(shut): FaultKind.PERMISSION,
        str(half): FaultKind.PERMISSION,
        str(hidden): FaultKind.PERMISSION,
        str(tmp_path / "gone"): FaultKind.GHOST,
    }
    assert environments[str(open_env)].writable is False
    assert environments[str(half)].conda_packages is None


async def test_packages_are_sent_again_only_after_a_change(tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    first = root.named("first", (PYTHON,))
    second = root.named("second", (PYTHON,))
    for prefix in (first, second):
        for path in (prefix / "conda-meta/history", prefix / "conda-meta", prefix / condaroot.SITE):
            if path.exists():
                condaroot.age(path, 100)
    asked: list[list[str]] = []
    inv = inventory(tmp_path)
    cache = inv._packages
    original = cache._ask

    async def spy(lane: Lane, prefixes: Any, size: int) -> Any:
        asked.append(list(prefixes))
        return await original(lane, prefixes, size)

    cache._ask = spy  # type: ignore[method-assign]
    await read(inv)
    # Change times cannot be set back: what was just made counts as unsettled, so wait until it is not.
    deadline = RealClock().monotonic() + 15
    while True:
        asked.clear()
        await read(inv)
        if not asked:
            break
        assert RealClock().monotonic() < deadline
    condaroot.pip_install(second, "late", "1.0")
    _, environments = await read(inv)
    assert asked == [[str(second)]]
    assert environments[str(second)].pip_packages == 1 and environments[str(first)].pip_packages == 0


async def test_places_on_a_mount_that_does_not_answer_are_named_and_not_touched(tmp_path: Path) -> None:
    fine = CondaRoot(tmp_path / "fine")
    fine.named("a", (PYTHON,))
    CondaRoot(tmp_path / "dead" / "c").named("b", (PYTHON,))
    hung = Mount(str(tmp_path / "dead"), "nfs:/x", "nfs4", fault=Fault(FaultKind.TOOL_HUNG, "does not answer", ""))
    inv = inventory(tmp_path / "fine", tmp_path / "dead")
    async with lane() as opened:
        parts = await inv.read(opened, MACHINE, (hung,))
    assert [env.name for env in parts["environments"].value or ()] == ["a"]
    fault = parts["environments"].fault
    assert fault is not None and fault.kind is FaultKind.TOOL_HUNG and str(tmp_path / "dead") in fault.message


async def test_a_prefix_on_an_export_has_the_same_identity_on_every_host(tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    prefix = root.named("a", (PYTHON,))
    mounts = (Mount("/", "/dev/sda", "ext4"), Mount(str(tmp_path), "nas:/x", "nfs4", network=True, export_id="nas:/x"))
    _, environments = await read(inventory(tmp_path), mounts=mounts)
    assert environments[str(prefix)].fs_id == "nas:/x:/c/envs/a"


async def test_a_search_finds_what_lies_deep_and_later_reads_keep_it(shell: Shell, tmp_path: Path) -> None:
    deep = tmp_path / "a/b/c/d/e/f/g/h with\nbreak"
    root = CondaRoot(tmp_path / "root")
    prefix = root.env(deep, (PYTHON,))
    named = root.named("n", (PYTHON,))
    hidden = root.env(tmp_path / "root" / "pkgs" / "cached", (PYTHON,))
    argv, env = shell
    inv = inventory(tmp_path / "nothing", only=False)
    said: list[str] = []
    async with lane(argv, env) as opened:
        found = await inv.search(opened, str(tmp_path), said.append)
        assert set(found) == {str(prefix), str(named)}
        assert str(hidden) not in found and said
        parts = await inv.read(opened, MACHINE, None)
    listed = {env.prefix: env for env in parts["environments"].value or ()}
    assert {str(prefix), str(named)} <= set(listed)
    assert listed[str(named)].name == "n" and "search" in listed[str(prefix)].seen_in


async def test_a_running_process_is_named_with_the_environment_it_uses(shell: Shell, tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    root.base()
    used = root.named("used one", (PYTHON,))
    activated = root.named("activated", (PYTHON,))
    root.named("idle", (PYTHON,))
    program = used / "bin" / "sleeper"
    shutil.copy("/usr/bin/sleep", program)
    runner = await asyncio.create_subprocess_exec(program, "300")
    pane_env = {"CONDA_PREFIX": str(activated), "TMUX_PANE": "%3", "PATH": GNU_PATH}
    # What the lane's own parent started in the same way is the connection's, and uses nothing.
    sibling = await asyncio.create_subprocess_exec("/usr/bin/sleep", "302", env=pane_env)
    in_pane = 'sleep 301 & echo "$!"; wait'
    pane = await asyncio.create_subprocess_exec("/bin/sh", "-c", in_pane, env=pane_env, stdout=asyncio.subprocess.PIPE)
    assert pane.stdout is not None
    pane_pid = int(await pane.stdout.readline())
    try:
        _, environments = await read(inventory(tmp_path), shell)
    finally:
        os.kill(pane_pid, signal.SIGKILL)
        for process in (runner, pane, sibling):
            if process.returncode is None:
                process.kill()
            await process.wait()
    env = environments[str(used)]
    assert [(use.pid, use.user, use.command) for use in env.in_use] == [(runner.pid, "root", "sleeper 300")]
    assert "exe" in env.in_use[0].via
    assert env.last_used_signal == "process"
    shown = environments[str(activated)]
    assert [(use.pid, use.via) for use in shown.in_use] == [(pane_pid, "CONDA_PREFIX,session")]
    assert shown.last_used_signal == "session"
    assert environments[str(root.root)].in_use == () == environments[str(root.root / "envs" / "idle")].in_use
    assert environments[str(root.root / "envs" / "idle")].last_used_signal == "history"


async def test_the_answer_about_uses_is_incomplete_for_an_account_that_sees_only_its_own(tmp_path: Path) -> None:
    open_to_others(tmp_path)
    root = CondaRoot(tmp_path / "c")
    prefix = root.named("a", (PYTHON,))
    _, as_root = await read(inventory(tmp_path))
    _, as_nobody = await read(inventory(tmp_path), wrap=NOBODY)
    assert as_root[str(prefix)].in_use_complete is not hidden_from_me()
    assert as_nobody[str(prefix)].in_use_complete is False


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("played", [True, False])
@pytest.mark.parametrize("only", [True, False])
async def test_no_account_can_claim_that_all_processes_were_seen_except_on_a_demos_host(
    tmp_path: Path, only: bool, played: bool, said: bool
) -> None:
    root = CondaRoot(tmp_path / "c")
    prefix = root.named("a", (PYTHON,))
    tools = tmp_path / "tools"
    tools.mkdir()
    # As on any host where other accounts' processes show no program.
    (tools / "find").write_text(
        "#!/bin/sh\n/usr/bin/find \"$@\"\ncase $1 in /proc/*) printf '/proc/1/exe\\t\\0' ;; esac\n"
    )
    (tools / "find").chmod(0o755)
    env = {"PATH": f"{tools}:{GNU_PATH}", "HOME": "/nonexistent"}
    if said:
        env["CONDAFLEET_PLAYED"] = str(tmp_path)
    inv = inventory(tmp_path, only=only)
    async with lane(SHELLS["dash"], env) as opened:
        parts = await inv.read(opened, Machine(machine_id="m1", played=played), None)
    found = {environment.prefix: environment for environment in parts["environments"].value or ()}
    assert found[str(prefix)].in_use_complete is (only and played and said)


def hidden_from_me() -> bool:
    """True when this account may not look at some process: in a container, even root."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if (entry / "cmdline").read_bytes():
                    (entry / "exe").readlink()
            except PermissionError:
                return True
            except (FileNotFoundError, ProcessLookupError):
                continue
    return False


async def test_a_large_record_costs_no_more_than_its_end(tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    big = Pkg("big", "1.0", "0", requested=True, bulk=8000)
    prefix = root.named("a", (big, PYTHON))
    assert (prefix / "conda-meta" / f"{big.stem}.json").stat().st_size > 1_000_000
    _, environments = await read(inventory(tmp_path))
    env = environments[str(prefix)]
    assert env.requested == {"big", "python"} and env.fault is None
    package = env.packages.find("big")
    assert package is not None and package.channel == "conda-forge"
