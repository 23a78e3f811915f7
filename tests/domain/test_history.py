from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.history import Change, Dist, History, Request, read_history

MICROMAMBA = """\
==> 2026-11-20 11:05:36 <==
# cmd: micromamba create -y -n llm-finetune python=3.11 pytorch=2.0.1 torchvision pip
# conda version: 3.8.0
+file:///srv/channel/linux-64::cudatoolkit-11.8.0-h0
+file:///srv/channel/linux-64::pytorch-2.0.1-py311_cuda11.8_0
+file:///srv/channel/noarch::pip-23.3.1-pyhd0
# update specs: ["python=3.11", "pytorch=2.0.1", "torchvision", "pip"]
==> 2026-11-21 08:00:00 <==
# cmd: micromamba install -n llm-finetune pytorch=2.1
# conda version: 3.8.0
-file:///srv/channel/linux-64::pytorch-2.0.1-py311_cuda11.8_0
-file:///srv/channel/linux-64::cudatoolkit-11.8.0-h0
+file:///srv/channel/linux-64::pytorch-2.1.0-py311_cuda12.1_0
+file:///srv/channel/linux-64::cuda-version-12.1-h0
# update specs: ["pytorch=2.1"]
"""
"""As micromamba 2.8.1 writes it, with a second change."""


def unix(*when: int) -> float:
    return datetime(*when, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]  # a date in full


def test_changes_come_newest_first_with_what_was_asked_and_what_came_of_it() -> None:
    history = read_history(MICROMAMBA, utc_offset_s=3600)
    assert history.complete
    last, first = history.revisions
    assert (first.number, last.number) == (0, 1)
    assert first.time == unix(2026, 11, 20, 10, 5, 36)
    assert last.command == "micromamba install -n llm-finetune pytorch=2.1"
    assert last.conda_version == "3.8.0"
    assert first.removed == ()
    assert first.added[0] == Dist("cudatoolkit", "11.8.0", "h0", "channel")
    assert first.requests == (Request("update", ("python=3.11", "pytorch=2.0.1", "torchvision", "pip")),)
    assert last.changes == (
        Change("cuda-version", None, Dist("cuda-version", "12.1", "h0", "channel")),
        Change("cudatoolkit", Dist("cudatoolkit", "11.8.0", "h0", "channel"), None),
        Change(
            "pytorch",
            Dist("pytorch", "2.0.1", "py311_cuda11.8_0", "channel"),
            Dist("pytorch", "2.1.0", "py311_cuda12.1_0", "channel"),
        ),
    )


def test_the_hosts_own_times_are_taken_when_there_is_one_for_each_head() -> None:
    assert [each.time for each in read_history(MICROMAMBA, times=[5, 7]).revisions] == [7, 5]
    assert read_history(MICROMAMBA, times=[5]).revisions[1].time == unix(2026, 11, 20, 11, 5, 36)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("# update specs: [\"param[version='>=1.5.1,<2.0']\"]", Request("update", ("param[version='>=1.5.1,<2.0']",))),
        ("# update specs: ['numpy', 'scipy']", Request("update", ("numpy", "scipy"))),
        ("# install specs: param >=1.5.1,<2.0", Request("install", ("param >=1.5.1,<2.0",))),
        ("# update specs: pandas,_license >=1.0.0,<2.0", Request("update", ("pandas", "_license >=1.0.0,<2.0"))),
        ("# remove specs: ['r']", Request("remove", ("r",))),
    ],
)
def test_specs_are_read_in_the_forms_that_condas_wrote(line: str, request_: Request) -> None:
    assert read_history(f"==> 2020-01-01 00:00:00 <==\n{line}\n").revisions[0].requests == (request_,)


def test_what_says_nothing_is_left_out_of_the_requests() -> None:
    text = "==> 2020-01-01 00:00:00 <==\n# update specs: []\n# neutered specs: ['python']\n# update specs:\n"
    assert read_history(text).revisions[0].requests == ()


@pytest.mark.parametrize(
    ("line", "dist"),
    [
        ("+numpy-1.26.4-py311_0", Dist("numpy", "1.26.4", "py311_0")),
        ("+defaults::hdf4-4.2.13-h3ca952b_2", Dist("hdf4", "4.2.13", "h3ca952b_2", "defaults")),
        ("+conda-forge/linux-64::r-base-4.3-h1", Dist("r-base", "4.3", "h1", "conda-forge")),
        ("numpy-1.8.0-py27_0.tar.bz2", Dist("numpy", "1.8.0", "py27_0")),
        ("+odd", Dist("odd")),
    ],
)
def test_packages_are_read_in_the_forms_that_condas_wrote(line: str, dist: Dist) -> None:
    assert read_history(f"==> 2020-01-01 00:00:00 <==\n{line}\n").revisions[0].added == (dist,)


def test_the_oldest_files_are_a_list_without_a_head() -> None:
    history = read_history("numpy-1.8.0-py27_0\npython-2.7.5-3\n")
    assert [(each.time, len(each.added)) for each in history.revisions] == [(None, 2)]


def test_no_secret_of_a_command_an_address_or_a_spec_is_kept() -> None:
    text = (
        "==> 2026-01-01 00:00:00 <==\n"
        "# cmd: conda install -c https://ada:hunter22@conda.example/t/tk-secret-1/main --token abcdefgh12 x\n"
        "+https://ada:hunter22@conda.example/t/tk-secret-1/main/linux-64::x-1-0\n"
        "+https://ada:hunter22@conda.example/t/tk-secret-1/main/linux-64/y-1-0.conda\n"
        "# update specs: ['https://ada:hunter22@conda.example/t/tk-secret-1/main::x']\n"
    )
    kept = repr(read_history(text))
    assert "x" in kept and "main" in kept
    for secret in ("hunter22", "tk-secret-1", "abcdefgh12"):
        assert secret not in kept


def test_of_a_cut_file_the_whole_changes_are_read_without_numbers() -> None:
    cut = MICROMAMBA[MICROMAMBA.index("conda version") :]
    history = read_history(cut, complete=False)
    assert not history.complete
    assert [(each.number, each.command) for each in history.revisions] == [
        (None, "micromamba install -n llm-finetune pytorch=2.1")
    ]


def test_a_time_that_no_calendar_holds_is_not_known() -> None:
    assert read_history("==> 2026-13-40 25:00:00 <==\n# cmd: conda x\n").revisions[0].time is None
    assert read_history("") == History()


@given(st.text(alphabet=st.sampled_from("=> <-+#:cmdspeuat '\"[]\\,0129-\n\r\t\x1b\udcff深"), max_size=400))
def test_nothing_that_a_file_holds_breaks_the_reading(noise: str) -> None:
    for text in (noise, MICROMAMBA + noise, noise + MICROMAMBA):
        history = read_history(text)
        assert all(len(each.changes) <= len(each.added) + len(each.removed) for each in history.revisions)
