"""``condafleet demo -- COMMAND`` runs the command on the fleet and hands its exit code on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tui.demo.run import run_demo
from tui.domain.errors import UsageError


def no_screen(_: Path) -> int:
    raise AssertionError("no screen was asked for")


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 5", 5), ("kill -TERM $$", 143)])
def test_the_commands_exit_code_is_passed_on(script: str, code: int) -> None:
    assert run_demo(1, ["sh", "-c", script], open_screen=no_screen) == code


def test_a_missing_command_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_demo(1, ["no-such-command"], open_screen=no_screen) == 127
    assert "no-such-command: No such file or directory" in capfd.readouterr().err


def test_the_command_sees_the_fleet_and_no_agent(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent")
    script = (
        'test -r "$CONDAFLEET_CONFIG" && test -d "$CONDAFLEET_STATE_DIR" && echo "$CONDAFLEET_READONLY" && '
        'ssh -F "$CONDAFLEET_SSH_CONFIG" gpu01 "echo on \\$USER" && echo "agent: $SSH_AUTH_SOCK" && '
        "command -v condafleet"
    )
    assert run_demo(1, ["sh", "-c", script], readonly=True, open_screen=no_screen) == 0
    said = capfd.readouterr()
    assert said.out.splitlines()[:3] == ["1", "on ada", "agent: "]
    assert said.out.splitlines()[3].endswith("/condafleet")
    assert said.err == ""


def test_the_screen_gets_the_configuration_and_the_environment_is_as_before_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/tmp/agent")
    monkeypatch.setenv("CONDAFLEET_STATE_DIR", "/somewhere")
    seen: list[Path] = []

    def screen(config: Path) -> int:
        assert config.is_file() and os.environ["CONDAFLEET_CONFIG"] == str(config)
        assert Path(os.environ["CONDAFLEET_STATE_DIR"]).is_dir() and "SSH_AUTH_SOCK" not in os.environ
        slow = next(config.parent.glob("gpu01/home/*/.standin-slow")).read_text()
        assert "link=" in slow, "a change can be watched, and cancelled"
        seen.append(config)
        return 9

    assert run_demo(1, None, open_screen=screen) == 9
    assert not seen[0].parent.exists()
    assert (os.environ["SSH_AUTH_SOCK"], os.environ["CONDAFLEET_STATE_DIR"]) == ("/tmp/agent", "/somewhere")
    assert "CONDAFLEET_CONFIG" not in os.environ


@pytest.mark.parametrize("count", [0, 201])
def test_an_impossible_number_of_hosts_is_wrong_usage(count: int) -> None:
    with pytest.raises(UsageError, match="1 to 200"):
        run_demo(count, ["true"], open_screen=no_screen)


def test_being_told_to_end_is_passed_on_to_the_command_and_the_fleet_goes(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom tui.demo.run import run_demo\n"
        "loop = 'trap \"exit 6\" TERM; echo $CONDAFLEET_CONFIG; while :; do sleep 0.05; done'\n"
        "sys.exit(run_demo(1, ['sh', '-c', loop], open_screen=lambda _: 1))"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    config = Path(process.stdout.readline().strip())
    assert config.is_file()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 6
    process.stdout.close()
    assert not config.parent.exists()
