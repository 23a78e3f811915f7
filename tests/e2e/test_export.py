"""``export`` as a script runs it: over real sshd, for names that a shell or a terminal might misread."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.condaroot import CONDA_FORGE, NUMPY, PYTHON, CondaRoot, egg_link, pip_install
from tests.e2e.condafleet_command import Command, give
from tests.sshd import SshServer
from tui.domain.text import printable

ODD_NAMES = ("env[cu118]", "$(touch pwned)", "new\nline", os.fsdecode(b"latin-\xe9"), "-rf 'x' \"y\"", "深度学习")


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    work = tmp_path_factory.mktemp("export")
    with SshServer() as server:
        ada = server.add_user(shell="/bin/bash")
        root = CondaRoot(work / "ada" / "miniforge3")
        root.base()
        for name in ODD_NAMES:
            prefix = root.named(name)
            pip_install(prefix, "rich", "13.0")
            egg_link(prefix, "in-place", Path("/home/ada/\x1b[2Jsrc"))
        (work / "ada" / ".condarc").write_text("channels: [conda-forge]\n")
        give(ada, work / "ada")
        known = work / "known_hosts"
        known.write_text("".join(server.known_hosts_lines()))
        host = {"address": server.address, "port": server.port, "user": ada.name, "identity": [str(ada.key)]}
        config = {
            "hosts": {"gpu01": {**host, "search": [str(ada.home)], "only": True}},
            "defaults": {"known_hosts": str(known)},
        }
        yield Command(work / "client", config, "Host *\n  IdentityAgent none\n  GlobalKnownHostsFile /dev/null\n")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_standard_output_is_the_file_and_nothing_else(command: Command, name: str) -> None:
    shown = printable(name).replace("[", r"\x5b").replace("]", r"\x5d")
    done = command("export", f"gpu01:{shown}")
    assert done.code == 0, done.stderr
    assert not {*done.stdout, *done.stderr} & {0x1B, 0x0D, 0x07, 0x7F}
    read = yaml.safe_load(done.stdout)
    assert read["name"] == name.replace("\udce9", r"\xe9")
    assert read["channels"] == ["https://repo.anaconda.com/pkgs/main", "conda-forge"]
    assert f"numpy={NUMPY.version}={NUMPY.build}" in read["dependencies"]
    assert read["dependencies"][-1] == {"pip": ["rich==13.0"]}
    assert rb"in-place" in done.stderr and rb"\x1b[2Jsrc" in done.stdout


def test_an_explicit_list_and_its_losses_are_one_object_with_json(command: Command) -> None:
    (export,) = command("export", "gpu01:深度学习", "--explicit", "--json").json["exports"]
    assert f"{CONDA_FORGE}/linux-64/{PYTHON.stem}.conda#{'0' * 32}\n" in export["text"]
    assert {each["reason"]: each["names"] for each in export["missing"]} == {"pip_packages": ["in-place", "rich"]}


def test_an_environment_that_is_not_there_fails_with_nothing_on_standard_output(command: Command) -> None:
    done = command("export", "gpu01:nope")
    assert (done.code, done.stdout) == (4, b"")
