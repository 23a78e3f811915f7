from __future__ import annotations

import fcntl
import multiprocessing
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.config import add_host, files, forget_host, load
from tui.domain.errors import ConfigError, StorageError, UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def added(file: Path, text: str, name: str = "gpu09", fields: Mapping[str, object] | None = None) -> str:
    file.write_bytes(text.encode())
    add_host(file, name, fields or {})
    return file.read_bytes().decode()


def forgotten(file: Path, text: str, name: str) -> str:
    file.write_bytes(text.encode())
    forget_host(file, name)
    return file.read_bytes().decode()


def untouched(file: Path, text: str, call: object, *args: object) -> str:
    file.write_bytes(text.encode())
    with pytest.raises((UsageError, ConfigError)) as caught:
        call(file, *args)  # type: ignore[operator]  # add_host or forget_host
    assert file.read_bytes().decode() == text
    assert [item.name for item in file.parent.iterdir() if item.name != ".config.yaml.lock"] == ["config.yaml"]
    return str(caught.value)


def test_a_new_file_is_private_and_keeps_this_machine(file: Path) -> None:
    add_host(file, "gpu09", {"address": "192.0.2.9", "port": 2222, "groups": ["a100"], "sudo": True, "user": None})
    assert file.read_text() == (
        "# condafleet: the hosts of the fleet. `condafleet hosts add` and `hosts forget` write here too.\n"
        "hosts:\n  local: {}\n  gpu09:\n    address: 192.0.2.9\n    port: 2222\n    groups: [a100]\n    sudo: true\n"
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [spec.name for spec in load(file).hosts] == ["local", "gpu09"]


def test_a_missing_folder_is_made_private(tmp_path: Path) -> None:
    add_host(tmp_path / "new" / "config.yaml", "a", {})
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("hosts:\n  a: {}\n", "hosts:\n  a: {}\n  gpu09: {}\n"),
        ("hosts:\n  a: {}", "hosts:\n  a: {}\n  gpu09: {}\n"),
        ("hosts:\r\n    a:\r\ntheme: x\r\n", "hosts:\r\n    a:\r\n    gpu09: {}\r\ntheme: x\r\n"),
        (
            "hosts:\n a:\n    port: 22 # ssh\n\n# next\ntheme: x",
            "hosts:\n a:\n    port: 22 # ssh\n gpu09: {}\n\n# next\ntheme: x",
        ),
        (
            "hosts:\n  a:\n    port: 22\n    # user: x\n\n  # b: {}\n\n# end\ntheme: x\n",
            "hosts:\n  a:\n    port: 22\n    # user: x\n\n  # b: {}\n  gpu09: {}\n\n# end\ntheme: x\n",
        ),
        ("hosts: # mine\ntheme: x\n", "hosts: # mine\n  gpu09: {}\ntheme: x\n"),
        ("hosts:\n", "hosts:\n  gpu09: {}\n"),
        ("hosts:", "hosts:\n  gpu09: {}\n"),
        ("hosts: null  # none\ntheme: x\n", "hosts:  # none\n  gpu09: {}\ntheme: x\n"),
        ("hosts: {}\n", "hosts:\n  gpu09: {}\n"),
        ("hosts: {a: {}}  # one\n", "hosts: {a: {}, gpu09: {}}  # one\n"),
        ("hosts: {\n  a: {},\n  b: {},  # two\n}\n", "hosts: {\n  a: {},\n  b: {}, gpu09: {},  # two\n}\n"),
        ("{hosts: {}, theme: x}", "{hosts: {gpu09: {}}, theme: x}"),
        ("{hosts: , theme: x}", "{hosts: {gpu09: {}} , theme: x}"),
        ("{hosts: null, theme: x}", "{hosts: {gpu09: {}}, theme: x}"),
        ("{theme: x}\n", "{theme: x, hosts: {local: {}, gpu09: {}}}\n"),
        ("theme: x # y", "theme: x # y\nhosts:\n  local: {}\n  gpu09: {}\n"),
        ("# only words\n", "# only words\nhosts:\n  local: {}\n  gpu09: {}\n"),
        ("", "hosts:\n  local: {}\n  gpu09: {}\n"),
        ("hosts:\n  'a': {user: \"b\"}\n", "hosts:\n  'a': {user: \"b\"}\n  gpu09: {}\n"),
        ("hosts:\n  a:\n    user: |\n      bob\ntheme: x\n", ""),
        ("\ufeffhosts:\n  a:\n", "\ufeffhosts:\n  a:\n  gpu09: {}\n"),
        ("hosts:\n  環境: 1\n", ""),
        (
            "defaults: &d {user: a}\nhosts:\n  <<: {b: *d}\n",
            "defaults: &d {user: a}\nhosts:\n  <<: {b: *d}\n  gpu09: {}\n",
        ),
        ("theme: '環'\nhosts:\n  a:\n", "theme: '環'\nhosts:\n  a:\n  gpu09: {}\n"),
    ],
)
def test_only_the_new_entry_is_new(file: Path, before: str, after: str) -> None:
    if after:
        assert added(file, before) == after
    else:
        untouched(file, before, add_host, "gpu09", {})


