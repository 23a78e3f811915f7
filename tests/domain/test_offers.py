"""How a field of several words may go on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.offers import offer_spec, offer_word
from tui.domain.packageindex import PackageIndex
from tui.domain.packages import Package, PackageInterner, PackageManager

KNOWN = ("conda-forge", "conda-canary", "Bioconda", "@a100", "gpu01")


def index() -> PackageIndex:
    interner = PackageInterner()
    found = PackageIndex()
    conda = PackageManager.CONDA
    named = (("numpy", "1.26.0"), ("numpy", "2.0.1"), ("numba", "0.60"), ("pytorch", "2.1.0"))
    packages: list[Package] = [interner.package(name, version, "0", "conda-forge", conda) for name, version in named]
    packages.append(interner.package("tk", "8.6", "0", "bioconda", conda))
    found.add(interner.package_set(packages))
    return found


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("cond", "conda-forge"),
        ("bio", "bioconda"),
        ("conda-forge cond", "conda-forge conda-canary"),
        ("x @a", "x @a100"),
        ("conda-forge", None),
        ("conda-forge ", None),
        ("", None),
        ("zz", None),
    ],
)
def test_the_last_word_goes_on_as_one_that_is_known_and_not_there_yet(text: str, whole: str | None) -> None:
    assert offer_word(text, KNOWN) == whole


def test_commas_part_hosts_where_they_part_words() -> None:
    assert offer_word("gpu02,gp", KNOWN, commas=True) == "gpu02,gpu01"
    assert offer_word("gpu01,gp", KNOWN, commas=True) is None


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("python nu", "python numba"),
        ("NUMP", "NUMPy"),
        ("numpy=", "numpy=2.0.1"),
        ("numpy>=1", "numpy>=1.26.0"),
        ("nothing==", None),
        ("numpy>=1.26,<", None),
    ],
)
def test_packages_and_their_versions_come_from_the_fleet(text: str, whole: str | None) -> None:
    assert offer_spec(text, index()) == whole


def test_of_some_packages_alone_others_are_not_offered() -> None:
    assert offer_spec("nu", index(), ["numpy"]) == "numpy"
    assert offer_spec("py", index(), ["numpy"]) is None


def test_the_channel_of_most_packages_comes_first() -> None:
    assert index().channels() == ["conda-forge", "bioconda"]


@given(st.text(), st.lists(st.text()))
def test_what_is_typed_stays(text: str, known: list[str]) -> None:
    for whole in (offer_word(text, known), offer_word(text, known, commas=True), offer_spec(text, index())):
        assert whole is None or (whole.startswith(text) and len(whole) > len(text))
