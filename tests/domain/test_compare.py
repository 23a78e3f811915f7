"""What environments differ in."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.fleetvalues import environment, package, wheel
from tui.domain.compare import Difference, compare, majority
from tui.domain.keypackages import key_versions

NUMPY = package("numpy", "1.26.4")


def test_each_kind_of_difference_is_told_apart() -> None:
    left = environment(
        "gpu01", "a", NUMPY, package("only-left"), package("openssl", "3.0"), package("zlib", "1", "h0"),
        package("curl", "8", "h1"), package("pytorch", "2.1.0"), package("same"),
    )  # fmt: skip
    right = environment(
        "gpu02", "a", package("numpy", "2.0.0"), package("only-right"), package("openssl", "3.0.0"),
        package("zlib", "1", "h9"), package("curl", "8", "h1", "defaults"), wheel("torch", "2.1.0"), package("same"),
    )  # fmt: skip
    found = compare(left, right)
    assert [(change.kind, change.name) for change in found.changes] == [
        (Difference.CHANNEL, "curl"),
        (Difference.VERSION, "numpy"),
        (Difference.MISSING, "only-left"),
        (Difference.ADDED, "only-right"),
        (Difference.VERSION, "openssl"),
        (Difference.MANAGER, "torch"),
        (Difference.BUILD, "zlib"),
    ]
    assert found.same is False
    assert [change.newer for change in found.changes] == [None, True, None, None, None, None, None]
    assert found.summary() == (
        "1 added, 1 missing, 2 other versions, 1 other build, 1 other channel, 1 by pip here and by conda there"
    )


def test_equal_packages_are_the_same_and_unknown_ones_are_neither() -> None:
    left, right = environment("gpu01", "a", NUMPY), environment("gpu02", "b", NUMPY)
    assert compare(left, right).same is True
    assert compare(left, right).summary() == "same packages"
    blind = compare(left, replace(right, packages_known=False))
    assert (blind.same, blind.changes) == (None, ())
    assert "not known" in blind.summary()


def test_pip_over_the_files_of_conda_is_a_difference_of_its_own() -> None:
    both = (package("numpy"), wheel("numpy", "1.26"))
    left = environment("gpu01", "a", *both)
    right = environment("gpu02", "a", *both, clobbered=frozenset({"numpy"}))
    (change,) = compare(left, right).changes
    assert (change.kind, change.left_clobbered, change.right_clobbered) == (Difference.CLOBBERED, False, True)
    assert change.right == both[1]


chosen = st.sets(st.sampled_from([package(n, v) for n in "abcde" for v in ("1", "2")] + [wheel(n) for n in "abc"]))


@settings(max_examples=100, deadline=None)
@given(chosen, chosen)
def test_a_comparison_turned_round_says_the_same_of_the_other_side(one: set[object], other: set[object]) -> None:
    left, right = environment("x", "a", *one), environment("y", "a", *other)  # type: ignore[arg-type]
    there, back = compare(left, right), compare(right, left)
    assert there.same is (left.packages == right.packages)
    assert there.count(Difference.ADDED) == back.count(Difference.MISSING)
    for side, packages in (("left", one), ("right", other)):
        named = [package for change in there.changes if (package := getattr(change, side)) is not None]
        assert set(named) == packages - (one & other)
        assert len(named) == len(set(named))


def test_who_differs_from_the_majority_is_named() -> None:
    old, new = package("numpy", "1.0"), package("numpy", "2.0")
    members = [environment(f"gpu0{at}", "llm", new if at != 2 else old) for at in range(1, 5)]
    blind = replace(environment("gpu09", "llm"), packages_known=False)
    found = majority([*members, blind])
    assert (found.same, found.tied) == (False, False)
    assert [it.right.host for it in found.others] == ["gpu02"]
    assert found.others[0].left.host == "gpu01"
    assert found.unknown == (blind,)
    assert found.summary() == "3 of 4 hold the same packages; 1 differ; 1 not known"
    assert majority([members[0], blind]).same is None
    assert majority(members[2:]).same is True


def test_an_environment_that_several_hosts_see_has_one_vote() -> None:
    shared = [environment(f"gpu0{at}", "llm", package("numpy", "1.0"), fs_id="nfs:/x") for at in range(3)]
    own = [environment(f"gpu1{at}", "llm", package("numpy", "2.0")) for at in range(2)]
    found = majority([*shared, *own])
    assert {env.host for env in found.groups[0].environments} == {"gpu10", "gpu11"}
    assert len(found.others) == 3


def test_a_tie_is_told_and_the_newest_stands_for_the_majority() -> None:
    old = environment("gpu01", "llm", package("numpy", "1.0"), modified=1.0)
    new = environment("gpu02", "llm", package("numpy", "2.0"), modified=2.0)
    found = majority([old, new])
    assert found.tied
    assert found.groups[0].environments == (new,)


def test_key_packages_are_named_with_the_version_that_python_finds() -> None:
    held = environment("x", "a", package("pytorch", "2.0"), wheel("torch", "2.1.0+cu118"), package("python", "3.11.9"))
    assert key_versions(held.packages) == (("torch", "2.1.0+cu118"), ("cuda", "11.8"), ("python", "3.11.9"))
    built = environment("x", "a", package("pytorch", "2.1.0", "py3.10_cuda12.1_cudnn8.9.2_0"))
    assert key_versions(built.packages) == (("torch", "2.1.0"), ("cuda", "12.1"))
    named = environment("x", "a", package("cudatoolkit", "11.3"), package("cuda-version", "12.4"), package("zlib"))
    assert key_versions(named.packages) == (("cuda", "12.4"),)
