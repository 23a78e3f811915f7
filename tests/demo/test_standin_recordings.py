"""The stand-in conda, run through every recording's command line, says what conda said."""

from __future__ import annotations

import json
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.demo.standin_plans import planned
from tests.remote.recordings import CONDA, Recording, recordings
from tests.standin import StandinInstall
from tui.remote.condasays.outcome import read_outcome

OTHER_END = {"53-doctor"}
"""Recordings whose end is read otherwise: the stand-in knows no `doctor`."""
OTHER_PLAN: set[str] = set()
"""Recordings whose plan is read otherwise."""
OTHER_TEXT = {
    "02-info",  # it names itself a stand-in, and has no requests, no av and no Python of its own
    "22-create-channel-unreachable",  # fewer tries, and none for sharded indexes
    "31-env-export-from-history",  # conda's order is that of a set
    "50-config-show-json",  # the settings that it knows, not conda's 120
    "53-doctor",
    "57-frozen-condarc-broken",  # as 02
}
"""Recordings whose output, or exit code, is otherwise once paths, sizes, checksums and times are left out."""

pytestmark = pytest.mark.timeout(600)  # each of a hundred commands starts a process, on machines that others load

_HOME = "/home/ada"
_ROOT = f"{_HOME}/miniconda3"
_CHANNEL = "file:///srv/channel"


class Runs:
    """The recordings' commands in their order on one install, as they were recorded."""

    def __init__(self, install: StandinInstall) -> None:
        self.install = install
        self.said: dict[str, Recording] = {}
        work = install.home / "work"
        work.mkdir()
        (install.home / ".condarc").write_text(f"channels: [{install.channel}]\nsolver: rattler\n")
        (install.root / ".condarc").unlink()
        text = "name: from-file\nchannels: [CHANNEL]\ndependencies: [python=3.11, numpy=1.26.4, pip]\n"
        (work / "environment.yml").write_text(text.replace("CHANNEL", install.channel))
        install.create("llm-finetune", "python=3.11", "pytorch=2.0.1")
        install.run("install", "-y", "-n", "llm-finetune", "torchvision")
        for recording in recordings(CONDA).values():
            self.said[recording.name] = self._run(recording)

    def _run(self, recording: Recording) -> Recording:
        argv = [self._here(word) for word in recording.argv]
        argv[0] = str(self.install.conda)
        environ = self.install.environ({"TERM": "xterm"})
        if recording.tty:
            code, out, err = _on_terminal(argv, environ, self.install.home)
        else:
            done = subprocess.run(argv, env=environ, cwd=self.install.home, input=b"", capture_output=True, timeout=60)
            code, out, err = done.returncode, done.stdout.decode(), done.stderr.decode()
        back = (self._there(out), self._there(err))
        return Recording(recording.name, recording.argv, recording.tty, code, *back)

    def _here(self, text: str) -> str:
        text = text.replace(_ROOT, str(self.install.root)).replace(_CHANNEL, self.install.channel)
        return text.replace(_HOME, str(self.install.home))

    def _there(self, text: str) -> str:
        text = text.replace(str(self.install.root), _ROOT).replace(self.install.channel, _CHANNEL)
        return text.replace(str(self.install.home), _HOME)


def _on_terminal(argv: list[str], environ: dict[str, str], cwd: Path) -> tuple[int, str, str]:
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    running = subprocess.Popen(argv, env=environ, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    out = b""
    try:
        while chunk := os.read(ours, 65536):
            out += chunk
    except OSError:
        pass  # how Linux says that nobody has the terminal any more
    os.close(ours)
    return running.wait(timeout=60), out.decode(), ""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    base = tmp_path_factory.mktemp("recorded")
    install = StandinInstall(base / "home" / "miniconda3", base / "home", base=())
    yield Runs(install)


def _text(said: Recording) -> object:
    """Output and code, without what is different each time."""
    out, err = (
        re.sub(r"[0-9][0-9.]* +(?:B|KB|MB|GB)\b", "SIZE", re.sub(r"[ \t]+", " ", text))
        for text in (said.stdout, said.stderr)
    )
    if said.tty:
        # Of bars and turning signs only what stays is compared.
        out = re.sub(r"(?:[-\\|/] \x08\x08)+", "", out)
        out = re.sub(
            r"Downloading and Extracting Packages:.*\r\nPreparing", "Downloading\r\nPreparing", out, flags=re.DOTALL
        )
    try:
        out = json.dumps(_keys(json.loads(out)), indent=1, sort_keys=True)
    except ValueError:
        out = re.sub(r"#[0-9a-f]{32}\n", "#HASH\n", out)
        out = out.replace(".conda", ".tar.bz2")
    # The solver begins its explanation now with one package, now with the other.
    out, err = (re.sub(r"(?s)(packages are incompatible).*", r"\1", each) for each in (out, err))
    return said.exit_code, out.strip(), err.strip()


def _keys(value: object) -> object:
    """The shape of a document: its keys, and of leaves the kind alone."""
    if isinstance(value, dict):
        return {str(key).replace(".conda", ".tar.bz2"): _keys(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted({json.dumps(_keys(each), sort_keys=True) for each in value})
    return type(value).__name__


def test_each_end_is_read_as_conda_s_own(runs: Runs) -> None:
    otherwise = {}
    for recording in recordings(CONDA).values():
        said = runs.said[recording.name]
        for existed in (None, True, False):
            theirs, ours = (
                read_outcome(each.argv, each.exit_code, each.stdout, each.stderr, existed=existed)
                for each in (recording, said)
            )
            if (theirs.verdict, theirs.kind, theirs.replaced) != (ours.verdict, ours.kind, ours.replaced):
                otherwise[recording.name] = f"{said.exit_code} {ours}"
    assert set(otherwise) == OTHER_END, otherwise


def test_each_plan_is_read_as_conda_s_own(runs: Runs) -> None:
    otherwise = {}
    for recording in recordings(CONDA).values():
        theirs, ours = planned(recording), planned(runs.said[recording.name])
        if theirs != ours:
            otherwise[recording.name] = (theirs, ours)
    assert set(otherwise) == OTHER_PLAN, otherwise


def test_the_words_are_conda_s_own_but_for_those_listed(runs: Runs) -> None:
    otherwise = {
        recording.name: (_text(recording), _text(runs.said[recording.name]))
        for recording in recordings(CONDA).values()
        if _text(recording) != _text(runs.said[recording.name])
    }
    assert set(otherwise) == OTHER_TEXT, "\n".join(f"{name}\n{a}\n{b}" for name, (a, b) in otherwise.items())
