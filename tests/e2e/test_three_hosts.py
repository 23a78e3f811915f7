"""Three hosts of different users and layouts behind real sshd: what was made there is what is listed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.condaroot import NUMPY, PYTHON, CondaRoot, Pkg, environments_txt, freeze, pip_install
from tests.e2e.condafleet_command import Answer, Command, give
from tests.sshd import SshServer, SshUser
from tui.domain.text import printable

ODD_NAMES = (
    "llm finetune",
    "env[cu118]",
    "x[/y]",
    'it\'s "quoted"',
    "$(touch pwned)",
    "深度学习",
    "back\\slash",
    "-rf",
    "*",
    "new\nline",
    os.fsdecode(b"latin-\xe9"),
    "tab\there",
    "\x1b[31mred",
    "right\u202eto-left",
)
PASSWORD = "correct horse"


@dataclass
class Fleet:
    """What the test made, and the answer of ``envs --json``."""

    answer: Answer
    command: Command
    expected: dict[str, set[str]]
    homes: dict[str, Path]

    def environments(self, host: str) -> dict[str, dict[str, Any]]:
        """Environments of a host below its user's home, by prefix."""
        home = printable(str(self.homes[host]))
        return {
            item["prefix"]: item
            for item in self.answer.json["environments"]
            if item["host"] == host and item["prefix"].startswith(home + "/")
        }


def conda_layout(user: SshUser, work: Path) -> set[str]:
    """Miniforge in the home with every odd name."""
    root = CondaRoot(work / "miniforge3")
    root.base()
    for name in ODD_NAMES:
        root.named(name)
    pip_install(root.root / "envs" / "env[cu118]", "torchmetrics", "1.4.0")
    freeze(root.root / "envs" / "llm finetune")
    give(user, work)
    return {str(user.home / "miniforge3")} | {str(user.home / "miniforge3" / "envs" / name) for name in ODD_NAMES}


def micromamba_layout(user: SshUser, work: Path) -> set[str]:
    """A micromamba root, and an environment by prefix where only the configuration leads."""
    root = CondaRoot(work / "micromamba", micromamba=True)
    root.named("eval", (PYTHON, NUMPY, Pkg("pytorch", "2.1.0", "cuda118py311h0")))
    root.env(work / "data" / "projects" / "run 7")
    give(user, work)
    return {str(user.home / "micromamba/envs/eval"), str(user.home / "data/projects/run 7")}


