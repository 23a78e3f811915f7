"""The order of versions and constraints on them, against py-rattler and packaging."""

from __future__ import annotations

from itertools import pairwise

import pytest
import rattler
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from packaging.version import Version as PepVersion

from tests.domain.fleetvalues import package, wheel
from tui.domain.errors import UsageError
from tui.domain.packagespec import parse_package_spec, read_package_spec
from tui.domain.versions import parse_version, version_sort_key
from tui.domain.versionspec import parse_version_spec

IN_ORDER = [
    "0.4", "0.4.1.rc", "0.4.1", "0.5a1", "0.5b3", "0.5C1", "0.5", "0.9.6", "0.960923", "1.0", "1.1dev1", "1.1a1",
    "1.1.0dev1", "1.1.a1", "1.1.0rc1", "1.1.0", "1.1.0post1", "1.1post1", "1996.07.12", "1!0.4.1", "1!3.1.1.6",
    "2!0.4.1",
]  # fmt: skip
"""The example of conda's own documentation, without its pairs of equals."""

piece = st.one_of(
    st.integers(0, 30).map(str), st.sampled_from(["a", "b1", "rc2", "dev", "post", "post1", "dev3", "1a", "0rc1", "x"])
)
version = st.builds(
    lambda epoch, parts, glue, local: epoch + glue.join(parts) + local,
    st.sampled_from(["", "", "", "1!"]),
    st.lists(piece, min_size=1, max_size=4),
    st.sampled_from([".", ".", "_", "-"]),
    st.sampled_from(["", "", "", "+cu118", "+1.2", "+cpu"]),
)


def test_versions_are_ordered_as_conda_documents_it() -> None:
    for older, newer in pairwise(IN_ORDER):
        assert parse_version(older) < parse_version(newer), (older, newer)


@pytest.mark.parametrize(("one", "other"), [("0.4", "0.4.0"), ("1.0.1", "1.0.01"), ("0.5C1", "0.5c1"), ("1", "1.0.0")])
def test_versions_spelled_otherwise_are_equal_and_hash_alike(one: str, other: str) -> None:
    assert parse_version(one) == parse_version(other)
    assert hash(parse_version(one)) == hash(parse_version(other))


@settings(max_examples=400, deadline=None)
@given(version, version)
@example("1.0.1_", "1.0.1a")
@example("1.0", "1.0.dev1")
@example("1.0post1", "1.0")
def test_two_versions_compare_as_rattler_has_them(one: str, other: str) -> None:
    mine, theirs = (parse_version(one), parse_version(other)), (rattler.Version(one), rattler.Version(other))
    assert (mine[0] < mine[1], mine[0] == mine[1]) == (theirs[0] < theirs[1], theirs[0] == theirs[1])
    if mine[0] == mine[1]:
        assert hash(mine[0]) == hash(mine[1])


@settings(max_examples=400, deadline=None)
@given(version, st.sampled_from(["", "==", "!=", "<", "<=", ">", ">=", "="]), version)
@example("3.10.4", "=", "3.1")
@example("2.1.0+cu118", "=", "2.1")
def test_a_constraint_fits_what_rattler_says_it_fits(have: str, sign: str, wanted: str) -> None:
    assume(have[:1].isdigit() and wanted[:1].isdigit())  # "a" is "0a": rattler lets it begin with 0 before a "+"
    assert parse_version_spec(sign + wanted).matches(have) is rattler.VersionSpec(sign + wanted).matches(
        rattler.Version(have)
    )


@pytest.mark.parametrize("spec", [
    "(>=1,<2)|>3", ">=1,<2|3", "*", "=*", "1.2.*", "=1.2.*", "!=1.2.*", "1.2*", "~=1.4.5", ">=1.2.*", "<2.1a0",
    "1.2|1.3",
])  # fmt: skip
def test_composed_constraints_fit_as_in_rattler(spec: str) -> None:
    for have in ("1", "1.2", "1.2.3", "1.20", "1.3", "1.4.5", "1.4.9", "1.5", "2", "3", "3.1", "1.2a1", "1.2.post1"):
        expected = rattler.VersionSpec(spec).matches(rattler.Version(have))
        assert parse_version_spec(spec).matches(have) is expected, have


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        lambda parts, end: ".".join(map(str, parts)) + end,
        st.lists(st.integers(0, 40), min_size=1, max_size=4),
        st.sampled_from(["", "a1", "b2", "rc1", ".post1", ".dev1"]),
    ),
    st.builds(lambda parts: ".".join(map(str, parts)), st.lists(st.integers(0, 40), min_size=1, max_size=4)),
)
def test_usual_versions_of_pip_compare_as_pip_has_them(one: str, other: str) -> None:
    assert (parse_version(one) < parse_version(other)) is (PepVersion(one) < PepVersion(other))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_no_text_that_a_host_may_say_breaks_the_order(text: str) -> None:
    try:
        parse_version(text)
    except ValueError:
        assert not parse_version_spec(">=0").matches(text)
    assert sorted([text, "1.0", None], key=version_sort_key)[0] is None


