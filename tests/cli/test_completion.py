"""Completion: what is offered, and that real shells put it into the line as it must be read."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import termios
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.domain.fleetvalues import environment, package
from tests.terminal.ptychannel import Terminal, until
from tui.cli.complete import candidates
from tui.cli.complete_bash import split, text_for_bash
from tui.domain.sessions import Session
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.text import decode
from tui.storage.snapshots import Snapshots

NAMES = ("llm", "llm-train", "my env", "x[cu118]", "it's", "a$b", "电脑", decode(b"bad\x1b\xff\\"))
CONFIG = """\
hosts:
  gpu01: {groups: [a100], address: 192.0.2.1}
  gpu02: {groups: [a100]}
  cpu-3: {}
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A configuration of three hosts, of which gpu01 was seen before."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    envs = tuple(environment("gpu01", name, package("python", "3.11.9"), python="3.11.9") for name in NAMES)
    sessions = (Session("gpu01", "tmux", "/tmp/s", "$3", "train"),)
    Snapshots(tmp_path / "state").save(
        HostSnapshot("gpu01", environments=Part(envs, 1.0), sessions=Part(sessions, 1.0))
    )
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    program = bin_dir / "condafleet"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tui "$@"\n')
    program.chmod(0o755)
    return {
        "PATH": f"{bin_dir}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8", "TERM": "xterm",
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]), "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "CONDAFLEET_CONFIG": str(tmp_path / "config.yaml"), "CONDAFLEET_STATE_DIR": str(tmp_path / "state"),
    }  # fmt: skip


