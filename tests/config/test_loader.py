from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.config import config_path, load
from tui.config.loader import parse
from tui.domain.errors import ConfigError, ConfigProblem
from tui.domain.hosts import HostSpec, SearchPlaces
from tui.domain.settings import Intervals, Limits, Settings

ENV = {"HOME": "/home/ada"}


def read(text: str) -> Settings:
    return parse(text, "c.yaml", ENV)


def problems(text: str) -> list[ConfigProblem]:
    with pytest.raises(ConfigError) as caught:
        read(text)
    return list(caught.value.problems)


def problem(text: str) -> str:
    found = problems(text)
    assert len(found) == 1, found
    return str(found[0])


def test_the_contracts_own_example_is_understood() -> None:
    settings = read(
        """
hosts:
  gpu01: {}
  gpu02:
    address: 192.0.2.12
    port: 22
    user: ada
    identity: [~/.ssh/id_ed25519]
    jump: bastion
    known_hosts: ~/.ssh/known_hosts
    groups: [a100]
    search: []
    sudo: false
  local: {}
defaults: {}
intervals: {status: 5s, gpus: 5s, inventory: 5m}
limits: {connect: 10s, command: 30s, handshakes: auto, tasks: 16}
protect: []
naming: null
removal: {keep: 0s}
language: null
theme: null
keys: {}
"""
    )
    assert settings == Settings(
        hosts=(
            HostSpec("gpu01"),
            HostSpec(
                "gpu02",
                address="192.0.2.12",
                port=22,
                user="ada",
                identity=("/home/ada/.ssh/id_ed25519",),
                jump="bastion",
                known_hosts="/home/ada/.ssh/known_hosts",
                groups=("a100",),
            ),
            HostSpec("local"),
        ),
        file="c.yaml",
    )


def test_every_value_can_be_other_than_its_default() -> None:
    settings = read(
        "intervals: {status: 1m, gpus: 10s, inventory: 1h}\n"
        "limits: {connect: 3s, command: 1m30s, handshakes: 4, tasks: 2}\n"
        "protect: ['*:prod-*', 'gpu01:/data/*']\nnaming: '[a-z]+-.*'\nremoval: {keep: 1d}\n"
        "language: zh_CN\ntheme: nord\nkeys: {refresh: f5}\n"
        "hosts: {a: {search: [/data, ~/x, '~'], only: true, sudo: yes, groups: one, user: 1234}}\n"
    )
    assert settings.intervals == Intervals(60, 10, 3600)
    assert settings.limits == Limits(3, 90, 4, 2)
    assert settings.protect == ("*:prod-*", "gpu01:/data/*")
    assert (settings.naming, settings.removal_keep, settings.theme) == ("[a-z]+-.*", 86400, "nord")
    assert settings.language == "zh_CN"
    assert settings.keys == {"refresh": "f5"}
    assert settings.lines == {"theme": 7, "keys.refresh": 8}
    assert settings.hosts == (
        HostSpec("a", user="1234", groups=("one",), sudo=True, search=SearchPlaces(("/data", "~/x", "~"), True)),
    )


def test_a_plain_zero_is_a_duration() -> None:
    assert read("removal: {keep: 0}").removal_keep == 0


def test_defaults_hold_for_every_host_and_a_host_overrides_them() -> None:
    settings = read(
        "defaults: {user: ada, jump: bastion, groups: [a], search: [/data]}\n"
        "hosts:\n  bastion:\n  gpu01: {user: bob, groups: []}\n  local:\n"
    )
    bastion, gpu01, local = settings.hosts
    assert bastion == HostSpec("bastion", user="ada", groups=("a",), search=SearchPlaces(("/data",)))
    assert gpu01 == HostSpec("gpu01", user="bob", jump="bastion", search=SearchPlaces(("/data",)))
    assert local == HostSpec("local", groups=("a",), search=SearchPlaces(("/data",)))


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "theme: dark\n", "\ufefftheme: dark\n", "null\n"])
def test_a_file_without_hosts_leaves_this_machine(text: str) -> None:
    assert [spec.name for spec in read(text).hosts] == ["local"]


@pytest.mark.parametrize("text", ["hosts:\n", "hosts: {}\n", "hosts: ~\n"])
def test_empty_hosts_are_an_empty_fleet(text: str) -> None:
    assert read(text).hosts == ()