@pytest.mark.parametrize("text", ["1..2", "1.", "", "_", "1+", "1+a+b", "x!1", "é", "1 2", "1__2", "9" * 300])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_version(text)


@pytest.mark.parametrize("text", ["<", "1,", "|1", "(1", "1)", "1.*.2", "~=1", ">=1|", "(" * 60 + "1" + ")" * 60])
def test_a_constraint_that_means_nothing_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"[.]$"):
        parse_version_spec(text)


@pytest.mark.parametrize("text", [
    "numpy=1.21.6=*b*", "numpy 1.21.6", "numpy 1.21.6 py_0", "numpy=1.21.6", "numpy==1.21.6=py_0", "numpy>=1,<2 py*",
    "numpy=1.21.*=py", "numpy>=1.2=py_0", "numpy", "numpy!=1.20", "numpy >=1.0",
])  # fmt: skip
def test_package_specs_are_read_as_rattler_reads_them(text: str) -> None:
    mine, theirs = read_package_spec(text), rattler.MatchSpec(text)
    assert mine.name == "numpy"
    assert mine.build == (None if theirs.build is None else str(theirs.build))
    for have in ("1.19", "1.20", "1.21", "1.21.6", "1.21.6.1", "1.22", "2.0"):
        expected = theirs.version is None or rattler.VersionSpec(str(theirs.version)).matches(rattler.Version(have))
        assert (mine.version is None or mine.version.matches(have)) is expected, have


def test_one_package_is_meant_under_all_its_names() -> None:
    for written in ("torch<2.1", "pytorch<2.1", "Torch <2.1"):
        spec = parse_package_spec(written)
        assert spec.matches(package("pytorch", "2.0.1"))
        assert spec.matches(wheel("torch", "2.0.1+cu118"))
        assert not spec.matches(package("pytorch", "2.1.0"))
        assert not spec.matches(package("torchvision", "0.1"))
    assert parse_package_spec("cuda>=12").matches(wheel("nvidia-cuda-runtime-cu12", "12.1.105"))
    assert not parse_package_spec("cuda>=12").matches(package("cudatoolkit", "11.8.0"))


def test_a_local_version_of_pip_counts_only_when_it_is_asked_for() -> None:
    assert parse_package_spec("torch==2.1.0").matches(wheel("torch", "2.1.0+cu118"))
    assert not parse_package_spec("torch==2.1.0+cpu").matches(wheel("torch", "2.1.0+cu118"))
    assert not parse_package_spec("torch==2.1.0").matches(package("pytorch", "2.1.0+cu118"))


def test_manager_channel_build_and_globs_narrow_a_spec() -> None:
    assert parse_package_spec("pip:numpy").matches(wheel("numpy"))
    assert not parse_package_spec("pip:numpy").matches(package("numpy"))
    assert parse_package_spec("conda-forge::numpy").matches(package("numpy"))
    assert not parse_package_spec("pkgs/main::numpy").matches(package("numpy"))
    assert parse_package_spec("numpy=1.0=h*").matches(package("numpy"))
    assert not parse_package_spec("numpy=1.0=mkl*").matches(package("numpy"))
    assert parse_package_spec("nvidia-*").matches(wheel("nvidia-cublas-cu12"))
    assert not parse_package_spec("numpy>1").matches(package("numpy", None))


@pytest.mark.parametrize("text", ["", "<2", "numpy>=", "numpy=1=", "nümpy", "numpy ~= 1 2 3 4", "a b c d"])
def test_a_spec_that_names_no_package_is_refused_with_what_may_be_written(text: str) -> None:
    with pytest.raises(UsageError, match="names no package") as caught:
        parse_package_spec(text)
    assert "numpy" in caught.value.remedy