def test_nested_entries_take_the_steps_of_the_file(file: Path) -> None:
    text = "hosts:\n    a:\n        user: x\n"
    assert added(file, text, fields={"user": "y"}) == text + "    gpu09:\n        user: y\n"


@pytest.mark.parametrize("name", ["no", "01", "null", "1e3", "1_0", "on", "...", "2024-01-01", ".5", "0x1F", "a.b-c_d"])
def test_names_and_values_that_yaml_would_take_for_something_else_are_quoted(file: Path, name: str) -> None:
    value = "/~ # 'x' \"y\": *&!{}[],é\u202e\n"
    text = added(file, "hosts:\n  a:\n", name, {"identity": [value, name, "~"]})
    assert yaml.safe_load(text)["hosts"][name] == {"identity": [value, name, "~"]}


@pytest.mark.parametrize(
    ("before", "name", "after"),
    [
        ("hosts:\n  a: {}\n  b: {}\n", "a", "hosts:\n  b: {}\n"),
        ("hosts:\n  a: {}\n  b: {}\n", "b", "hosts:\n  a: {}\n"),
        (
            "hosts:\n  # first\n  a:\n    port: 1\n\n    # user: x\n  # second\n  b:\n",
            "a",
            "hosts:\n  # first\n  # second\n  b:\n",
        ),
        ("hosts: # all\n  a:\n# end\ntheme: x\n", "a", "hosts: {} # all\n# end\ntheme: x\n"),
        ("hosts: {a: {}}", "a", "hosts: {}"),
        ("hosts: {a: {}, b: {}}", "a", "hosts: {b: {}}"),
        ("hosts: {a: {}, b: {}}", "b", "hosts: {a: {}}"),
        ("hosts: {a: {},}", "a", "hosts: {}"),
        ("theme: x", "local", "theme: x\nhosts: {}\n"),
        ("hosts:\r\n  a:\r\n  b:\r\n", "a", "hosts:\r\n  b:\r\n"),
    ],
)
def test_forgetting_takes_the_entry_and_nothing_else(file: Path, before: str, name: str, after: str) -> None:
    assert forgotten(file, before, name) == after


def test_what_cannot_be_changed_safely_is_left_alone(file: Path) -> None:
    assert "in a way that cannot" in untouched(file, "theme: &n x\nnaming: *n\n...\n", add_host, "b", {})
    assert "in a way that cannot" in untouched(file, "hosts:\n  a: &a {user: x}\n  b: *a\n", forget_host, "a")
    assert "in a way that cannot" in untouched(file, "hosts:\n  <<: {a: {}}\n  b:\n", forget_host, "a")
    assert "is in" in untouched(file, "hosts:\n  a:\n", add_host, "a", {})
    assert "config.yaml:2 already" in untouched(file, "hosts:\n  a:\n", add_host, "a", {})
    assert "is not in" in untouched(file, "hosts:\n  a:\n", forget_host, "b")
    assert "no host name" in untouched(file, "hosts:\n", add_host, "-b", {})
    assert "port" in untouched(file, "hosts:\n", add_host, "b", {"port": 99999})
    assert "unknown key" in untouched(file, "hosts:\n", add_host, "b", {"prot": 1})
    assert "unknown key" in untouched(file, "hots:\n", add_host, "b", {})


