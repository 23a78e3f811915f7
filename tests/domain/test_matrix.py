"""Names by hosts, and other groupings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.domain.fleetvalues import environment, package
from tui.domain.faults import Fault, FaultKind
from tui.domain.matrix import CellState, by_install, by_name, by_owner, matrix

OLD, NEW = package("numpy", "1.0"), package("numpy", "2.0")
HOSTS = ("gpu01", "gpu02", "gpu03", "gpu04")


def test_equal_letters_are_equal_packages_and_silence_is_not_absence() -> None:
    rows = matrix(
        [environment("gpu01", "llm", NEW), environment("gpu02", "llm", OLD), environment("gpu03", "llm", NEW)],
        (*HOSTS, "gpu05"),
        HOSTS,
    )
    (row,) = rows
    assert [cell.letter for cell in row.cells] == ["A", "B", "A", "", ""]
    assert [cell.state.value for cell in row.cells] == ["present", "present", "present", "absent", "unknown"]
    assert [cell.differs for cell in row.cells] == [False, True, False, False, False]
    assert (row.classes, row.hosts, row.same) == (2, 3, False)


def test_a_name_is_the_same_everywhere_only_when_nothing_is_unknown() -> None:
    members = [environment(host, "llm", NEW) for host in HOSTS[:2]]
    assert matrix(members, HOSTS, HOSTS)[0].same is True
    assert matrix(members, HOSTS, HOSTS[:3])[0].same is None
    blind = [members[0], replace(members[1], packages_known=False)]
    (row,) = matrix(blind, HOSTS, HOSTS)
    assert row.same is None
    assert (row.cells[1].state, row.cells[1].letter) == (CellState.UNKNOWN, "")


def test_several_of_one_name_on_a_host_show_all_their_letters() -> None:
    members = [environment("gpu01", "base", NEW), environment("gpu01", "base", OLD, prefix="/other")]
    (row,) = matrix([*members, environment("gpu02", "base", NEW), environment("gpu02", None)], HOSTS, HOSTS)
    assert [cell.letter for cell in row.cells] == ["AB", "A", "", ""]


@pytest.mark.parametrize("kind", [FaultKind.INCOMPLETE, FaultKind.GHOST])
def test_what_is_half_made_or_gone_has_no_letter_and_is_not_the_same(kind: FaultKind) -> None:
    broken = replace(environment("gpu01", "llm"), fault=Fault(kind, "it is not whole", ""))
    assert not broken.packages.packages and broken.packages_known
    (row,) = matrix([broken, environment("gpu02", "llm", NEW)], HOSTS, HOSTS)
    assert [(cell.state.value, cell.letter) for cell in row.cells[:3]] == [
        ("broken", ""), ("present", "A"), ("absent", ""),
    ]  # fmt: skip
    assert (row.classes, row.broken, row.same) == (1, 1, False)
    (alone,) = matrix([broken], HOSTS, HOSTS)
    assert (alone.classes, alone.same) == (0, False)


def test_what_holds_packages_although_it_is_broken_keeps_its_letter() -> None:
    broken = replace(environment("gpu01", "llm", NEW), fault=Fault(FaultKind.INCOMPLETE, "a record is broken", ""))
    (row,) = matrix([broken, environment("gpu02", "llm", NEW)], HOSTS, HOSTS)
    assert [(cell.state.value, cell.letter) for cell in row.cells[:2]] == [("broken", "A"), ("present", "A")]


def test_what_differs_comes_first_then_what_is_on_most_hosts() -> None:
    members = [environment(host, "same", NEW) for host in HOSTS]
    members += [environment("gpu01", "few", NEW), environment("gpu01", "odd", NEW), environment("gpu02", "odd", OLD)]
    assert [row.name for row in matrix(members, HOSTS, HOSTS)] == ["odd", "same", "few"]


def test_groups_are_sorted_with_the_unknown_last() -> None:
    a = environment("gpu02", "x", owner="bob")
    b = environment("gpu01", "x", owner=None, install=None)
    c = environment("gpu01", None, owner="ada")
    assert [(group.key, group.environments) for group in by_owner([a, b, c])] == [
        (("ada",), (c,)), (("bob",), (a,)), (None, (b,)),
    ]  # fmt: skip
    assert [group.key for group in by_install([a, b, c])] == [("gpu01", "/opt/conda"), ("gpu02", "/opt/conda"), None]
    assert [group.key for group in by_name([a, b, c])] == [("x",), None]
