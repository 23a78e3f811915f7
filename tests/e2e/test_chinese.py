"""The demo fleet in a real terminal of somebody whose locale is Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.e2e.condafleet_command import PROGRAM, Command
from tests.e2e.test_newcomer import LOOK_S, SIZES
from tests.e2e.tmux_screen import TmuxScreen


@pytest.mark.parametrize("size", SIZES)
def test_a_chinese_locale_is_spoken_to_in_chinese(size: tuple[int, int], tmp_path: Path) -> None:
    command = Command(tmp_path, {})
    with TmuxScreen(*size, {**command.env, "TMUX_TMPDIR": str(tmp_path)}) as screen:

        def sees(*wanted: str, without: str = "$^") -> None:
            text = screen.wait(
                lambda text: (
                    all(re.search(each, text, re.MULTILINE) for each in wanted) and not re.search(without, text)
                ),
                LOOK_S,
            )
            assert max(map(cell_len, text.split("\n"))) <= size[0]

        screen.start(["env", "LC_ALL=zh_CN.UTF-8", *PROGRAM, "demo"])
        sees("^ ?1 总览", "^ +gpu01 +● 正常", "5/6 台正常", "q 退出")
        screen.keys("G")
        sees("^ +gpu09 +[▲◌] (无应答|正在重试)", "gpu09（127.0.0.1 端口 [0-9]+）")
        screen.keys("2")
        sees("在 5 台主机上有 36 个环境", "^ +cv-resnet50-exp1 +gpu01")
        screen.keys("/")
        sees("^ ?/", "Esc 清除")
        screen.type("host:gpu01 python:3.11")  # what is typed is the same in every language
        sees(r"/host:gpu01 python:3.11.* [0-9]+/36")
        screen.keys("Enter")
        sees("q 退出", without="Esc 清除")
        screen.keys("?")
        sees("环境的按键", "移到下一行")
        screen.keys("Escape")
        sees("^ +llm-train +gpu01", without="环境的按键")
        screen.keys("q")
        assert screen.ended(20) == 0
        screen.restored()


def test_the_command_line_speaks_english_in_every_locale(tmp_path: Path) -> None:
    """Scripts read it. The host is this machine at a port where nobody listens."""
    closed = {"address": "127.0.0.1", "port": 1}
    command = Command(tmp_path, {"hosts": {"nowhere": closed}, "language": "zh_CN"})
    command.env["LC_ALL"] = "zh_CN.UTF-8"
    for arguments in (("hosts",), ("hosts", "--json"), ("envs", "nope"), ("--help",)):
        answer = command(*arguments)
        said = (answer.stdout + answer.stderr).decode()
        assert said
        assert not re.search("[\u4e00-\u9fff]", said)
    assert "refused the connection" in command("hosts", "--json").hosts()["nowhere"]["fault"]["message"]
