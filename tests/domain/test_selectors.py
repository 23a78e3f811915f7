from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.environments import Environment, EnvKind, Manager
from tui.domain.errors import NothingMatchedError, UsageError
from tui.domain.globs import Glob
from tui.domain.hosts import HostSpec
from tui.domain.protect import is_protected
from tui.domain.selectors import parse_selector, select_environments, select_hosts, select_one_environment
from tui.domain.text import decode, printable

FLEET = (
    HostSpec("gpu01", groups=("a100", "prod")),
    HostSpec("gpu02", groups=("a100",)),
    HostSpec("cpu-1"),
    HostSpec("local"),
)


def env(host: str, prefix: str, name: str | None = "") -> Environment:
    if name == "":
        name = prefix.rsplit("/", 1)[1]
    return Environment(host, prefix, name, EnvKind.NAMED, "/opt/conda", Manager.CONDA)


ENVS = [
    env("gpu01", "/opt/conda", "base"),
    env("gpu01", "/home/ada/miniconda3", "base"),
    env("gpu01", "/opt/conda/envs/env[cu118]"),
    env("gpu01", "/opt/conda/envs/envc"),
    env("gpu01", "/scratch/x", None),
    env("gpu02", "/opt/conda/envs/envc"),
    env("gpu02", "/opt/conda/envs/cv-resnet50"),
    env("cpu-1", "/e/" + decode(b"bad\xff\nname")),
    env("cpu-1", "/e/a:b"),
    env("cpu-1", "/e/back\\slash"),
]


def chosen(*selectors: str) -> list[str]:
    found = select_environments(map(parse_selector, selectors), FLEET, ENVS)
    return [f"{item.host}:{item.prefix}" for item in found]


def hosts(*selectors: str) -> list[str]:
    return select_hosts(map(parse_selector, selectors), FLEET)


def refusal(call: object, *args: object) -> str:
    with pytest.raises(UsageError) as caught:
        call(*args)  # type: ignore[operator]  # any of the functions under test
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    return caught.value.message


def test_hosts_come_in_the_order_of_the_configuration_each_once() -> None:
    assert hosts() == ["gpu01", "gpu02", "cpu-1", "local"]
    assert hosts("cpu-1", "gpu0?", "@a100", "gpu01:x") == ["gpu01", "gpu02", "cpu-1"]
    assert hosts("gpu0[!1]") == ["gpu02"]
    assert hosts("@prod") == ["gpu01"]
    assert hosts("*:base") == ["gpu01", "gpu02", "cpu-1", "local"]


def test_an_unknown_host_is_refused_with_the_nearest_one() -> None:
    assert refusal(hosts, "gpu1") == "The fleet has no host 'gpu1'. Did you mean gpu01?"
    assert refusal(hosts, "gpu01", "GPU02") == "The fleet has no host 'GPU02'. Did you mean gpu02?"
    assert refusal(hosts, "prod") == "The fleet has no host 'prod'. Did you mean the group @prod?"
    assert refusal(hosts, "zzz") == "The fleet has no host 'zzz'."
    assert refusal(hosts, "xpu*") == "No host of the fleet fits 'xpu*'."
    assert refusal(hosts, "@a10") == "No host of the fleet is in a group 'a10'. Did you mean @a100?"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":x",
        "gpu01:",
        "-gpu",
        "--yes",
        "@",
        "@-a",
        "gpu 01",
        "gpu\n01",
        "gpu01:a\x1b[0m",
        "gpu01:\x7f",
        "a/b:c",
        "ü",
    ],
)
def test_what_can_be_no_selector_is_refused_and_shown_harmless(text: str) -> None:
    message = refusal(parse_selector, text)
    assert printable(message).replace("\\\\", "\\") == message


def test_the_first_colon_splits() -> None:
    assert chosen("cpu-1:a:b") == ["cpu-1:/e/a:b"]
    assert parse_selector("h:a:b").name == "a:b"


def test_environments_by_host_group_name_and_prefix() -> None:
    assert len(chosen()) == len(ENVS)
    assert len(chosen("gpu01")) == 5
    assert chosen("@prod:base") == ["gpu01:/opt/conda", "gpu01:/home/ada/miniconda3"]
    assert chosen("gpu*:envc") == ["gpu01:/opt/conda/envs/envc", "gpu02:/opt/conda/envs/envc"]
    assert chosen("*:cv-*", "gpu02:cv-resnet50") == ["gpu02:/opt/conda/envs/cv-resnet50"]
    assert chosen("gpu01:/scratch/x/") == ["gpu01:/scratch/x"]
    assert chosen("gpu01:/scratch/*") == []
    assert "gpu01:/scratch/x" not in chosen("gpu01:*")


