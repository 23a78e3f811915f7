"""``diff``: selectors, exit codes, table and JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.cli.fakes import HOSTILE, HOSTILE_SHOWN, REFUSED, Answer, FakeBackend, Run, fleet
from tests.domain.fleetvalues import environment, package, wheel

OLD = environment("gpu01", "llm", package("numpy", "1.0"), package("pytorch", "2.1.0"))
NEW = environment("gpu02", "llm", package("numpy", "2.0"), wheel("torch", "2.1.0"), package("zlib", HOSTILE))
THIRD = replace(OLD, host="gpu03")


def three_hosts(**more: Answer) -> FakeBackend:
    """Two that hold the same and one that differs."""
    answers = {env.host: Answer({"environments": (env,)}) for env in (OLD, NEW, THIRD)}
    return fleet({**answers, **more})


def kinds(shown: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and kind of each difference."""
    return [(it["name"], it["kind"]) for it in shown["differences"]]


def test_two_environments_are_compared(run: Run) -> None:
    done = run(three_hosts(), "diff", "gpu01:llm", "gpu02:llm", "--json")
    assert done.code == 0
    assert kinds(done.json) == [("numpy", "version"), ("torch", "manager"), ("zlib", "added")]
    assert done.json["same"] is False
    assert done.json["majority"] is None
    first = done.json["differences"][0]
    assert first["left"] == {"host": "gpu01", "name": "llm", "prefix": "/opt/conda/envs/llm"}
    assert (first["left_package"]["version"], first["right_package"]["version"]) == ("1.0", "2.0")
    assert first["right_is_newer"] is True
    assert done.json["differences"][2]["left_package"] is None
    assert done.json["comparisons"][0]["counts"]["version"] == 1


def test_the_same_packages_are_told_in_words_and_in_json(run: Run) -> None:
    assert run(three_hosts(), "diff", "gpu01:llm", "gpu03:llm").out == "gpu01:llm → gpu03:llm: same packages\n"
    assert run(three_hosts(), "diff", "gpu01:llm", "gpu03:llm", "--json").json["same"] is True


def test_one_name_on_all_hosts_is_held_against_the_majority(run: Run) -> None:
    done = run(three_hosts(), "diff", "*:llm")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "2 of 3 hold the same packages; 1 differ"
    assert lines[1] == "most: gpu01:llm, gpu03:llm"
    assert lines[3] == "gpu01:llm → gpu02:llm: 1 added, 1 other version, 1 by pip here and by conda there"
    assert lines[4].split() == ["PACKAGE", "DIFFERENCE", "gpu01:llm", "gpu02:llm"]
    assert lines[6].split() == ["torch", "pip", "against", "conda", "2.1.0", "(conda)", "2.1.0", "(pip)"]
    assert HOSTILE_SHOWN in lines[7]
    groups = run(three_hosts(), "diff", "*:llm", "--json").json["majority"]["groups"]
    assert [[env["host"] for env in group["environments"]] for group in groups] == [["gpu01", "gpu03"], ["gpu02"]]


def test_several_are_each_held_against_the_first(run: Run) -> None:
    done = run(three_hosts(), "diff", "gpu01:llm", "*:llm", "--json")
    assert [it["right"]["host"] for it in done.json["comparisons"]] == ["gpu02", "gpu03"]
    assert [it["same"] for it in done.json["comparisons"]] == [False, True]


def test_a_host_that_fails_makes_the_run_fail_and_the_rest_is_still_compared(run: Run) -> None:
    done = run(three_hosts(gpu04=Answer(fault=REFUSED)), "diff", "*:llm", "--json")
    assert done.code == 1
    assert done.json["same"] is False


def test_packages_that_could_not_be_read_are_neither_same_nor_different(run: Run) -> None:
    blind = replace(THIRD, packages_known=False)
    answers = {"gpu01": Answer({"environments": (OLD,)}), "gpu03": Answer({"environments": (blind,)})}
    shown = run(fleet(answers), "diff", "gpu01:llm", "gpu03:llm", "--json").json
    assert shown["same"] is None
    assert shown["comparisons"][0]["counts"] is None
    assert run(fleet(answers), "diff", "*:llm", "--json").json["same"] is None


@pytest.mark.parametrize(
    ("selectors", "code", "says"),
    [
        (["gpu01"], 2, "means a whole host"),
        (["gpu01:llm"], 2, "nothing to compare it with"),
        (["gpu01:llm", "gpu02:none"], 4, "No environment fits"),
        (["*:none"], 4, "No two environments fit"),
        (["gpu0[1]:llm"], 4, "only gpu01:llm does"),
        (["*:llm", "gpu01:llm"], 2, "fits 3 environments"),
        (["gpu09:llm", "gpu01:llm"], 2, "no host"),
        ([], 2, "required"),
    ],
)
def test_selectors_that_give_nothing_to_compare_are_told_apart(
    run: Run, selectors: list[str], code: int, says: str
) -> None:
    done = run(three_hosts(), "diff", *selectors, "--json")
    assert done.code == code
    assert says in done.json["error"]["message"]
    assert done.json["differences"] == []


def test_a_name_that_fits_two_installs_is_ambiguous(run: Run) -> None:
    twins = (OLD, replace(OLD, prefix="/other/envs/llm"))
    answers = {"gpu01": Answer({"environments": twins}), "gpu02": Answer({"environments": (NEW,)})}
    assert run(fleet(answers), "diff", "gpu02:llm", "gpu01:llm").code == 2
    assert run(fleet(answers), "diff", "gpu02:llm", "gpu01:/other/envs/llm").code == 0
