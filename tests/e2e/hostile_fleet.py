"""All hostile hosts and a good one, ready to be asked; and what must hold of anything that is printed of them."""

from __future__ import annotations

import gzip
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.condaroot import CondaRoot
from tests.e2e.condafleet_command import PROGRAM, Answer, Command
from tests.e2e.hostile_host import HostileServer, Play, talker
from tests.e2e.hostile_machine import hostile_machine
from tests.e2e.hostile_plays import ENDINGS, ESCAPES, FLOODS, HANGS, LIES, NOISES, greeting_plays

__all__ = ["GREETINGS", "MACHINES", "Battlefield", "battlefield", "harmless", "strings"]

MEMORY_LIMIT_MIB = 200
"""Peak resident memory of one command."""
# In a process of its own, because a program counts what its parent held when it was started. Should the command
# run away, it must not take the machine with it.
MEASURED = """
import os, resource, sys
pid = os.fork()
if not pid:
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (100, 100))
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
open(sys.argv[1], "w").write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""
SSH_CONFIG = "Host *\n  IdentityAgent none\n  IdentityFile none\n  GlobalKnownHostsFile /dev/null\n"
MACHINES = {
    "escapes": ESCAPES.replace(b"/", b"|"),
    "latin": b"caf\xe9 \xc3( \xf0\x9f",
    "bidi": "\u202eevil\u2066\u200f\u2028x".encode(),
    "longname": b"n" * 200,
    "quotes": b"a'b\"c$(touch pwned)`id`;&|*?[x] {1..3} %s\\",
    "numbers": b"-1e999",
}
GREETINGS = greeting_plays()
PLAYS: dict[str, Play] = {**LIES, **FLOODS, **HANGS, **ENDINGS, **GREETINGS}


@dataclass
class Battlefield:
    """All hosts, ready to be asked."""

    directory: Path
    hosts: dict[str, dict[str, Any]]
    known_hosts: Path
    server: HostileServer
    count: int = 0

    def command(self, hosts: tuple[str, ...], limits: Mapping[str, str] | None = None) -> Command:
        """The command, configured for a fleet of *hosts* and the good one, with a home of its own."""
        self.count += 1
        config = {
            "hosts": {name: self.hosts[name] for name in (*hosts, "good")},
            "defaults": {"known_hosts": str(self.known_hosts)},
            "limits": {"connect": "10s", "command": "10s", **(limits or {})},
        }
        return Command(self.directory / f"client{self.count}", config, SSH_CONFIG)

    def ask(self, *words: str, hosts: tuple[str, ...], limits: Mapping[str, str] | None = None) -> Answer:
        """Run it in a bounded process; judge what it printed."""
        command = self.command(hosts, limits)
        peak = command.directory / "peak"
        argv = [sys.executable, "-SIc", MEASURED, str(peak), *PROGRAM, "--config", str(command.config), *words]
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL, capture_output=True, env=command.env, timeout=110, start_new_session=True,
        )  # fmt: skip
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert answer.code in (0, 1), (answer.code, answer.stderr[-2000:])
        mebibytes = int(peak.read_text()) >> 10
        assert mebibytes < MEMORY_LIMIT_MIB
        harmless(answer)
        for kept in (command.directory / "state").rglob("*"):
            if kept.is_file():
                said = gzip.decompress(kept.read_bytes()) if kept.suffix == ".gz" else kept.read_bytes()
                assert not set(said) & {0x1B, 0x07, 0x08, 0x7F}, (kept, said[:2000])
        return answer


def harmless(answer: Answer) -> None:
    """No control character, direction mark or other invisible thing but line feeds; no traceback."""
    for stream in (answer.stdout, answer.stderr):
        text = stream.decode()
        bad = {char for char in set(text) if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
        assert bad <= {"\n"}, (bad, text[:2000])
        assert "Traceback" not in text and "condafleet.log" not in text, text[-3000:]
    if answer.stdout.startswith(b"{"):
        for string in strings(answer.json):
            assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in string), string


def strings(value: object) -> Iterator[str]:
    """All strings in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from strings(item)


@contextmanager
def battlefield(work: Path) -> Iterator[Battlefield]:
    """All plays, machines and talkers, and a good host, with their files below *work*."""
    root = CondaRoot(work / "good" / "miniforge3")
    root.base()
    root.named("train")
    home = {"HOME": str(work / "good"), "TMUX_TMPDIR": str(work / "good")}
    plays = {name: replace(play, env=home) for name, play in PLAYS.items()}
    plays["good"] = Play(env=home)
    for name, words in MACHINES.items():
        plays[name] = Play(env=hostile_machine(work / name, words))
    with ExitStack() as stack:
        server = stack.enter_context(HostileServer(plays, work / "host_key"))
        hosts: dict[str, dict[str, Any]] = {
            name: {"address": "127.0.0.1", "port": server.port, "user": name, "search": ["~"], "only": True}
            for name in plays
        }
        for name, words_said in NOISES.items():
            hosts[name] = {"address": "127.0.0.1", "port": stack.enter_context(talker(words_said)), "user": "x"}
        known = work / "known_hosts"
        known.write_text(server.known_hosts)
        yield Battlefield(work, hosts, known, server)
