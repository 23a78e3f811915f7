"""The language of filters: what it finds, what it says of what it does not understand, and how fast it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.fleetvalues import environment, package, wheel
from tui.domain import queryfields
from tui.domain.environments import DiskSize, Environment, EnvKind, Install, Manager, Use
from tui.domain.faults import Fault, FaultKind
from tui.domain.filterrows import EnvironmentRow, HostRow, SessionRow
from tui.domain.filters import ENVIRONMENTS
from tui.domain.filters_hosts import HOSTS
from tui.domain.filters_sessions import SESSIONS
from tui.domain.gpus import Gpu
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Load, Mount
from tui.domain.packageindex import PackageIndex
from tui.domain.query import Row, Schema, compile_query
from tui.domain.sessions import Pane, Session, Window
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.steps import finish
from tui.domain.suggest import Values, completion, suggestions

NOW = 2.0e9
DAY = 86_400.0
INUSE = (Use(1, "ada", "python"),)


def sized(total: int) -> DiskSize:
    """An environment that holds so much, and gives back half."""
    return DiskSize(total, total // 2, total - total // 2, 100, NOW)


ROWS = [
    EnvironmentRow(
        environment("gpu01", "llm-train", package("pytorch", "2.0.1"), package("numpy", "1.26.4"), python="3.10.4",
                    owner="ada", last_used=NOW - 100 * DAY, modified=NOW - DAY, in_use_complete=True, frozen=True,
                    size=sized(6 << 30)),
        groups=("a100",),
    ),
    EnvironmentRow(
        environment("gpu02", "cv two words", wheel("torch", "2.1.0+cu118"), package("cuda-version", "12.1"),
                    python="3.1.2", owner="bob", last_used=NOW - 60, in_use=INUSE, clobbered=frozenset({"torch"}),
                    size=sized(1 << 30)),
        groups=("h200",), shared=True, stale=True,
    ),
    EnvironmentRow(
        environment("cpu03", "torch", package("zlib"), kind=EnvKind.BASE, frozen=False, protected=True,
                    in_use_complete=False, fault=Fault(FaultKind.INCOMPLETE, "no history", "")),
    ),
    EnvironmentRow(environment("cpu03", None, packages_known=False, fault=Fault(FaultKind.GHOST, "gone", ""))),
]  # fmt: skip
"""Called a, b, c, d below."""


def found(text: str) -> str:
    """Which of ROWS the filter shows."""
    chosen = compile_query(text, ENVIRONMENTS).select(ROWS, NOW)
    return "".join(letter for letter, row in zip("abcd", ROWS, strict=True) if row in chosen)


@pytest.mark.parametrize(("text", "shown"), [
    ("", "abcd"), ("   ", "abcd"),
    # words: the row's text, or a package of exactly that name
    ("llm", "a"), ("LLM gpu01", "a"), ("llm gpu02", ""), ('"two words"', "b"), ("'two words'", "b"), ("two", "b"),
    ("torch", "abc"), ("pytorch", "ab"), ('"torch"', "c"), ("-torch", "d"), ("!llm", "bcd"), ("gpu01:llm", "a"),
    # fields
    ("host:gpu*", "ab"), ("host:gpu", "ab"), ("host:0*", ""), ("host=gpu01", "a"), ("host:=gpu", ""),
    ("-host:gpu", "cd"),
    ("owner:ada,bob", "ab"), ("name:*words", "b"), ('name:"two w"', "b"), ("name!=torch", "abd"), ("@a100", "a"),
    ("@*0", "ab"), ("!@a100", "bcd"), ("kind:base", "c"), ("kind:n", "ab"), ("state:ok", "ab"), ("state:gho", "d"),
    ("install:/opt/conda", "abcd"), ("manager:conda", "abcd"), ("prefix:*/lone", "d"),
    # versions
    ("python:3.10", "a"), ("python:3.1", "b"), ("python:3", "ab"), ("python>=3.9", "a"), ("!python:3.10", "bc"),
    # packages
    ("torch<2.1", "a"), ("torch>=2.1.0", "b"), ("numpy=1.26.*", "a"), ("cuda>=12", "b"), ("!torch<2.1", "bc"),
    ("pip:torch", "b"), ("conda:torch", "a"), ("conda-forge::zlib", "c"), ("torch==2.1.0", "b"), ("torch!=2.0.1", "b"),
    # measures: what is not known is never shown
    ("size>5G", "a"), ("size<5G", "b"), ("!size>5G", "b"), ("size>500M size<2GiB", "b"),
    ("size:>5", "a"),
    ("frees>1G", "a"), ("frees<1G", "b"),
    ("unused>90d", "a"), ("used<1d", "b"), ("unused>3mo", "a"), ("changed<7d", "a"), ("packages>1", "ab"),
    ("packages:1", "c"), ("pip>0", "b"), ("pip=0", "ac"), ("conda>=2", "a"), ("created<7d", ""),
    # flags
    ("is:frozen", "a"), ("!is:frozen", "c"), ("is:protected", "c"), ("is:inuse", "b"), ("!is:inuse", "a"),
    ("is:ghost", "d"), ("is:incomplete", "c"), ("is:base", "c"), ("is:named", "ab"), ("is:stale", "b"),
    ("is:clobbered", "b"), ("is:shared", "b"), ("is:in-use", "b"),
    ("host:gpu* python:3.10 torch<2.1 unused>90d size>5G", "a"),
])  # fmt: skip
def test_a_filter_shows_what_it_says(text: str, shown: str) -> None:
    assert found(text) == shown
    assert compile_query(text, ENVIRONMENTS).problem is None
    matched = [row for row in ROWS if compile_query(text, ENVIRONMENTS).matches(row, NOW)]
    assert found(text) == "".join("abcd"[ROWS.index(row)] for row in matched)


@pytest.mark.parametrize(("text", "shown", "says", "at"), [
    ("llm host:", "a", "“host:” – It waits for what to look for.", 5),
    ("torch<", "ab", "It waits for a version.", 1),
    ("size>", "abcd", "It waits for a size such as 5G.", 1),
    ("size>5X gpu01", "a", "'5X' is no size", 1),
    ("unused>9q", "abcd", "no span of time", 1),
    ("is:fro", "abcd", "That is none of frozen", 1),
    ("kind:zz", "abcd", "'zz' is none of base, named, prefix.", 1),
    ('gpu01 "llm', "a", "The closing quote is missing.", 7),
    ("gpu01 !", "a", "what not to show", 7),
    ("@", "abcd", "name of a group", 1),
    ("packages>many", "abcd", "is not a number", 1),
    ("packages>5%", "abcd", "no number", 1),
    ("torch<2..1 gpu01", "a", "'2..1' is no version.", 1),
    ("hsot:gpu01", "", "Did you mean host: ?", 1),
    ("size~=5G", "abcd", "compares versions only", 1),
    ("pip:", "abcd", "name of a package", 1),
    ("x" * 3000, "", "too long", 2001),
])  # fmt: skip
def test_what_is_not_understood_is_told_with_its_place_and_the_rest_applies(
    text: str, shown: str, says: str, at: int
) -> None:
    query = compile_query(text, ENVIRONMENTS)
    assert found(text) == shown
    assert query.problem is not None
    assert says in query.problem
    assert query.problem.endswith(f"(at {at})")


def test_a_table_does_not_blink_while_a_field_is_being_written() -> None:
    whole = "gpu01 unused>90d"
    for end in range(1, len(whole) + 1):
        assert "a" in found(whole[:end]), whole[:end]
    for end in range(5, len("torch<3.1") + 1):
        assert "a" in found("torch<3.1"[:end]), end
    assert found("unus gpu01") == ""


grammar = st.lists(
    st.sampled_from([
        "host", "name", "size", "is", "torch", "python", ":", "=", "<", ">", "!=", "~=", "!", "-", "@", '"', "'", " ",
        "*", "[", "]", "5", "G", "%", "d", ",", "|", "(", ".", "\\", "x5b", "::", "pip", "gpu01", "é", "\udc80", "\x00",
    ]),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.one_of(grammar, st.text(max_size=20)), st.integers(0, 30))
def test_no_text_raises_whatever_is_typed_and_wherever_the_cursor_is(text: str, cursor: int) -> None:
    index = PackageIndex()
    for schema, rows in ((ENVIRONMENTS, ROWS), (HOSTS, HOST_ROWS), (SESSIONS, SESSION_ROWS)):
        try_everything(text, min(cursor, len(text)), schema, rows, index)  # type: ignore[arg-type]


def try_everything(text: str, at: int, schema: Schema[Row], rows: list[Row], index: PackageIndex) -> None:
    """Compile, apply and complete *text*."""
    query = compile_query(text, schema, index)
    assert set(map(id, query.select(rows, NOW))) <= set(map(id, rows))
    for problem in query.problems:
        assert 0 <= problem.start <= problem.end <= len(text)
    for offered in suggestions(text, at, schema, rows, index):
        assert offered.start <= at <= offered.end


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["size>1G", "is:frozen", "torch<2.1", "python:3.10", "unused>1d", "pip>0", "is:inuse"]))
def test_what_is_not_known_fits_neither_a_term_nor_its_negation(term: str) -> None:
    assert not set(found(term)) & set(found(f"!{term}"))
    assert "d" not in found(term) + found(f"!{term}")


def test_filters_that_share_an_index_see_what_arrives_later() -> None:
    index = PackageIndex()
    query = compile_query("zlib>=9", ENVIRONMENTS, index)
    assert query.select(ROWS, NOW) == []
    late = EnvironmentRow(environment("gpu09", "late", package("zlib", "9.1")))
    assert query.select([*ROWS, late], NOW) == [late]


LOAD = Load(12.0, memory_total_bytes=100, memory_available_bytes=5, uptime_s=DAY)
FULL = Mount("/data", "/dev/sda", "ext4", 100, 95, 5 << 30, inodes=100, inodes_free=50)
CONDA = Install("/data/conda", Manager.CONDA, "26.7.1")
HOST_ROWS = [
    HostRow(
        HostSpec("gpu01", groups=("a100",)), HostState.UP,
        HostSnapshot("gpu01", load=Part(LOAD, NOW), mounts=Part((FULL,), NOW), installs=Part((CONDA,), NOW),
                     gpus=Part((Gpu("gpu01", 0, name="NVIDIA H200", driver="570.1", cuda_max="12.8", util_pct=97.0,
                                    memory_used_bytes=9, memory_total_bytes=10),), NOW),
                     environments=Part((), NOW)),
    ),
    HostRow(HostSpec("cpu02"), HostState.WAITING, HostSnapshot("cpu02", stale=True), Fault(FaultKind.TIMEOUT, "slow",
    "")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "hosts"), [
    ("host:gpu*", [0]), ("state:up", [0]), ("state:wait", [1]), ("fault:timeout", [1]), ("gpu:*H200*", [0]),
    ("gpu:h2", [0]),
    ("load>8", [0]), ("mem>90%", [0]), ("mem<90%", []), ("disk>90", []), ("disk<1%", [0]), ("diskfree<20G", [0]),
    ("inodes:50%", [0]), ("util>90%", [0]), ("gpumem>=90%", [0]), ("cuda>=12", [0]), ("driver:570", [0]),
    ("gpus=1", [0]),
    ("envs=0", [0]), ("is:up", [0]), ("is:down", [1]), ("is:faulty", [1]), ("@a100", [0]), ("slow", [1]),
    ("up<2d", [0]),
    ("!host:gpu", [1]), ("", [0, 1]),
])  # fmt: skip
def test_hosts_are_filtered_by_the_same_language(text: str, hosts: list[int]) -> None:
    query = compile_query(text, HOSTS)
    assert query.problem is None
    assert [HOST_ROWS.index(row) for row in query.select(HOST_ROWS, NOW)] == hosts


SESSION = Session(
    "gpu01", "tmux", "/tmp/s", "$3", "train", NOW - 10 * DAY, NOW - 2 * DAY, 1,
    (Window("@1", 0, "logs", True, (Pane("%1", 1, "python", cwd="/data/run"), Pane("%2", 2, "top", dead=True))),),
)  # fmt: skip
SESSION_ROWS = [SessionRow(SESSION, ("a100",)), SessionRow(Session("gpu02", "tmux", "/tmp/s", "$0", "idle"))]


@pytest.mark.parametrize(("text", "sessions"), [
    ("gpu01:train", [0]), ("command:python", [0]), ("command:=top", [0]), ("cwd:/data/*", [0]), ("window:logs", [0]),
    ("attached>0", [0]), ("is:attached", [0]), ("is:detached", []), ("is:dead", [0]), ("idle>1d", [0]),
    ("panes=2", [0]),
    ("@a100", [0]), ("name:idle", [1]), ("created<7d", []),
])  # fmt: skip
def test_sessions_are_filtered_by_the_same_language(text: str, sessions: list[int]) -> None:
    query = compile_query(text, SESSIONS)
    assert query.problem is None
    assert [SESSION_ROWS.index(row) for row in query.select(SESSION_ROWS, NOW)] == sessions


@pytest.mark.parametrize(("text", "offered"), [
    ("ho", ["host:"]), ("!ki", ["!kind:"]), ("kind:n", ["kind:named"]), ("is:fr", ["is:frozen"]),
    ("@", ["@a100", "@h200"]),
    ("host:gp", ["host:gpu01", "host:gpu02"]), ("owner:ada,b", ["owner:ada,bob"]), ("name:cv", ['name:"cv two words"']),
    ("torch<2", ["torch<2.1.0+cu118", "torch<2.0.1"]), ("zl", ["zlib"]), ("size>", []), ("un", ["unused>"]),
])  # fmt: skip
def test_what_may_be_written_next_is_offered(text: str, offered: list[str]) -> None:
    index = PackageIndex()
    for row in ROWS:
        if row.packages is not None:
            index.add(row.packages)
    assert [it.text for it in suggestions(text, len(text), ENVIRONMENTS, ROWS, index)] == offered


def test_an_offer_replaces_the_word_under_the_cursor_alone() -> None:
    (first, *_) = suggestions("llm ho torch", 6, ENVIRONMENTS, ROWS)
    assert first.applied("llm ho torch") == ("llm host: torch", 9)


def test_eight_thousand_rows_look_through_their_packages_once_for_each_different_set() -> None:
    class Counting(PackageIndex):
        added = 0

        def add(self, packages: object) -> None:
            Counting.added += 1
            super().add(packages)  # type: ignore[arg-type]

    kinds: list[Environment] = [ROWS[at % 3].environment for at in range(8000)]
    rows = [EnvironmentRow(env) for env in kinds]
    index = Counting()
    for text in ("torch<2", "torch<2.", "torch<2.1"):
        compile_query(text, ENVIRONMENTS, index).select(rows, NOW)
    assert Counting.added == 3


@pytest.mark.parametrize(("text", "whole"), [
    ("ho", "host:"), ("llm !HO", "llm !HOst:"), ("host:G", "host:Gpu01"), ("python:3.10", "python:3.10.4"),
    ("size", "size>"), ("@a", "@a100"), ("is:fr", "is:frozen"), ("tor", "torch"), ("owner:ada,b", "owner:ada,bob"),
    ("", None), ("llm ", None), ("size>5", None), ("host:pu01", None), ("zzz", None), ("host:gpu01", None),
    ('name:"cv two', 'name:"cv two words"'),
])  # fmt: skip
def test_what_is_typed_is_written_on_as_it_most_likely_goes_on(text: str, whole: str | None) -> None:
    index = PackageIndex()
    for row in ROWS:
        if row.packages is not None:
            index.add(row.packages)
    known = completion(text, ENVIRONMENTS, Values(ROWS), index)
    assert (known or "").casefold() == (whole or "").casefold()
    assert known is None or known.casefold().startswith(text.casefold())


def test_each_field_of_many_rows_is_looked_through_once_for_all_keys() -> None:
    asked = 0

    def host(row: EnvironmentRow) -> str:
        nonlocal asked
        asked += 1
        return row.environment.host

    counting = queryfields.schema([queryfields.text_field("host", "the host", "host:gpu*", host)], {})
    values = Values([EnvironmentRow(replace(ROWS[0].environment, host=f"gpu{at:04}")) for at in range(8000)])
    for typed in ("host:", "host:g", "host:gp", "host:gpu0"):
        assert completion(typed, counting, values) == "host:gpu0000"
    assert asked == 8000
    assert len(values.of(counting.fields["host"])) == 2000


@pytest.mark.parametrize(("text", "names"), [
    ("host:gpu01", ()), ("zzz", ()), ("size>5G", ("size",)), ("!size>5G host:gpu01", ("size",)),
    ("is:readonly size>1G size<9G", ("is:readonly", "size")), ("packages>100", ()),
])  # fmt: skip
def test_what_nothing_is_known_of_is_named(text: str, names: tuple[str, ...]) -> None:
    rows = [EnvironmentRow(environment(host, "x", package("zlib", "1"), writable=None)) for host in ("gpu01", "gpu02")]
    found = finish(compile_query(text, ENVIRONMENTS).steps(rows, NOW))
    assert found.names == names
    assert not names or found.rows == []


@pytest.mark.parametrize(("text", "unknown", "names"), [
    ("size>5G", "cd", ("size",)), ("size>5G host:cpu*", "cd", ("size",)), ("size>5G host:gpu*", "", ()),
    ("host:cpu03 name:torch size>5G", "c", ("size",)), ("!name:torch size>5G", "d", ("size",)),
    ("is:frozen", "bd", ("is:frozen",)), ("is:frozen size<5G", "bd", ("is:frozen", "size")),
    ("torch<2.1", "d", ("packages",)), ("!torch<2.1", "d", ("packages",)), ("zlib", "", ()), ("", "", ()),
])  # fmt: skip
def test_rows_left_out_for_want_of_knowledge_are_counted(text: str, unknown: str, names: tuple[str, ...]) -> None:
    query = compile_query(text, ENVIRONMENTS)
    found = finish(query.steps(ROWS, NOW))
    assert (found.unknown, found.names) == (len(unknown), names)
    kept = {id(row) for row in found.rows}
    assert not kept & {id(row) for letter, row in zip("abcd", ROWS, strict=True) if letter in unknown}


def test_words_that_a_table_says_of_a_row_find_it() -> None:
    said = EnvironmentRow(ROWS[0].environment, said="listed but GONE")
    assert compile_query("gone", ENVIRONMENTS).select([ROWS[0], said], NOW) == [said]