def test_names_are_taken_as_they_are_written() -> None:
    assert [spec.name for spec in read("hosts: {no: , 01: , 1.50: , on: {}, 2024-01-01: , '5': }").hosts] == [
        "no", "01", "1.50", "on", "2024-01-01", "5",
    ]  # fmt: skip


def test_merges_and_aliases_are_followed() -> None:
    settings = read(
        "defaults: &d {user: ada, port: 22}\nhosts:\n  a: &a {<<: *d, port: 23}\n  b: {<<: [*a, *d]}\n  c: *a\n"
    )
    assert [(spec.user, spec.port) for spec in settings.hosts] == [("ada", 23)] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("host: {}", "c.yaml:1: host: found an unknown key, expected one of hosts, defaults, intervals, limits, protect, naming, removal, language, theme, keys. Did you mean 'hosts'?"),  # noqa: E501
        ("hosts: {a: {prot: 1}}", "c.yaml:1: hosts.a.prot: found an unknown key, expected one of address, port, user, identity, jump, known_hosts, groups, search, only, sudo. Did you mean 'port'?"),  # noqa: E501
        ("hosts: {a: {known-hosts: x}}", "Did you mean 'known_hosts'?"),
        ("hosts: {a: {zzz: 1}}", "address, port, user, identity, jump, known_hosts, groups, search, only, sudo."),
        ("hosts:\n  a:\n    port: yes", "c.yaml:3: hosts.a.port: found the truth value `yes`, expected a whole number from 1 to 65535."),  # noqa: E501
        ("hosts: {a: {port: 0}}", "found the number `0`, expected a whole number from 1 to 65535."),
        ("hosts: {a: {port: 65536}}", "found the number `65536`"),
        ("hosts: {a: {port: 022}}", "found the number `022`"),
        ("hosts: {a: {port: 1:30}}", "found the number `1:30`"),
        ("hosts: {a: {port: '22'}}", "found the text `22`"),
        ("hosts: {a: {port: 1e3}}", "1e3"),
        ("hosts: {-a: {}}", "c.yaml:1: hosts.-a: found the host name `-a`, expected letters, digits, dots, dashes and underscores, with no dash at the beginning."),  # noqa: E501
        ("hosts: {'a b': {}}", "found the host name `a b`"),
        ("hosts: {'': {}}", "found the host name ``"),
        ('hosts: {"a\\n[red]\\e": {}}', r"hosts.a\x0a[red]\x1b: found the host name"),
        ("hosts: [gpu01]", "hosts: found a list, expected a mapping of host names, such as `gpu01: {}`."),
        ("hosts: gpu01", "hosts: found the text `gpu01`, expected a mapping of host names"),
        ("hosts: {a: 5}", "hosts.a: found the number `5`, expected a mapping with the keys address"),
        ("hosts: {a: {user: yes}}", "hosts.a.user: found the truth value `yes`, expected the name of an account."),
        ("hosts: {a: {user: -oProxyCommand=x}}", "hosts.a.user: found the text `-oProxyCommand=x`"),
        ("hosts: {a: {address: -oProxyCommand=x}}", "hosts.a.address: found the text"),
        ("hosts: {a: {address: bob@h}}", "without user, port or blanks"),
        ("hosts: {a: {address: [h]}}", "hosts.a.address: found a list, expected a host name or an address."),
        ("hosts: {a: {address: ''}}", "hosts.a.address: found an empty text"),
        ("hosts: {a: {jump: -J}}", "hosts.a.jump: found the text `-J`"),
        ("hosts: {a: {jump: a}}", "hosts.a.jump: found the host itself, expected another host to pass through."),
        ("hosts: {a: {identity: {x: 1}}}", "hosts.a.identity: found a mapping, expected a list, each item the path of a key file."),  # noqa: E501
        ("hosts: {a: {search: [data]}}", "hosts.a.search[0]: found the text `data`, expected an absolute path on the host, or one below `~/`."),  # noqa: E501
        ("hosts: {a: {search: [/x, ~]}}", "hosts.a.search[1]: found nothing"),
        ("hosts: {a: {groups: ['a b']}}", "hosts.a.groups[0]: found the text `a b`, expected the name of a group"),
        ("hosts: {a: {groups: [[x]]}}", "hosts.a.groups[0]: found a list"),
        ("hosts: {a: {sudo: maybe}}", "hosts.a.sudo: found the text `maybe`, expected true or false."),
        ("hosts: {local: {port: 22}}", "hosts.local.port: found a key for SSH, expected none: `local` is this machine"),
        ("hosts: {a: , a: }", "hosts.a: found a second key of this name, expected each key once (the first is on line 1)."),  # noqa: E501
        ("theme: a\ntheme: b", "c.yaml:2: theme: found a second key of this name"),
        ("hosts: {[a]: x}", "hosts: found a list as a key, expected a plain name."),
        ("hosts: {a: {<<: 5}}", "hosts.a.<<: found the number `5`, expected an alias of a mapping."),
        ("hosts: {a: &x {<<: *x}}", "hosts.a.<<: found an alias of itself"),
        ("intervals: {status: 5}", "intervals.status: found the number `5`, expected a duration such as 5s, 10m30s, 2h or 1d."),  # noqa: E501
        ("intervals: {status: 5x}", "found the text `5x`, expected a duration"),
        ("intervals: {gpus: 0s}", "from 1s to 30d"),
        ("intervals: {gpus: 30s10m}", "found the text `30s10m`"),
        ("limits: {connect: 99999999d}", "limits.connect"),
        ("limits: {handshakes: many}", "expected a whole number from 1 to 1000, or auto."),
        ("limits: {tasks: 0}", "limits.tasks: found the number `0`"),
        ("limits: []", "limits: found a list"),
        ("protect: ['prod-*']", "protect[0]: found the text `prod-*`, expected a pattern HOST:NAME or HOST:/prefix, such as `*:prod-*`."),  # noqa: E501
        ("protect: ['a b:x']", "protect[0]"),
        ("protect: ['a:']", "protect[0]"),
        ("naming: '['", "naming: found the text `[`, expected a regular expression (unterminated character set at position 0)."),  # noqa: E501
        ("removal: {keep: -1d}", "removal.keep"),
        ("language: zh-cn", "c.yaml:1: language: found the text `zh-cn`, expected one of en, zh_CN, or null for the locale's. Did you mean 'zh_CN'?"),  # noqa: E501
        ("language: English", "Did you mean 'en'?"),
        ("language: 中文", "Did you mean 'zh_CN'?"),
        ("language: de", "language: found the text `de`, expected one of en, zh_CN, or null for the locale's."),
        ("language: no", "language: found the truth value `no`, expected one of en, zh_CN"),
        ("language: [en]", "language: found a list, expected one of en, zh_CN"),
        ("theme: {a: b}", "theme: found a mapping, expected the name of a theme."),
        ("keys: {refresh: [a]}", "keys.refresh: found a list"),
        ("5", "c.yaml:1: found the number `5`, expected a mapping with the keys hosts"),
        ("- a", "c.yaml:1: found a list, expected a mapping with the keys"),
        ("theme: !!python/name:os.system x", "with the tag tag:yaml.org,2002:python/name:os.system"),
        ("theme: 2024-01-01", ""),
        ("hosts:\n\ta: {}", "c.yaml:2: found a tab, expected spaces"),
        ("hosts: {a: {}", "c.yaml:1: found the end of the file, expected ',' or '}'."),
        ("hosts:\n  a: [1\n", "c.yaml:2: found the end of the file, expected ',' or ']'."),
        ("hosts: {\n  a: {}\n\n\n", "c.yaml:2: found the end of the file, expected ',' or '}' for what begins in"),
        ("theme: 'x\nnaming: y\n", "c.yaml:2: found the end of the file, expected an end for what begins in line 1."),
        ("hosts:\n  a: {}\n b: {}", "c.yaml:3: found a line with another indentation, expected the indentation of the"),
        ("a: *b", "c.yaml:1: found undefined alias 'b', expected correct YAML."),
        ("a: b: c", "c.yaml:1: found a `:` where no value can begin, expected quotes around text that holds `: `."),
        ("theme: a\n---\ntheme: b", "c.yaml:2: found a second document"),
        ("theme: a\nnaming: \x1b", "c.yaml:2: found the control character U+001B, expected printable text."),
        pytest.param("[" * 20000, "nested too deeply", id="deep"),
    ],
)  # fmt: skip
def test_a_problem_is_named_with_its_line_its_key_what_was_found_and_what_was_expected(text: str, message: str) -> None:
    if not message:
        assert read(text).theme == "2024-01-01"
        return
    assert message in problem(text)


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    found = problems("theem: x\nhosts:\n  a: {port: no}\n  -b:\n  c: {user: [], sudo: 3}\nlimits: 5\n")
    assert [(item.line, item.key) for item in found] == [
        (1, "theem"),
        (3, "hosts.a.port"),
        (4, "hosts.-b"),
        (5, "hosts.c.sudo"),
        (5, "hosts.c.user"),
        (6, "limits"),
    ]


