"""Arguments: what is accepted where, and what is said about the rest."""

from __future__ import annotations

import argparse
import inspect
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui import __version__
from tui.cli.commands import COMMANDS, module_of
from tui.cli.parser import BadArguments, build, parse, plural_of, wants
from tui.demo.layouts import DEFAULT_HOSTS, MOST_HOSTS


@pytest.mark.parametrize(
    "argv",
    [
        ["--config", "c.yaml", "--readonly", "--debug", "envs", "gpu01"],
        ["envs", "gpu01", "--config", "c.yaml", "--readonly", "--debug"],
        ["--readonly", "envs", "--debug", "gpu01", "--config=c.yaml"],
    ],
)
def test_options_of_the_program_stand_before_or_after_the_command(argv: list[str]) -> None:
    args = parse(argv)
    assert (args.config, args.readonly, args.debug, args.selectors) == ("c.yaml", True, True, ["gpu01"])


@pytest.mark.parametrize(
    "argv",
    [
        ["envs", "a", "--json", "b"],
        ["envs", "--json", "a", "b"],
        ["envs", "a", "b", "--json"],
        ["envs", "--json", "--", "a", "b"],
    ],
)
def test_selectors_and_options_stand_in_any_order(argv: list[str]) -> None:
    args = parse(argv)
    assert args.selectors == ["a", "b"]
    assert args.json


def test_hosts_lists_without_an_action_and_json_survives_it() -> None:
    assert parse(["hosts"]).action is None
    assert parse(["hosts", "--json", "list"]).json
    assert parse(["hosts", "list", "--json"]).json
    assert not parse(["hosts", "list"]).json


def test_no_command_means_the_screen() -> None:
    args = parse([])
    assert args.command is None
    assert not args.json


def test_options_may_stand_between_the_packages_of_a_new_environment() -> None:
    for words in (
        ["create", "gpu01:x", "--install", "/opt/conda", "python=3.11", "-c", "forge", "numpy"],
        ["create", "--install", "/opt/conda", "gpu01:x", "python=3.11", "numpy", "-c", "forge"],
    ):
        args = parse(words)
        assert (args.target, args.specs, args.channel) == ("gpu01:x", ["python=3.11", "numpy"], ["forge"])
    assert parse(["install", "gpu01:x", "-c", "forge", "numpy", "--yes", "scipy"]).specs == ["numpy", "scipy"]


def test_what_follows_two_dashes_is_the_demos_command() -> None:
    assert parse(["demo", "--hosts", "3", "--", "condafleet", "envs", "--json"]).program == [
        "condafleet",
        "envs",
        "--json",
    ]
    assert parse(["demo"]).program is None
    with pytest.raises(BadArguments, match="no command after"):
        parse(["demo", "--"])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["env"], "Did you mean 'envs'?"),
        (["sesions", "--json"], "Did you mean 'sessions'?"),
        (["frobnicate", "gpu01:x"], "There is no command 'frobnicate'"),
        (["envs", "--jsno"], "Did you mean '--json'?"),
        (["attach", "gpu01:train", "--json"], "Unexpected argument '--json'."),
        (["attach", "gpu01:train", "--degub"], "Did you mean '--debug'?"),
        (["hosts", "trust", "gpu01", "--fingerprint", "x", "--finger"], "Did you mean '--fingerprint'?"),
        (["attach"], "HOST:SESSION"),
        (["demo", "--hosts", "0"], "is no number of hosts"),
        (["demo", "x"], "Unexpected argument 'x'"),
        (["hosts", "trust", "gpu01"], "--fingerprint"),
    ],
)
def test_wrong_arguments_are_named_with_the_nearest_right_one(argv: list[str], words: str) -> None:
    with pytest.raises(BadArguments) as caught:
        parse(argv)
    assert words in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("argv", [["attach", "gpu01:x", "--json"], ["--json"], ["frobnicate", "gpu01:x"]])
def test_what_is_not_near_is_not_suggested(argv: list[str]) -> None:
    with pytest.raises(BadArguments) as caught:
        parse(argv)
    assert "Did you mean" not in caught.value.message