def test_on_each_host_a_literal_name_wins_over_the_glob() -> None:
    assert chosen("*:env[cu118]") == ["gpu01:/opt/conda/envs/env[cu118]", "gpu02:/opt/conda/envs/envc"]
    assert chosen(r"*:env\x5bcu118\x5d") == ["gpu01:/opt/conda/envs/env[cu118]"]


def test_the_printed_form_is_read_back() -> None:
    assert chosen(r"cpu-1:bad\xff\x0aname") == ["cpu-1:" + ENVS[7].prefix]
    assert chosen(r"cpu-1:bad\xff*") == ["cpu-1:" + ENVS[7].prefix]
    assert chosen(r"cpu-1:/e/bad\xff\x0aname") == ["cpu-1:" + ENVS[7].prefix]
    assert chosen(r"cpu-1:back\\slash") == [r"cpu-1:/e/back\slash"]


def test_one_environment_or_a_reason() -> None:
    one = select_one_environment(parse_selector("gpu02:envc"), ENVS)
    assert one is ENVS[5]
    assert select_one_environment(parse_selector("@prod:envc"), ENVS, FLEET) is ENVS[3]
    message = refusal(select_one_environment, parse_selector("gpu01:base"), ENVS)
    assert message == "The selector 'gpu01:base' fits 2 environments:\n  gpu01:/opt/conda\n  gpu01:/home/ada/miniconda3"
    assert "whole host" in refusal(select_one_environment, parse_selector("gpu01"), ENVS)
    assert "and 8 more" in refusal(
        select_one_environment, parse_selector("h:e*"), [env("h", f"/e/e{at}") for at in range(20)]
    )


def test_nothing_matched_is_an_error_of_its_own_with_the_nearest_name() -> None:
    with pytest.raises(NothingMatchedError) as caught:
        select_one_environment(parse_selector("gpu02:cv-resnet5"), ENVS)
    assert (caught.value.exit_code, caught.value.kind) == (4, "no_match")
    assert caught.value.message == "No environment fits 'gpu02:cv-resnet5'. Did you mean gpu02:cv-resnet50?"
    assert caught.value.remedy == "`condafleet envs gpu02` lists what is there."


NAMES = st.text(
    st.characters(exclude_characters="/\x00", exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.binary(min_size=1, max_size=8).map(lambda raw: decode(raw.replace(b"/", b"_").replace(b"\0", b"_")))


@given(NAMES, st.lists(NAMES, max_size=4))
@settings(max_examples=300, deadline=None)
def test_any_name_as_printed_selects_exactly_itself(name: str, others: list[str]) -> None:
    environments = [env("h", f"/e/{at}", other) for at, other in enumerate([name, *others])]
    found = select_environments([parse_selector(f"h:{printable(name)}")], [HostSpec("h")], environments)
    assert {item.name for item in found} == {name}
    found = select_environments([parse_selector(f"h:/e/{printable(name)}")], [HostSpec("h")], [env("h", f"/e/{name}")])
    assert len(found) == 1


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*", "", True),
        ("a**b", "ab", True),
        ("a*b*c", "axxbyyc", True),
        ("a*b*c", "axxcyyb", False),
        ("?", "é", True),
        ("?", "", False),
        ("[a-c]x", "bx", True),
        ("[!a-c]x", "bx", False),
        ("[!a-c]x", "dx", True),
        ("[]a]", "]", True),
        ("[z-a]", "b", False),
        ("[a", "[a", True),
        ("[a", "a", False),
        ("[a-]", "-", True),
        ("[^a]", "^", True),
        ("*.x", "a\nb.x", True),
        ("A*", "a", False),
        (r"\x2a", "*", True),
        (r"\x2a", "a", False),
        (r"a\\*", "a\\b", True),
        ("a.c", "abc", False),
    ],
)
def test_globs(pattern: str, name: str, fits: bool) -> None:
    assert Glob(pattern).matches(name) is fits


def test_a_glob_of_many_stars_takes_no_time() -> None:
    start = time.process_time()
    assert not Glob("*a" * 40 + "b").matches("a" * 10_000)
    assert time.process_time() - start < 2


def test_protection_by_name_by_prefix_and_by_host() -> None:
    assert is_protected("gpu01", "prod-llm", "/e/prod-llm", ["*:prod-*"])
    assert not is_protected("gpu01", "dev", "/e/dev", ["*:prod-*"])
    assert is_protected("gpu01", None, "/data/keep/x/y", ["gpu*:/data/keep/*"])
    assert not is_protected("cpu", None, "/data/keep/x", ["gpu*:/data/keep/*"])
    assert is_protected("h", "env[cu118]", "/e/1", ["*:env[cu118]"])
    assert is_protected("h", "a:b", "/e/1", ["h:a:b"])
    assert not is_protected("h", "Prod-x", "/e/1", ["h:prod-*"])
    assert not is_protected("h", "x", "/e/1", [])