def test_a_problem_in_the_defaults_is_named_once() -> None:
    assert problem("defaults: {port: 0}\nhosts: {a: , b: , c: }").startswith("c.yaml:1: defaults.port:")


def test_a_bomb_of_aliases_ends_quickly() -> None:
    items = ", ".join(["/a"] * 5000)
    hosts = "\n".join(f"  h{at}: *x" for at in range(10000))
    start = time.process_time()
    found = problems(f"defaults: &x {{search: [{items}]}}\nhosts:\n{hosts}\n")
    assert "aliases that unfold to too much" in str(found[0])
    merges = "\n".join(f"  h{at}: &h{at} {{<<: [*h{at - 1}, *h{at - 1}, *h{at - 1}]}}" for at in range(1, 60))
    found = problems(f"hosts:\n  h0: &h0 {{user: a}}\n{merges}\n")
    assert "aliases that unfold to too much" in str(found[0])
    assert time.process_time() - start < 20


@given(st.text(alphabet="hosts: {}[]\n-&*a<1~!'\"#|>?,%@`\\\t", max_size=60) | st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_settings_or_problems(text: str) -> None:
    try:
        read(text)
    except ConfigError as error:
        assert error.problems
        assert "\x1b" not in error.message


def test_the_file_is_found_by_argument_then_variable_then_xdg(tmp_path: Path) -> None:
    assert config_path(Path("/x/c.yaml"), ENV) == (Path("/x/c.yaml"), True)
    assert config_path(Path("~/c.yaml"), ENV) == (Path("/home/ada/c.yaml"), True)
    assert config_path(None, {**ENV, "CONDAFLEET_CONFIG": "~/c.yaml"}) == (Path("/home/ada/c.yaml"), True)
    assert config_path(None, ENV) == (Path("/home/ada/.config/condafleet/config.yaml"), False)
    assert config_path(None, {**ENV, "XDG_CONFIG_HOME": "/xdg"}) == (Path("/xdg/condafleet/config.yaml"), False)
    assert config_path(None, {**ENV, "XDG_CONFIG_HOME": "xdg"})[0] == Path("/home/ada/.config/condafleet/config.yaml")


def test_a_missing_default_file_means_this_machine_and_a_missing_named_one_is_an_error(tmp_path: Path) -> None:
    assert load(None, {"HOME": str(tmp_path)}) == Settings()
    with pytest.raises(ConfigError, match=r"no file, expected the one that --config names"):
        load(tmp_path / "none.yaml", ENV)
    with pytest.raises(ConfigError, match=r"CONDAFLEET_CONFIG"):
        load(None, {**ENV, "CONDAFLEET_CONFIG": str(tmp_path / "none.yaml")})
    broken = tmp_path / "broken.yaml"
    broken.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="No such file"):
        load(broken, ENV)


def test_a_default_file_that_nobody_may_look_at_is_not_taken_for_a_missing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".config" / "condafleet"
    folder.mkdir(parents=True)

    def closed(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", closed)
    monkeypatch.setattr(Path, "lstat", closed)
    with pytest.raises(ConfigError, match="found Permission denied, expected a readable file"):
        load(None, {"HOME": str(tmp_path)})


def test_a_file_is_read_and_named(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "condafleet"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("hosts: {gpu01: }\r\ntheme: x\r\n")
    found = load(None, {"HOME": str(tmp_path)})
    assert found.file == str(folder / "config.yaml")
    assert found.hosts == (HostSpec("gpu01"),)


def test_what_is_no_file_of_text_is_refused(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"theme: a\nnaming: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin.yaml:2: found the byte 0xe9, expected UTF-8 text"):
        load(latin, ENV)
    with pytest.raises(ConfigError, match="found a folder"):
        load(tmp_path, ENV)
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"# " + b"x" * (1 << 20))
    with pytest.raises(ConfigError, match="more than 1 MiB"):
        load(huge, ENV)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="no regular file"):
        load(pipe, ENV)
    assert [spec.name for spec in load(Path(os.devnull), ENV).hosts] == ["local"]
