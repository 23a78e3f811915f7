"""Standard output, standard error, words and tables."""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.cli.fakes import BUSY, GPU, LOAD, MACHINE, REFUSED, SESSION, environment
from tui.cli import tables
from tui.cli.diag import Diag, fault_line, progress_text
from tui.cli.jsonview import error_json, gpu_json, time_json
from tui.cli.out import Out
from tui.cli.report import Exit, HostReport, exit_code, judge
from tui.cli.tables import Column, Table
from tui.cli.words import age, harmless, one_line, percent, size
from tui.domain.errors import (
    CondafleetError,
    ConfigError,
    ConfigProblem,
    NothingMatchedError,
    RefusedError,
    UsageError,
)
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec, HostState
from tui.domain.snapshot import HostSnapshot, Part
from tui.services.store import HostView

UP = HostView(HostSpec("gpu01"), HostState.UP, HostSnapshot("gpu01", gpus=Part((GPU,), 100.0)))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "?"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1536 << 20, "1.50 GiB"),
        (141 << 30, "141 GiB"),
        (1023 << 10, "1.00 MiB"),
        (10**21, "867 EiB"),
    ],
)
def test_sizes(value: int | None, words: str) -> None:
    assert size(value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "?"), (-5, "now"), (0.4, "now"), (59, "59 s"), (61, "1 min"), (7200, "2 h"), (90000, "1 d"), (6e7, "1 y")],
)
def test_ages(seconds: float | None, words: str) -> None:
    assert age(seconds) == words


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1.7e9, "2023-11-14T22:13:20Z"),
        (None, None),
        (1e30, None),
        (math.nan, None),
        (-1e18, None),
    ],
)
def test_times_are_utc_and_impossible_ones_unknown(time: float | None, shown: str | None) -> None:
    assert time_json(time) == shown


def test_numbers_that_are_none_are_null() -> None:
    shown = gpu_json(replace(GPU, util_pct=math.nan, power_w=None, temperature_c=math.inf))
    assert (shown["util_pct"], shown["power_w"], shown["temperature_c"]) == (None, None, None)
    assert percent(None) == "?"


@settings(max_examples=200)
@given(st.text(max_size=40))
def test_messages_are_harmless_and_keep_their_backslashes(text: str) -> None:
    shown = harmless(text)
    assert all(char == "\n" or ord(char) >= 32 for char in shown)
    assert "\x9b" not in shown
    assert "\n" not in one_line(text)
    assert harmless(shown) == shown
    assert harmless("a\\x1b") == "a\\x1b"


def test_an_error_with_many_lines_is_shown_to_its_end() -> None:
    stream = io.StringIO()
    problems = [
        ConfigProblem("config.yaml", line, f"hosts.gpu{line}.port", "the text `abc`", "a number") for line in range(300)
    ]
    Diag(stream).error(ConfigError(problems))
    assert all(f"hosts.gpu{line}.port" in stream.getvalue() for line in range(300))
    stream = io.StringIO()
    Diag(stream).error(CondafleetError("x" * 10**6 + "\n" * 10**5))
    assert len(stream.getvalue()) < 10_000
    assert "lines more" in stream.getvalue()


def test_an_error_shows_no_secret() -> None:
    shown = error_json(CondafleetError("channel https://ada:hunter2@repo.example/t/tk-123/x failed"))
    assert "hunter2" not in str(shown)
    assert "tk-123" not in str(shown)
    assert shown["remedy"] is None


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.text(alphabet="ab训練é", max_size=30), st.text(alphabet="xy値", max_size=30)), max_size=5),
    st.integers(20, 90),
)
def test_a_table_fits_the_terminal_and_lines_up(rows: list[tuple[str, str]], width: int) -> None:
    table = Table((Column("NAME", flexible=True), Column("SIZE", right=True), Column("PLACE", flexible=True)),
                  tuple((first, "12 GiB", second) for first, second in rows))  # fmt: skip
    lines = table.lines(width)
    assert all(cell_len(line) <= width for line in lines)
    ends = {cell_len(line[: line.index("12 GiB")]) for line in lines[1:] if "12 GiB" in line}
    assert len(ends) <= 1
    full = table.lines()
    assert all(first in line and second in line for (first, second), line in zip(rows, full[1:], strict=True))


def test_only_flexible_columns_are_cut_and_the_widest_first() -> None:
    table = Table((Column("HOST"), Column("NAME", flexible=True), Column("PREFIX", flexible=True)),
                  (("gpu01", "n" * 12, "/p" * 40),))  # fmt: skip
    line = table.lines(60)[1]
    assert line.startswith("gpu01  nnnnnnnnnnnn  /p/p")
    assert line.endswith("…")


def test_tables_say_unknown_and_never_zero() -> None:
    bare = environment("gpu01", "x", packages_known=False, python=None, owner=None)
    cells = tables.environments_table([bare], 0).rows[0]
    assert cells[:7] == ("gpu01", "x", "?", "?", "?", "?", "?")
    gpu = replace(GPU, util_pct=None, memory_used_bytes=None, temperature_c=None, power_w=None, driver=None)
    assert tables.gpus_table([gpu]).rows[0][3:8] == ("?", "? of 141 GiB", "?", "?", "?")


def test_the_socket_is_shown_where_it_is_not_the_usual_one() -> None:
    assert "SOCKET" not in [column.title for column in tables.sessions_table([SESSION], 0).columns]
    other = replace(SESSION, socket="/tmp/tmux-1000/work")
    assert tables.sessions_table([SESSION, other], 0).rows[1][3] == "work"


