from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.packages import EMPTY_SET, Package, PackageInterner, PackageManager, canonical_name

ODD = st.text(alphabet="ab\x00\x01\x02\x03", max_size=3)
PACKAGES = st.builds(
    Package, ODD, st.none() | ODD, st.none() | ODD, st.none() | ODD, st.sampled_from(list(PackageManager))
)


def test_equal_packages_and_equal_sets_are_one_object() -> None:
    interner = PackageInterner()
    one = interner.package("numpy", "1.26", "py311_0", "conda-forge", PackageManager.CONDA)
    two = interner.package("".join(["num", "py"]), "1.26", "py311_0", "conda-forge", PackageManager.CONDA)
    other = interner.package("pip", "24", None, None, PackageManager.PIP)
    assert one is two
    assert interner.package_set([one, other]) is interner.package_set(iter([other, two]))
    assert interner.package_set([]) is EMPTY_SET


def test_a_digest_is_the_same_in_every_process() -> None:
    packages = [Package("b", "1", None, None, PackageManager.PIP), Package("a", "2", "0", "c", PackageManager.CONDA)]
    assert PackageInterner().package_set(packages).digest == PackageInterner().package_set(packages[::-1]).digest
    assert len(PackageInterner().package_set(packages).digest) == 24


@given(st.lists(PACKAGES, max_size=4), st.lists(PACKAGES, max_size=4))
@settings(max_examples=400, deadline=None)
def test_sets_are_equal_exactly_when_their_packages_are(left: list[Package], right: list[Package]) -> None:
    interner = PackageInterner()
    same = sorted(map(repr, left)) == sorted(map(repr, right))
    assert (interner.package_set(left) == interner.package_set(right)) is same
    assert sorted(map(repr, interner.package_set(left).packages)) == sorted(map(repr, left))


def test_unknown_and_empty_are_different() -> None:
    interner = PackageInterner()
    unknown = interner.package_set([Package("a", None, None, None, PackageManager.CONDA)])
    empty = interner.package_set([Package("a", "", None, None, PackageManager.CONDA)])
    assert unknown != empty
    assert unknown.packages[0].version is None


def test_packages_are_sorted_by_name_and_counted_by_manager() -> None:
    conda = Package("ruamel.yaml", "1", "0", "c", PackageManager.CONDA)
    pip = Package("ruamel_yaml", "2", None, None, PackageManager.PIP)
    chosen = PackageInterner().package_set([pip, conda, Package("a", None, None, None, PackageManager.PIP)])
    assert [package.name for package in chosen.packages] == ["a", "ruamel.yaml", "ruamel_yaml"]
    assert (chosen.count(PackageManager.CONDA), chosen.count(PackageManager.PIP)) == (1, 2)
    assert chosen.find("ruamel-yaml") is conda
    assert chosen.find("zlib") is None


def test_a_set_is_equal_to_nothing_but_a_set() -> None:
    assert EMPTY_SET != "0"
    assert {EMPTY_SET: 1}[PackageInterner().package_set([])] == 1


def test_names_compare_as_pep_503_says() -> None:
    assert canonical_name("Ruamel._.Yaml") == canonical_name("ruamel-yaml") == "ruamel-yaml"
    assert canonical_name("_libgcc_mutex") == "-libgcc-mutex"