def test_mode_and_soft_link_are_kept(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "fleet.yaml"
    real.parent.mkdir()
    real.write_text("hosts:\n")
    real.chmod(0o640)
    link = tmp_path / "config.yaml"
    link.symlink_to(real)
    add_host(link, "a", {})
    assert link.is_symlink()
    assert real.read_text() == "hosts:\n  a: {}\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def add_some(path: str, first: int) -> None:
    for at in range(first, first + 10):
        add_host(Path(path), f"h{at}", {"port": at + 1})


def test_two_clients_at_once_lose_nothing(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    clients = [context.Process(target=add_some, args=(str(file), first)) for first in (0, 100)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)
    assert {spec.name for spec in load(file).hosts} == {"local", *(f"h{at}" for at in (*range(10), *range(100, 110)))}


def test_a_lock_that_is_never_released_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LOCK_LIMIT_S", 0.05)
    descriptor = os.open(file.with_name(".config.yaml.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(StorageError, match="has held the lock"):
            add_host(file, "a", {})
    finally:
        os.close(descriptor)
    assert not file.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(StorageError, match=r"cannot be written \(.*\); nothing was changed"):
        add_host(tmp_path / "x" / "config.yaml", "a", {})


NAMES = st.from_regex(r"[A-Za-z0-9._][A-Za-z0-9._-]{0,6}", fullmatch=True)
COMMENT = st.sampled_from(["", "  # note", " # 'quote\" {", " #"])
LINE = st.sampled_from(["", "# a comment", "    # deep", "  # shallow: {}", "        "])
EOL = st.sampled_from(["\n", "\r\n"])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "address": st.sampled_from(["192.0.2.1", "gpu.example.org", "::1", "no"]),
        "port": st.integers(1, 65535),
        "user": st.from_regex(r"[a-z0-9_][a-z0-9_.]{0,5}", fullmatch=True),
        "groups": st.lists(st.sampled_from(["a100", "b", "true"]), max_size=2),
        "search": st.lists(st.sampled_from(["/data", "~/x y", "/é'\""]), max_size=2),
        "sudo": st.booleans(),
    },
)


@st.composite
def configurations(draw: st.DrawFn) -> str:
    eol = draw(EOL)
    step = " " * draw(st.integers(1, 4))
    lines = [draw(LINE) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        lines.append(f"theme: x{draw(COMMENT)}")
    style = draw(st.sampled_from(["block", "flow", "null", "none", "empty"]))
    hosts = draw(st.dictionaries(NAMES.filter(lambda name: name != "local"), FIELDS, max_size=3))
    quoted = [(yaml.safe_dump(name, default_style="'").strip(), fields) for name, fields in hosts.items()]
    if style == "block" and hosts:
        lines.append(f"hosts:{draw(COMMENT)}")
        for name, fields in quoted:
            lines += [draw(LINE)]
            lines.append(f"{step}{name}:{draw(COMMENT)}")
            for key, value in fields.items():
                shown = yaml.safe_dump(value, default_flow_style=True, width=1000).replace("...", "").strip()
                lines.append(f"{step}{step}{key}: {shown}{draw(COMMENT)}")
    elif style == "flow":
        body = ", ".join(
            f"{name}: {yaml.safe_dump(fields, default_flow_style=True, width=1000).strip()}" for name, fields in quoted
        )
        lines.append(f"hosts: {{{body}}}{draw(COMMENT)}")
    elif style == "null":
        lines.append(f"hosts: {draw(st.sampled_from(['~', 'null', '']))}{draw(COMMENT)}")
    elif style == "empty":
        lines.append("hosts: {}")
    lines += [draw(LINE) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        lines.append("protect: ['*:prod-*']")
    return eol.join(lines) + draw(st.sampled_from(["", eol]))


@given(configurations(), NAMES, FIELDS)
@settings(max_examples=250, deadline=None)
def test_adding_and_forgetting_mean_what_they_say_and_leave_every_other_line(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str, fields: dict[str, object]
) -> None:
    file = tmp_path_factory.mktemp("edit") / "config.yaml"
    file.write_bytes(text.encode())
    before = yaml.safe_load(text) or {}
    specs = load(file).hosts
    if name in {spec.name for spec in specs} or (name == "local" and set(fields) & {"address", "port", "user"}):
        return
    add_host(file, name, fields)
    new = file.read_bytes().decode()
    expected = dict(before.get("hosts", {"local": {}}) or {})
    assert yaml.safe_load(new) == {**before, "hosts": {**expected, name: fields}}
    rest = iter(new.splitlines())
    hosts_line = [line for line in text.splitlines() if line.startswith("hosts:")]
    for line in text.splitlines():
        assert line in hosts_line or line in rest, f"{line!r} is gone or moved"
    forget_host(file, name)
    assert load(file).hosts == specs
    after = yaml.safe_load(file.read_bytes())
    assert {**after, "hosts": after["hosts"] or {}} == {**before, "hosts": expected}