def test_json_is_seen_in_arguments_that_cannot_be_parsed() -> None:
    assert wants(["envz", "--json"], "--json")
    assert not wants(["demo", "--", "envs", "--json"], "--json")
    assert plural_of(["--config", "envs", "gpus", "--wrong"]) == "gpus"
    assert plural_of(["wrong"]) == "hosts"


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(["envs", "hosts", "--json", "--config", "demo", "--", "-x", "a:b", "", "-", "add", "\x1b"]),
        max_size=5,
    )
)
def test_any_arguments_are_parsed_or_refused(argv: list[str]) -> None:
    try:
        args = parse(argv)
    except BadArguments as problem:
        assert problem.message
    else:
        assert isinstance(args.json, bool)


HEAVY = ("textual", "asyncssh", "yaml", "rich", "asyncio", "uvloop")


@pytest.mark.parametrize(
    "argv", [["--help"], ["--version"], ["envs", "--help"], ["hosts", "trust", "--help"], ["demo", "--help"], ["envz"]]
)
def test_help_and_version_import_nothing_heavy(argv: list[str]) -> None:
    code = (
        "import sys\nfrom tui.__main__ import main\n"
        f"code = main({argv!r})\n"
        f"print('LOADED', code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = done.stdout.splitlines()[-1]
    if argv == ["envz"]:
        assert loaded.startswith("LOADED 2")
    else:
        assert loaded == "LOADED 0 []"


def test_version_and_help_say_what_people_look_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def output(*argv: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "tui", *argv], capture_output=True, text=True, check=True, timeout=60,
            env={"CONDAFLEET_STATE_DIR": "/somewhere/state"},
        ).stdout  # fmt: skip

    assert output("--version") == f"condafleet {__version__}\n"
    help_text = output("--help")
    assert "log file: /somewhere/state/condafleet.log" in help_text
    for command in ("hosts", "envs", "packages", "gpus", "sessions", "attach", "shell", "probe", "demo"):
        assert f"    {command} " in help_text
        if command != "demo":
            assert "examples:" in output(command, "--help")


@pytest.mark.parametrize(
    ("argv", "selectors"),
    [
        (["hosts", "gpu01"], ["gpu01"]),
        (["hosts", "@a100", "gpu01", "--json"], ["@a100", "gpu01"]),
        (["hosts", "--json", "gpu01"], ["gpu01"]),
        (["--config", "hosts", "hosts", "--config", "add", "gpu01"], ["gpu01"]),
        (["hosts", "list", "add"], ["add"]),
    ],
)
def test_what_follows_hosts_and_is_no_action_are_selectors(argv: list[str], selectors: list[str]) -> None:
    args = parse(argv)
    assert (args.command, args.action, args.selectors) == ("hosts", "list", selectors)


def test_hosts_alone_lists_all() -> None:
    assert parse(["hosts"]).action is None
    assert parse(["hosts", "--json"]).action is None


def test_the_help_of_a_demo_tells_of_the_command_and_of_how_many_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["demo", "--help"])
    text = capsys.readouterr().out
    assert "[-- COMMAND …]" in text
    assert f"default: {DEFAULT_HOSTS}" in " ".join(text.split())
    assert f"1 to {MOST_HOSTS}" in " ".join(text.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_of_the_table_has_its_module(name: str) -> None:
    module, command = module_of(name), COMMANDS[name]
    actions = build(name)._actions
    below = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    words = [it for action in below[0].choices[name]._actions if isinstance(action, argparse._SubParsersAction)
             for it in action.choices]  # fmt: skip
    assert tuple(words) == command.actions
    assert {command.default, *command.makes_config} <= {"", *command.actions}
    assert name in {"demo", "completion"} or inspect.iscoroutinefunction(module.run)


def test_the_help_of_one_command_loads_the_module_of_no_other() -> None:
    code = (
        "import contextlib, io, sys\nfrom tui.__main__ import main\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n    main(['find', '--help'])\n"
        "print(*(name for name in sys.modules if name.startswith('tui.cli.commands.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["tui.cli.commands.find"]
