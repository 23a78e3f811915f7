"""The stand-in's micromamba, run through the recordings' command lines: its ends and plans are read as recorded."""

from __future__ import annotations

import http.server
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.demo.standin_plans import planned
from tests.demo.test_standin_stops import Held
from tests.remote.recordings import MICROMAMBA, Recording, recordings
from tests.standin import StandinInstall, standin_channel
from tui.demo.standin.setup import write_wheel
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict, read_outcome

NOT_RUN = ("state", "stopped", "another", "locks", "cleaned", "kill")
"""Words in the names of recordings that are no command of micromamba's alone: dumps of the disk, and what was stopped
or ran beside another (tests of their own)."""
UNKNOWN = ("config", "search", "repoquery", "doctor", "condarc", "mambarc")
"""Words in the names of recordings of commands that the stand-in's micromamba does not know."""
OTHER_END = {
    "014-list-export",  # it lists in no such form
    "076-list-json-env-python-missing",  # it never starts the environment's own Python, which micromamba does to look
    "077-env-remove-env-python-missing",
    "129-clean-force-pkgs-dirs",
}
OTHER_PLAN = {"077-env-remove-env-python-missing"}

pytestmark = pytest.mark.timeout(600)  # each of a hundred commands starts a process, on machines that others load

_HOME = "/home/ada"
_CHANNEL = "file:///srv/channel"
_SERVED = "http://127.0.0.1:8765"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    handler = partial(Quiet, directory=str(standin_channel() / "channel"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory, served: str) -> dict[str, tuple[Recording, Recording]]:
    """By name, each recording beside what the stand-in said."""
    home = tmp_path_factory.mktemp("micromamba") / "home"
    install = StandinInstall(home / "micromamba", home, tool="micromamba")
    (home / ".condarc").write_text(f"channels: [{install.channel}]\n")
    (install.root / ".condarc").unlink()
    write_wheel(home / "wheels", "iniconfig", "2.0.0")
    work = home / "work"
    work.mkdir()
    files = {
        "environment": "python=3.11, numpy=1.26.4, pip]",
        "newer": "python=3.11, numpy=2.0.2]",
        "broken": "[python",
    }
    for name, specs in files.items():
        text = f"name: from-file\nchannels: [{install.channel}]\ndependencies: [{specs}\n"
        (work / f"{name}.yml").write_text(text)
    (home / "bin").mkdir()
    (home / "bin/something").touch()
    found = {}
    for recording in recordings(MICROMAMBA).values():
        if recording.argv[0] != "micromamba" or any(word in recording.name for word in (*NOT_RUN, *UNKNOWN)):
            continue
        argv = [_here(word, install, served) for word in recording.argv]
        done = subprocess.run(
            [str(install.conda), *argv[1:]],
            env=install.environ(),
            cwd=work,
            input="n\n" if recording.name.endswith("-no") else "",
            capture_output=True,
            text=True,
            timeout=60,
        )
        out, err = (_there(text, install, served) for text in (done.stdout, done.stderr))
        ours = Recording(recording.name, recording.argv, False, done.returncode, out, err)
        found[recording.name] = (recording, ours)
    return found


def _here(text: str, install: StandinInstall, served: str) -> str:
    return text.replace(_CHANNEL, install.channel).replace(_SERVED, served).replace(_HOME, str(install.home))


def _there(text: str, install: StandinInstall, served: str) -> str:
    short = install.channel.partition("://")[2]
    text = text.replace(install.channel, _CHANNEL).replace(short, "/srv/channel").replace(served, _SERVED)
    return text.replace(served.partition("://")[2], "127.0.0.1:8765").replace(str(install.home), _HOME)


def test_most_recordings_are_run(said: dict[str, tuple[Recording, Recording]]) -> None:
    assert len(said) > 80


def test_each_end_is_read_as_micromamba_s_own(said: dict[str, tuple[Recording, Recording]]) -> None:
    otherwise = {}
    for name, (recording, ours) in said.items():
        for existed in (None, True, False):
            first, second = (
                read_outcome(each.argv, each.exit_code, each.stdout, each.stderr, existed=existed)
                for each in (recording, ours)
            )
            if (first.verdict, first.kind, first.replaced) != (second.verdict, second.kind, second.replaced):
                otherwise[name] = f"{first} {second} {ours.exit_code} {ours.stderr}"
        if recording.exit_code != ours.exit_code:
            otherwise[name] = f"{recording.exit_code} {ours.exit_code} {ours.stderr}"
    assert set(otherwise) == OTHER_END, "\n".join(f"{name}: {each}" for name, each in otherwise.items())


def test_each_plan_is_read_as_micromamba_s_own(said: dict[str, tuple[Recording, Recording]]) -> None:
    otherwise = {
        name: (planned(recording), planned(ours))
        for name, (recording, ours) in said.items()
        if planned(recording) != planned(ours)
    }
    assert set(otherwise) == OTHER_PLAN, "\n".join(f"{name}\n{a}\n{b}" for name, (a, b) in otherwise.items())


@pytest.fixture
def micromamba(tmp_path: Path) -> StandinInstall:
    return StandinInstall(tmp_path / "root", tmp_path / "home", tool="micromamba")


@pytest.mark.parametrize("phase", ["download", "link"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_creation_leaves_what_looks_like_an_environment(
    micromamba: StandinInstall, phase: str, number: int
) -> None:
    argv = ("create", "-y", "-n", "env", "libsmall", "relocated")
    code, out, err = Held(micromamba, phase, *argv).end(number)
    assert code == (1 if number == signal.SIGINT else -number)
    outcome = read_outcome(("micromamba", *argv), code, out, err)
    if number != signal.SIGKILL:
        assert (outcome.verdict, outcome.kind) == (Verdict.CANCELLED, Kind.CANCELLED)
    prefix = micromamba.env("env")
    assert (prefix / "conda-meta/history").read_bytes() == b"" and not list((prefix / "conda-meta").glob("*.json"))
    assert str(prefix) in micromamba.run("env", "list", "--json").stdout
    whole = sorted(path.name for path in micromamba.pkgs.rglob("*.conda"))
    assert ("libsmall-2.0-h0.conda" in whole) == (phase == "link" or number != signal.SIGINT)


def test_without_an_answer_it_goes_on_but_deletes_nothing(micromamba: StandinInstall) -> None:
    prefix = micromamba.env("env")
    micromamba.run("create", "-r", str(micromamba.root), "-p", str(prefix), "libsmall=1.0")
    assert (prefix / "lib/libsmall.so.1.0").exists()
    again = micromamba.run("create", "-p", str(prefix), "tqdm", check=False)
    assert again.returncode == 1 and "Overwrite?" in again.stdout and (prefix / "lib/libsmall.so.1.0").exists()
    micromamba.run("update", "-p", str(prefix), "libsmall")
    assert (prefix / "lib/libsmall.so.2.0").exists() and not (prefix / "lib/libsmall.so.1.0").exists()
    micromamba.run("remove", "-p", str(prefix), "no-such")
    micromamba.run("env", "remove", "-p", str(prefix))
    assert not prefix.exists()


def test_a_file_s_pip_parts_are_installed_last(micromamba: StandinInstall) -> None:
    file = micromamba.home / "environment.yml"
    file.write_text("name: made\ndependencies: [python=3.11, pip, {pip: [peft==0.13.2]}]\n")
    micromamba.run("env", "create", "-y", "-f", str(file))
    rows = json.loads(micromamba.run("list", "-n", "made", "--json").stdout)
    assert {"name": "peft", "channel": "pypi"}.items() <= next(row for row in rows if row["name"] == "peft").items()
    file.write_text("name: made\ndependencies: [{pip: [none==1]}]\n")
    done = micromamba.run("env", "update", "-y", "-f", str(file), check=False)
    assert done.returncode == 1 and "No matching distribution found for none==1" in done.stderr
