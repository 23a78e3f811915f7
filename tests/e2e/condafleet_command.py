"""The command itself, run as a person or a script runs it: a process of its own, a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.sshd import SshUser, run_as_root
from tests.tty_process import run_on_tty

__all__ = ["Answer", "Command", "give"]

PROGRAM = [sys.executable, "-m", "tui"]


@dataclass(frozen=True, slots=True)
class Answer:
    """How a run ended."""

    code: int
    stdout: bytes
    stderr: bytes
    terminal: bytes = b""

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout; fails when there is anything else."""
        loaded = json.loads(self.stdout)
        assert isinstance(loaded, dict)
        return loaded

    def hosts(self) -> dict[str, dict[str, Any]]:
        """The hosts of the answer by name."""
        return {host["name"]: host for host in self.json["hosts"]}


class Command:
    """``condafleet`` with a configuration, a state folder and an ssh_config below *directory*, and nothing else."""

    def __init__(self, directory: Path, config: Mapping[str, Any], ssh_config: str = "") -> None:
        self.directory = directory
        (directory / "home").mkdir(parents=True, exist_ok=True)
        self.config = directory / "config.yaml"
        self.config.write_text(yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
        (directory / "ssh_config").write_text(ssh_config)
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory / "home"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "CONDAFLEET_SSH_CONFIG": str(directory / "ssh_config"),
            "CONDAFLEET_STATE_DIR": str(directory / "state"),
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        }

    def __call__(self, *arguments: str, timeout: float = 90.0) -> Answer:
        """Run it without a terminal."""
        done = subprocess.run(
            [*PROGRAM, "--config", str(self.config), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=self.env,
            timeout=timeout,
            start_new_session=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def on_tty(self, *arguments: str, answers: Mapping[str, str]) -> Answer:
        """Run it with a terminal on which a person answers."""
        done = run_on_tty(
            ["env", "-i", *(f"{name}={value}" for name, value in self.env.items()),
             *PROGRAM, "--config", str(self.config), *arguments],
            answers, self.directory,
        )  # fmt: skip
        return Answer(done.code, done.stdout, done.stderr, done.terminal)


def give(user: SshUser, tree: Path, to: Path | None = None) -> None:
    """Move *tree*'s content to the user's home (or *to*), hard links kept, owned by the user."""
    target = to or user.home
    run_as_root("install", "-d", "-o", user.name, "-g", "nogroup", target)
    run_as_root("cp", "-a", f"{tree}/.", target)
    run_as_root("chown", "-R", "-h", f"{user.name}:nogroup", target)