def test_the_status_of_an_environment_is_told_in_words() -> None:
    words = tables.environment_status(replace(BUSY, frozen=True, protected=True, linked_to="/data/x\x1b"))
    assert words == "in use by 1, frozen, protected, link to /data/x\\x1b"
    assert tables.environment_status(environment("h", "x", in_use_complete=False)) == "use unknown"


@pytest.mark.parametrize(
    ("reports", "error", "code"),
    [
        ((), None, Exit.DONE),
        ((HostReport(UP, 0),), None, Exit.DONE),
        ((HostReport(UP, 0, REFUSED),), None, Exit.FAILED),
        ((HostReport(UP, 0, None, (("gpus", REFUSED),)),), None, Exit.FAILED),
        ((HostReport(UP, 0, None, (("gpus", replace(REFUSED, kind=FaultKind.TOOL_MISSING)),)),), None, Exit.DONE),
        ((HostReport(UP, 0),), NothingMatchedError(""), Exit.NOTHING),
        ((HostReport(UP, 0, REFUSED),), NothingMatchedError(""), Exit.FAILED),
        ((HostReport(UP, 0, REFUSED),), RefusedError(""), Exit.REFUSED),
        ((HostReport(UP, 0, REFUSED),), UsageError(""), Exit.USAGE),
    ],
)
def test_exit_codes_follow_from_faults_and_errors(
    reports: tuple[HostReport, ...], error: CondafleetError | None, code: Exit
) -> None:
    assert exit_code(reports, error) is code


def test_what_is_older_than_the_run_was_not_answered_in_it() -> None:
    assert judge(UP, ("gpus",), 99.0).fresh("gpus") == (GPU,)
    late = judge(UP, ("gpus",), 101.0, limit_s=40)
    assert late.fresh("gpus") is None
    assert late.part_faults[0][1].kind is FaultKind.TIMEOUT
    assert not judge(UP, ("gpus",), 101.0, interrupted=True).finished
    flapping = judge(UP, ("gpus",), 101.0, limit_s=40, lost=REFUSED)
    assert flapping.fault is REFUSED
    assert judge(UP, ("gpus",), 99.0, lost=REFUSED).fault is None


def test_a_fault_is_one_line_with_its_remedy() -> None:
    fault = Fault(FaultKind.TIMEOUT, "no answer\nfrom \x1b[2J there", "Is it on?")
    assert fault_line("gpu03", fault, 100.0, 40.0) == (
        "gpu03: timeout: no answer from \\x1b[2J there (last seen 1 min ago) → Is it on?\n"
    )


def test_progress_fits_its_line() -> None:
    assert progress_text(12, ["gpu03", "gpu07"], 80) == "10 of 12 hosts answered; waiting for gpu03, gpu07"
    assert progress_text(9, ["a", "b", "c", "d", "e"], 80).endswith("a, b, c and 2 more")
    assert cell_len(progress_text(12, ["n" * 90], 40)) < 40


class Screen(io.StringIO):
    """A terminal's stream."""

    def isatty(self) -> bool:
        return True


def test_progress_is_gone_before_anything_else_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Screen()
    diag = Diag(stream)
    diag.progress.show("waiting", force=True)
    with diag.progress.silenced():
        diag.progress.show("hidden", force=True)
    diag.progress.show("again", force=True)
    diag.error(UsageError("wrong", "right"))
    assert stream.getvalue() == (
        "\r\x1b[Kwaiting\r\x1b[K\r\x1b[Kagain\r\x1b[K\x1b[1;31mcondafleet\x1b[0m: wrong\n  → right\n"
    )


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Screen()
    Diag(stream).error(UsageError("wrong"))
    assert stream.getvalue() == "condafleet: wrong\n"


def test_nothing_moves_on_a_stream_that_is_no_terminal() -> None:
    stream = io.StringIO()
    Diag(stream).progress.show("waiting", force=True)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_survives_every_encoding(encoding: str) -> None:
    raw = io.BytesIO()
    out = Out(io.TextIOWrapper(raw, encoding=encoding))
    out.json({"name": "训練 é"})
    import json

    assert json.loads(raw.getvalue().decode(encoding)) == {"name": "训練 é"}
    out.text("训練")


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = (
        "import os, sys\nos.environ['PYTHONUNBUFFERED'] = ''\nfrom tui.cli.out import Out\nout = Out()\n"
        "for _ in range(200_000): out.text('x' * 80)\n"
        "print(out.broken, file=sys.stderr)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b"True\n"
    process.stderr.close()
    assert process.wait(30) == 0


def test_help_into_a_closed_pipe_says_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([sys.executable, "-m", "tui", "--help"], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert done.stderr == b""
    assert done.returncode == 0


def test_in_80_columns_the_table_of_hosts_keeps_what_matters() -> None:
    machine = replace(MACHINE, os="Ubuntu 22.04.5 LTS", cores=128)
    load = replace(LOAD, load1=33.5, memory_available_bytes=617 << 30, memory_total_bytes=1003 << 30)
    up = HostSnapshot("v100-old", machine=Part(machine, 1.0), load=Part(load, 1.0))
    view = HostView(
        HostSpec("v100-old", user="ada", address="127.0.0.1", port=33683, groups=("a100",)), HostState.UP, up
    )
    table = tables.hosts_table([HostReport(view, 0.0)], 2.0)
    heading, row = table.lines(80)
    assert heading.split() == ["HOST", "STATE", "ADDRESS", "LOAD", "CORES", "MEM", "FREE", "SEEN", "SYSTEM"]
    assert "ada@127.0.0.1:33683" in row
    assert "Ubuntu 22.0" in row
    assert max(map(cell_len, (heading, row))) <= 80
    assert table.lines(None)[0].split()[-2:] == ["SYSTEM", "GROUPS"]
