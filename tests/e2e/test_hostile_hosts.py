"""Hosts that lie, flood, fall silent and talk nonsense: the command ends in time, whole, and prints no stray byte."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.condafleet_command import Answer
from tests.e2e.hostile_fleet import GREETINGS, MACHINES, Battlefield, battlefield, strings
from tests.e2e.hostile_plays import ENDINGS, FLOODS, HANGS, LIES, NOISES


@pytest.fixture(scope="module")
def field_of_battle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Battlefield]:
    with battlefield(tmp_path_factory.mktemp("hostile")) as field:
        yield field


def _good_is_whole(answer: Answer) -> None:
    names = {item["name"] for item in answer.json["environments"] if item["host"] == "good"}
    assert names == {"base", "train"}
    good = answer.hosts()["good"]
    assert (good["state"], good["fault"], good["part_faults"]) == ("up", None, [])


# -- lies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["--debug envs --json", "gpus --json", "sessions --json", "envs", "sessions", "gpus"])
def test_lies_in_every_field_come_out_harmless(field_of_battle: Battlefield, words: str) -> None:
    answer = field_of_battle.ask(*words.split(), hosts=(*LIES, *MACHINES))
    if words == "--debug envs --json":
        _good_is_whole(answer)
    if words.endswith("--json"):
        assert set(answer.hosts()) == {*LIES, *MACHINES, "good"}
        told = answer.json[words.removeprefix("--debug ").split()[0].replace("envs", "environments")]
        assert {"escapes", "bidi"} <= {item["host"] for item in told}
        assert any("PWNED" in string for string in strings(told))


@pytest.mark.parametrize(
    ("form", "hosts"),
    [(["--json"], (*LIES, *MACHINES)), ([], ("suffixed", "words", "longend", "far", "before", "escapes", "bidi"))],
    ids=["json", "text"],
)
def test_a_probe_of_a_liar_comes_out_harmless(
    field_of_battle: Battlefield, form: list[str], hosts: tuple[str, ...]
) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda host: field_of_battle.ask("probe", host, *form, hosts=(host,)), hosts))


def test_names_on_a_hostile_machine_are_told_as_they_are(field_of_battle: Battlefield) -> None:
    answer = field_of_battle.ask("envs", "--json", hosts=("latin", "quotes"))
    names = {item["host"]: item["name"] for item in answer.json["environments"] if item["kind"] == "named"}
    assert names["latin"] == "caf\\xe9 \\xc3( \\xf0\\x9f"
    assert names["quotes"] == MACHINES["quotes"].decode().replace("\\", "\\\\")
    assert not list(field_of_battle.directory.rglob("pwned"))


# -- floods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", list(FLOODS))
def test_a_flood_ends_in_a_fault_beside_a_good_host(field_of_battle: Battlefield, host: str) -> None:
    answer = field_of_battle.ask("envs", "--json", hosts=(host,))
    _good_is_whole(answer)
    shown = answer.hosts()[host]
    faults = [fault["kind"] for fault in (shown["fault"], *shown["part_faults"]) if fault]
    assert faults and set(faults) <= {"too_large", "protocol", "tool_hung", "timeout", "lost", "shell_broken"}, faults


# -- silence, bad ends, bad beginnings -------------------------------------------------------------------


def _faults(answer: Answer, host: str) -> set[str]:
    shown = answer.hosts()[host]
    return {fault["kind"] for fault in (shown["fault"], *shown["part_faults"]) if fault}


def test_silence_costs_only_the_silent_host(field_of_battle: Battlefield) -> None:
    limits = {"connect": "4s", "command": "2s"}
    answer = field_of_battle.ask("envs", "--json", hosts=tuple(HANGS), limits=limits)
    _good_is_whole(answer)
    for host in HANGS:
        assert _faults(answer, host) & {"timeout", "tool_hung"}, (host, answer.hosts()[host])


def test_a_channel_or_connection_that_ends_badly_is_a_fault(field_of_battle: Battlefield) -> None:
    answer = field_of_battle.ask("envs", "--json", hosts=tuple(ENDINGS), limits={"command": "2s"})
    _good_is_whole(answer)
    wanted = {
        "bad-status": {"protocol"},
        "ends": {"shell_broken", "lost"},
        "ends-at-greeting": {"shell_broken", "lost"},
        "eof": {"shell_broken", "lost"},
        "exit-statuses": {"tool_hung", "timeout", "shell_broken", "lost"},
        "goodbye": {"shell_broken", "lost"},  # a server that leaves closes its channels first, in packets of their own
        "hangs-up": {"lost"},
        "drops-sessions": {"shell_broken", "lost"},
    }
    for host, kinds in wanted.items():
        assert _faults(answer, host) & kinds, (host, answer.hosts()[host])
    assert _faults(answer, "calls-back") == set()


def test_nonsense_before_the_login_is_a_fault(field_of_battle: Battlefield) -> None:
    answer = field_of_battle.ask("envs", "--json", hosts=tuple(NOISES), limits={"connect": "4s"})
    _good_is_whole(answer)
    for host in NOISES:
        assert _faults(answer, host) & {"protocol", "kex_failed", "lost", "timeout"}, (host, answer.hosts()[host])
        assert answer.hosts()[host]["state"] != "up"


def test_what_a_host_says_at_the_login_comes_out_harmless(field_of_battle: Battlefield) -> None:
    answer = field_of_battle.ask("envs", "--json", hosts=tuple(GREETINGS))
    _good_is_whole(answer)
    assert _faults(answer, "questions") == {"auth_needed"}
    assert _faults(answer, "banner") == _faults(answer, "debug") == set()
    field_of_battle.ask("probe", "banner", hosts=("banner",))
