"""Environments made, copied, removed and brought back from the screen, by keys alone, on a demo fleet's real hosts."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.condafleet_command import PROGRAM, Command
from tests.e2e.tmux_screen import TmuxScreen, stray

LONG = 60.0


def agreed(screen: TmuxScreen, verb: str) -> None:
    """Through the look to the last question, which has the focus on Cancel, and yes."""
    screen.wait(lambda text: "Copy command" in text and f"{verb} " in text, LONG)
    screen.keys("Left", "Enter")
    screen.wait(lambda text: "Copy command" not in text)


def listed(screen: TmuxScreen, name: str, host: str, times: int = 1) -> None:
    screen.wait(lambda text: len(re.findall(rf"{name} +{host}", text)) == times, LONG)


def test_an_environment_is_made_on_two_hosts_copied_put_aside_and_brought_back(tmp_path: Path) -> None:
    command = Command(tmp_path, {})
    with TmuxScreen(160, 50, command.env) as screen:
        screen.start([*PROGRAM, "demo", "--hosts", "3"])
        screen.wait(lambda text: all(re.search(rf"{host} +● up", text) for host in ("gpu01", "gpu02", "cpu01")), LONG)
        screen.keys("2")
        screen.wait(lambda text: "llm-train" in text and "py39-legacy" in text)

        screen.keys("+")
        screen.wait(lambda text: "Create an environment" in text)
        screen.type("made-1")
        screen.keys("Enter", "C-u")
        screen.type("gpu01 cpu0*")
        screen.wait(lambda text: "2 hosts: gpu01, cpu01" in text)
        screen.keys("Enter")
        screen.type("numpy")
        screen.keys("Enter", "Enter", "Enter", "Enter", "Enter")
        agreed(screen, "Create")
        screen.keys("5")
        screen.wait(lambda text: len(re.findall("create made-1", text)) >= 2)
        screen.wait(lambda text: len(re.findall("✓ done", text)) >= 2, LONG)
        screen.keys("2")
        listed(screen, "made-1", "gpu01")
        listed(screen, "made-1", "cpu01")

        screen.keys("/")
        screen.type("name:made host:gpu01")
        screen.wait(lambda text: "1 of " in text)
        screen.keys("Enter")
        screen.wait(lambda text: "⏎ Detail" in text)
        screen.keys("C")
        screen.wait(lambda text: "Clone made-1" in text)
        screen.type("made-2")
        screen.keys("Enter", "Enter", "Enter", "Enter", "Enter")
        agreed(screen, "Clone")
        listed(screen, "made-2", "gpu01")

        screen.keys("G", "DC")
        screen.wait(lambda text: "Remove made-2" in text)
        screen.type("7d")
        screen.wait(lambda text: "It can be brought back for 7d" in text)
        screen.keys("Enter", "Enter")
        agreed(screen, "Remove")
        listed(screen, "made-2", "gpu01", 0)

        screen.keys("t")
        screen.wait(lambda text: re.search(r"made-2 +on gpu01", text) and "brings it back" in text)
        screen.keys("Enter")
        agreed(screen, "Restore")
        listed(screen, "made-2", "gpu01")
        screen.keys("q")
        assert screen.ended(10) == 0
        screen.restored()
        assert stray(screen.raw) == set()