def broken_layout(user: SshUser, work: Path) -> set[str]:
    """Ghosts, an incomplete environment and a good one by prefix, told by environments.txt alone."""
    root = CondaRoot(work / "miniconda3")
    root.base()
    root.named("good")
    (root.root / "envs" / "half made" / "conda-meta").mkdir(parents=True)
    root.env(work / "elsewhere" / "by-prefix")
    prefixes = [user.home / part for part in ("elsewhere/by-prefix", "gone/env", "miniconda3/envs/good")]
    environments_txt(work, prefixes)
    give(user, work)
    made = ("miniconda3", "miniconda3/envs/good", "miniconda3/envs/half made", "elsewhere/by-prefix", "gone/env")
    return {str(user.home / part) for part in made}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A host with a plain key, one behind a jump host, one with a password; asked once."""
    work = tmp_path_factory.mktemp("three")
    with SshServer() as plain, SshServer() as bastion, SshServer(host_keys=("ecdsa",)) as guarded:
        ada, jumper = plain.add_user(shell="/bin/bash"), bastion.add_user()
        bob, eve = plain.add_user(shell="/bin/sh"), guarded.add_user(password=PASSWORD, authorized=False)
        known = work / "known_hosts"
        known.write_text("".join(line for s in (plain, bastion, guarded) for line in s.known_hosts_lines()))
        expected = {
            "plain": conda_layout(ada, work / "ada"),
            "behind": micromamba_layout(bob, work / "bob"),
            "guarded": broken_layout(eve, work / "eve"),
        }
        hosts = {
            "plain": reach(plain, ada) | {"search": [f"{ada.home}"], "only": True},
            "bastion": reach(bastion, jumper) | {"search": [], "only": True},
            "behind": reach(plain, bob) | {"jump": "bastion", "search": ["~/data"]},
            "guarded": reach(guarded, eve) | {"identity": []},
        }
        config = {"hosts": hosts, "defaults": {"known_hosts": str(known)}}
        command = Command(work / "client", config, "Host *\n  IdentityAgent none\n  GlobalKnownHostsFile /dev/null\n")
        answer = command.on_tty("envs", "--json", answers={"[Pp]assword.*guarded|guarded.*[Pp]assword": PASSWORD})
        homes = {"plain": ada.home, "behind": bob.home, "guarded": eve.home}
        yield Fleet(answer, command, expected, homes)


def reach(server: SshServer, user: SshUser) -> dict[str, Any]:
    """How a host is written out in the configuration."""
    return {"address": server.address, "port": server.port, "user": user.name, "identity": [str(user.key)]}


def test_every_host_is_up(fleet: Fleet) -> None:
    assert {name: (host["state"], host["fault"]) for name, host in fleet.answer.hosts().items()} == dict.fromkeys(
        ("plain", "bastion", "behind", "guarded"), ("up", None)
    ), fleet.answer.stderr
    assert fleet.answer.code == 0


@pytest.mark.parametrize("host", ["plain", "behind", "guarded"])
def test_exactly_the_environments_that_were_made_are_listed(fleet: Fleet, host: str) -> None:
    listed = set(fleet.environments(host))
    assert listed == {printable(prefix) for prefix in fleet.expected[host]}


def test_a_host_that_looks_nowhere_else_lists_nothing_else(fleet: Fleet) -> None:
    every = {item["prefix"] for item in fleet.answer.json["environments"] if item["host"] == "plain"}
    assert every == {printable(prefix) for prefix in fleet.expected["plain"]}
    assert not any(item["host"] == "bastion" for item in fleet.answer.json["environments"])


def test_odd_names_come_out_in_the_form_that_is_read_back(fleet: Fleet) -> None:
    by_name = {item["name"] for item in fleet.environments("plain").values()}
    assert by_name == {printable(name) for name in ODD_NAMES} | {"base"}
    assert r"latin-\xe9" in by_name
    assert r"new\x0aline" in by_name
    name = r"new\x0aline"
    again = fleet.command("packages", f"plain:{name}", "--json")
    assert again.code == 0, again.stderr
    assert {package["name"] for package in again.json["packages"]} >= {"python", "numpy", "openssl"}


def test_ghosts_and_incomplete_environments_are_told_apart(fleet: Fleet) -> None:
    listed = fleet.environments("guarded")
    home = fleet.homes["guarded"]
    kinds = {prefix.removeprefix(f"{home}/"): (item["fault"] or {}).get("kind") for prefix, item in listed.items()}
    assert kinds == {
        "miniconda3": None,
        "miniconda3/envs/good": None,
        "miniconda3/envs/half made": "incomplete",
        "elsewhere/by-prefix": None,
        "gone/env": "ghost",
    }


def test_what_is_known_of_an_environment_is_right(fleet: Fleet) -> None:
    item = fleet.environments("plain")[str(fleet.homes["plain"] / "miniforge3/envs/env[cu118]")]
    assert (item["name"], item["kind"], item["manager"], item["python"]) == ("env[cu118]", "named", "conda", "3.11.7")
    assert (item["conda_packages"], item["pip_packages"]) == (3, 1)
    assert item["install"] == str(fleet.homes["plain"] / "miniforge3")
    assert item["writable"] is True
    assert item["frozen"] is False
    assert item["owner"].startswith("cft")
    assert fleet.environments("plain")[str(fleet.homes["plain"] / "miniforge3/envs/llm finetune")]["frozen"] is True
    eval_ = fleet.environments("behind")[str(fleet.homes["behind"] / "micromamba/envs/eval")]
    assert (eval_["manager"], eval_["conda_packages"]) == ("micromamba", 3)


def test_the_password_shows_nowhere(fleet: Fleet) -> None:
    answer = fleet.answer
    kept = b"".join(path.read_bytes() for path in fleet.command.directory.rglob("*") if path.is_file())
    assert PASSWORD.encode() not in answer.terminal + answer.stdout + answer.stderr + kept


def test_nothing_that_a_name_says_was_run(fleet: Fleet) -> None:
    for home in fleet.homes.values():
        assert not (home / "pwned").exists()