@pytest.fixture
def seen(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in this process."""
    for name, value in environ.items():
        if name.startswith("CONDAFLEET"):
            monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("seen")
@pytest.mark.parametrize(("words", "offered"), [
    (["di"], ["diff", "disk"]), (["comp"], ["completion"]), (["completion", "z"], ["zsh"]),
    (["hosts", "f"], ["forget"]),
    (["hosts", "forget", "g"], ["gpu01", "gpu02"]), (["envs", "@"], ["@a100"]),
    (["envs", "gpu02"], ["gpu02", "gpu02:"]),
    (["packages", "c"], ["cpu-3:"]), (["packages", "gpu01:l"], ["gpu01:llm", "gpu01:llm-train"]),
    (["diff", "gpu01:llm", "*:my"], ["*:my env"]), (["diff", "@a100:it"], ["@a100:it's"]),
    (["packages", "gpu01:/opt/conda/envs/llm-"], ["gpu01:/opt/conda/envs/llm-train"]),
    (["packages", "gpu01:b"], [r"gpu01:bad\x1b\xff\\"]), (["attach", "gpu01:t"], ["gpu01:train"]),
    (["shell", "cpu"], ["cpu-3"]), (["probe", "gpu01:"], []), (["find", "g"], []),
    (["find", "numpy", "cpu"], ["cpu-3"]),
    (["envs", "--json-"], ["--json-lines"]), (["--rea"], ["--readonly"]),
    (["hosts", "add", "x", "--jump", "gpu01"], ["gpu01"]),
    (["nonsense", ""], list), (["envs", "--config", ""], []), (["packages", "gpu02:"], []), (["packages", "no:"], []),
])  # fmt: skip
def test_what_fits_is_offered(words: list[str], offered: object) -> None:
    found = [text for text, _ in candidates(words)]
    assert found == offered if isinstance(offered, list) else isinstance(found, list)


def test_a_candidate_says_what_it_is(environ: dict[str, str]) -> None:
    done = complete(environ, "zsh", "packages", "gpu01:llm-t")
    assert done.stdout == "gpu01:llm-train\tPython 3.11.9\n"


def complete(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """What the shells get."""
    return subprocess.run(
        [sys.executable, "-m", "tui", "__complete", *words],
        env=environ, capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip


@pytest.mark.parametrize("config", ["hosts: [broken", "hosts: 5", None])
def test_a_broken_configuration_writes_nothing_into_the_line(environ: dict[str, str], config: str | None) -> None:
    path = Path(environ["CONDAFLEET_CONFIG"])
    path.unlink()
    if config is not None:
        path.write_text(config)
    done = complete(environ, "zsh", "packages", "g")
    assert (done.stdout, done.stderr) == ("", "")


def test_completion_is_quick_because_it_loads_neither_ssh_nor_the_event_loop(environ: dict[str, str]) -> None:
    code = (
        "import sys; from tui.cli.complete import answer; answer(['zsh', 'packages', 'gpu01:llm-t']);"
        "print(*(name for name in ('asyncio', 'asyncssh', 'rich', 'textual', 'tui.runtime') if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "gpu01:llm-train\tPython 3.11.9\n\n"


@pytest.mark.parametrize(("line", "words"), [
    ("condafleet ", ["condafleet", ""]), ("condafleet a b", ["condafleet", "a", "b"]), (r"c a\ b", ["c", "a b"]),
    ("c 'a b", ["c", "a b"]), ('c "a\\"b" x', ["c", 'a"b', "x"]), ("ls; c 'x y' z", ["c", "x y", "z"]),
    ("c ''", ["c", ""]), ("(c a", ["c", "a"]), ("c a'b'c", ["c", "abc"]),
])  # fmt: skip
def test_a_line_is_read_as_bash_reads_it(line: str, words: list[str]) -> None:
    assert split(line)[0] == words


@pytest.mark.parametrize(("line", "start", "text", "put"), [
    ("c gpu01:my", 8, "gpu01:my env", r"my\ env"), ("c g", 2, "gpu01:", "gpu01:"),
    ("c 'gpu01:my", 3, "gpu01:my env", "gpu01:my env"),
    ('c "gpu01:a', 3, "gpu01:a$b", r"gpu01:a\$b"), ("c gpu01:'my", 9, "gpu01:my env", "my env"),
    ("c gpu01:i", 8, "gpu01:it's", r"it\'s"),
])  # fmt: skip
def test_bash_is_given_what_it_keeps_no_part_of(line: str, start: int, text: str, put: str) -> None:
    assert text_for_bash([text], split(line)[1], start) == [put]


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "PS1='ready> '; source <(condafleet completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "PS1='ready> '; autoload -Uz compinit; compinit -u -D; source <(condafleet completion zsh)",
    ),
    "fish": (
        ["fish", "--no-config", "-i"],
        "function fish_prompt; echo -n 'ready> '; end; condafleet completion fish | source",
    ),
}


def own_terminal() -> None:
    """Make standard input the terminal that the new session belongs to."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    """A terminal of 200 columns: no line is wrapped."""
    made = Terminal(200, 50)
    yield made
    made.close()


@pytest.mark.parametrize("shell", list(SHELLS))
async def test_a_real_shell_completes_and_passes_on_the_very_name(
    shell: str, environ: dict[str, str], terminal: Terminal, tmp_path: Path
) -> None:
    """The line is run afterwards: a program in the place of condafleet writes down the arguments that it got."""
    assert shutil.which(shell), f"{shell} is needed: completion is tested in the shells themselves"
    argv, setup = SHELLS[shell]
    told = tmp_path / "arguments"
    real = tmp_path / "bin" / "condafleet"
    real.rename(real.with_name("real"))
    recorder = f'case "$1" in __complete|completion) exec {real.with_name("real")} "$@";; esac'
    real.write_text(f'#!/bin/sh\n{recorder}\nprintf "%s\\n" "$@" >{told}.new && mv {told}.new {told}\n')
    real.chmod(0o755)
    process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no longer here
        argv, env=environ, stdin=terminal.fd, stdout=terminal.fd, stderr=terminal.fd, start_new_session=True,
        preexec_fn=own_terminal, cwd=tmp_path,
    )  # fmt: skip
    try:
        terminal.type(f"{setup}\necho set''up-done\n".encode())
        await terminal.shows(b"setup-done", 30)
        for typed, shown, arguments in (
            ("packages gpu01:my", b"env", ["packages", "gpu01:my env"]),
            ("packages gpu01:x", b"cu118", ["packages", "gpu01:x[cu118]"]),
            ("packages 'gpu01:my", b"env", ["packages", "gpu01:my env"]),
            ("packages gpu01:it", b"'s", ["packages", "gpu01:it's"]),
            ("packages gpu01:a", b"$b", ["packages", "gpu01:a$b"]),
            ("packages gpu01:b", b"xff", ["packages", r"gpu01:bad\x1b\xff\\"]),
            ("envs @a", b"100", ["envs", "@a100"]),
        ):
            told.unlink(missing_ok=True)
            terminal.screen.clear()
            terminal.type(f"condafleet {typed}\t".encode())
            await terminal.shows(shown, 20)
            terminal.type(b"\r")
            await until(told.exists, 20)
            assert told.read_text().splitlines() == arguments, bytes(terminal.screen)
    finally:
        process.kill()
        process.wait(10)
