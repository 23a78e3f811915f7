"""Finer points of the inventory: last use, who owns a distribution, channels, directories named by the tool."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests import condaroot
from tests.condaroot import NUMPY, PYTHON, CondaRoot, Pkg
from tests.remote.inventories import (
    MACHINE,
    NOBODY,
    RealClock,
    Shell,
    inventory,
    lane,
    make_shell,
    open_to_others,
    read,
)
from tui.domain.environments import EnvKind
from tui.domain.packages import PackageManager


@pytest.fixture(params=("bash", "busybox", "dash-gawk"))
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return make_shell(str(request.param), tmp_path)


async def test_an_install_without_any_environments_is_an_install(shell: Shell, tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    root.base()
    (root.root / "envs").rmdir()
    installs, environments = await read(inventory(tmp_path), shell)
    assert set(installs) == set(environments) == {str(root.root)}
    assert environments[str(root.root)].kind is EnvKind.BASE


async def test_a_linked_install_keeps_the_name_that_people_use(shell: Shell, tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "data" / "conda")
    root.base()
    root.named("a", (PYTHON,))
    home = tmp_path / "home"
    home.mkdir()
    (home / "miniconda3").symlink_to(root.root)
    condaroot.environments_txt(home, [root.root / "envs" / "a"])
    installs, environments = await read(inventory(home), shell)
    assert set(installs) == {str(home / "miniconda3")}
    assert {prefix: env.name for prefix, env in environments.items()} == {
        str(home / "miniconda3"): "base",
        str(home / "miniconda3/envs/a"): "a",
    }
    # Both ways in at once: still one environment, under the path of the place that comes first.
    installs, environments = await read(inventory(home, tmp_path / "data"), shell)
    assert len(installs) == 1 and len(environments) == 2


async def test_when_a_python_was_read_tells_when_an_environment_was_used(shell: Shell, tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    alone, shared = root.named("alone", (PYTHON,)), root.named("shared", (PYTHON,))
    compiled = root.named("compiled", (PYTHON, NUMPY))
    now = RealClock().now()
    for prefix in (alone, shared, compiled):
        condaroot.age(prefix / "conda-meta/history", 5000)
    # Read after it was last changed: no later than now is ever shown.
    for prefix in (alone, shared):
        os.utime(prefix / "bin/python3.11", (now + 500, now - 1000))
    (tmp_path / "second name").hardlink_to(shared / "bin/python3.11")
    (compiled / condaroot.SITE / "numpy" / "__pycache__").mkdir(parents=True)
    condaroot.age(compiled / condaroot.SITE / "numpy" / "__pycache__", 1000)
    _, environments = await read(inventory(tmp_path), shell)
    found = {env.name: (env.last_used_signal, env.last_used) for env in environments.values()}
    signals = {name: signal for name, (signal, _) in found.items()}
    times = {name: time for name, (_, time) in found.items()}
    assert signals == {"alone": "atime", "shared": "history", "compiled": "pycache"}
    assert times == pytest.approx({"alone": now, "shared": now - 5000, "compiled": now - 1000}, abs=60)


async def test_an_old_package_without_an_installer_is_conda_s_when_a_record_lists_it(
    shell: Shell, tmp_path: Path
) -> None:
    root = CondaRoot(tmp_path / "c")
    torch = Pkg("pytorch", "2.0.1", "py3.11_cuda11.8", channel="https://conda.anaconda.org/pytorch")
    prefix = root.named("a", (PYTHON, torch))
    info = condaroot.pip_install(prefix, "torch", "2.0.1", installer=None)
    names = [str(path.relative_to(prefix)) for path in info.iterdir()]
    condaroot.write_record(prefix, torch, names, root.pkgs / torch.stem)
    condaroot.pip_install(prefix, "mine", "0.1", installer=None)
    condaroot.egg_link(prefix, "developed", tmp_path / "src")
    _, environments = await read(inventory(tmp_path), shell)
    env = environments[str(prefix)]
    pip = {(p.name, p.version) for p in env.packages.packages if p.manager is PackageManager.PIP}
    assert pip == {("mine", "0.1"), ("developed", None)}


async def test_records_of_tools_that_write_the_address_first_have_their_channel(shell: Shell, tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    prefix = root.named("a", (PYTHON,))
    path = prefix / "conda-meta" / "zlib-1.3-h1_0.json"
    record = {
        "build": "h1_0",
        "name": "zlib",
        "version": "1.3",
        "url": "https://conda.anaconda.org/bioconda/linux-64/zlib-1.3-h1_0.conda",
        "files": [f"lib/{number}" for number in range(500)],
        "requested_specs": ["zlib >=1"],
    }
    path.write_text(json.dumps(record, indent=2))
    _, environments = await read(inventory(tmp_path), shell)
    package = environments[str(prefix)].packages.find("zlib")
    assert package is not None and package.channel == "bioconda"
    assert environments[str(prefix)].requested == {"python", "zlib"}


async def test_a_tool_is_asked_for_its_directories_only_when_its_owner_may_run_it(shell: Shell, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    root = CondaRoot(tmp_path / "c")
    root.base()
    (root.root / "bin").mkdir(exist_ok=True)
    tool = root.root / "bin" / "conda"
    ran = tmp_path / "ran"
    ran.mkdir()
    ran.chmod(0o777)
    said = {"envs_dirs": [str(tmp_path / "more"), "relative", 7], "pkgs_dirs": [str(root.pkgs)], "root_prefix": "x"}
    tool.write_text(f"#!/bin/sh\necho $$ >> '{ran}/log'\necho 'a warning'\ncat <<'X'\n{json.dumps(said)}\nX\n")
    tool.chmod(0o755)
    extra = root.env(tmp_path / "more" / "far", (PYTHON,))
    inv = inventory(tmp_path)
    argv, env = shell
    async with lane(argv, env) as opened:
        parts = await inv.read(opened, MACHINE, None)
        assert {e.prefix: e.kind for e in parts["environments"].value or ()}[str(extra)] is EnvKind.PREFIX
        assert await inv.confirm_dirs(opened) is True
        assert await inv.confirm_dirs(opened) is False
        parts = await inv.read(opened, MACHINE, None)
    install = next(iter(parts["installs"].value or ()))
    assert install.dirs_confirmed is True
    assert (install.envs_dirs, install.pkgs_dirs) == ((str(tmp_path / "more"),), (str(root.pkgs),))
    assert {e.prefix: e.name for e in parts["environments"].value or ()}[str(extra)] == "far"
    assert len((ran / "log").read_text().splitlines()) == 1

    os.chown(tool, 12345, 12345)
    other = inventory(tmp_path)
    async with lane(argv, env, wrap=NOBODY) as opened:
        await other.read(opened, MACHINE, None)
        assert await other.confirm_dirs(opened) is False
    assert len((ran / "log").read_text().splitlines()) == 1


async def test_a_tool_that_talks_nonsense_confirms_nothing(tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    root.base()
    (root.root / "bin").mkdir(exist_ok=True)
    tool = root.root / "bin" / "conda"
    no_bytes = '{"envs_dirs": ["/\\ud800"], "pkgs_dirs": ["/p"]}'
    for said in ("", "{", '{"a":' + "[" * 100_000, '{"envs_dirs": "x", "pkgs_dirs": {}}', no_bytes):
        (root.root / "said").write_text(said)
        tool.write_text(f"#!/bin/sh\ncat '{root.root}/said'\n")
        tool.chmod(0o755)
        inv = inventory(tmp_path)
        async with lane() as opened:
            await inv.read(opened, MACHINE, None)
            assert await inv.confirm_dirs(opened) is False
            parts = await inv.read(opened, MACHINE, None)
        assert [install.dirs_confirmed for install in parts["installs"].value or ()] == [False]
