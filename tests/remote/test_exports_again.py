"""There and back: an environment that the stand-in conda made, exported, made again from the file, and compared."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.remote.inventories import lane
from tests.standin import StandinInstall
from tui.domain.envrecord import EnvironmentRecord
from tui.domain.exports import Form, render
from tui.domain.losses import Reason
from tui.domain.remake import remake
from tui.remote.exports import ask_export


@pytest.fixture(scope="module")
def install(tmp_path_factory: pytest.TempPathFactory) -> StandinInstall:
    work = tmp_path_factory.mktemp("again")
    made = StandinInstall(work / "mini conda", work / "home")
    prefix = made.create("first", "python=3.11", "pytorch=2.0.1", "pip")
    made.run("install", "-y", "-n", "first", "tqdm")
    made.run("install", "-y", "-n", "first", "libsmall=1.0")
    made.run("remove", "-y", "-n", "first", "libsmall")
    for wheel in ("transformers==4.41.2", "peft"):
        pip(made, prefix, wheel)
    return made


def pip(install: StandinInstall, prefix: Path, requirement: str) -> None:
    argv = [str(prefix / "bin" / "python"), "-m", "pip", "install", requirement]
    subprocess.run(argv, env=install.environ(), check=True, capture_output=True, timeout=60)


async def ask(install: StandinInstall, name: str) -> EnvironmentRecord:
    async with lane(env=install.environ()) as opened:
        record = await ask_export(opened, "gpu01", str(install.env(name)), timeout=60, name=name)
        assert opened.stderr_tail() == b""
        return record


def packages(record: EnvironmentRecord) -> tuple[object, ...]:
    conda = [(each.stem, each.url, each.md5) for each in record.conda]
    return conda, [(each.name, each.version) for each in record.pip]


async def test_the_files_are_those_that_conda_itself_gives(install: StandinInstall) -> None:
    record = await ask(install, "first")
    for option, form in (((), Form.FULL), (("--no-builds",), Form.NO_BUILDS)):
        theirs = yaml.safe_load(install.run("env", "export", "-n", "first", *option).stdout)
        del theirs["prefix"]
        assert yaml.safe_load(render(record, form).text) == theirs
    theirs = yaml.safe_load(install.run("env", "export", "-n", "first", "--from-history").stdout)
    asked = yaml.safe_load(render(record, Form.FROM_HISTORY).text)["dependencies"]
    assert sorted(asked[:-1]) == sorted(theirs["dependencies"])
    listed = install.run("list", "-n", "first", "--explicit", "--md5").stdout.splitlines()
    ours = render(record, Form.EXPLICIT).text.splitlines()
    assert sorted(ours) == sorted(line for line in listed if line and not line.startswith("# created-by"))


@pytest.mark.parametrize("form", [Form.FULL, Form.NO_BUILDS, Form.FROM_HISTORY])
async def test_an_environment_made_again_from_its_file_is_the_same(
    form: Form, install: StandinInstall, tmp_path: Path
) -> None:
    before = await ask(install, "first")
    export = render(before, form)
    assert {each.reason for each in export.missing} == {Reason.LOCAL_CHANNEL}
    (tmp_path / "environment.yml").write_text(export.text)
    name = f"again-{form.value}"
    install.run("env", "create", "-y", "-n", name, "-f", str(tmp_path / "environment.yml"))
    after = await ask(install, name)
    assert packages(after) == packages(before)


async def test_an_environment_made_again_from_its_explicit_list_is_the_same(
    install: StandinInstall, tmp_path: Path
) -> None:
    before = await ask(install, "first")
    (tmp_path / "explicit.txt").write_text(render(before, Form.EXPLICIT).text)
    install.run("create", "-y", "-n", "explicit", "--file", str(tmp_path / "explicit.txt"))
    after = await ask(install, "explicit")
    assert packages(after)[0] == packages(before)[0]
    (tmp_path / "wish.txt").write_text("@EXPLICIT\n" + "\n".join(remake(before).explicit) + "\n")
    install.run("create", "-y", "-n", "wish", "--file", str(tmp_path / "wish.txt"))
    for line in render(before, Form.PIP).text.splitlines():
        pip(install, install.env("wish"), line)
    assert packages(await ask(install, "wish")) == packages(before)
