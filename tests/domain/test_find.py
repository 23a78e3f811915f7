"""Where in the fleet a package is."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.fleetvalues import environment, package, wheel
from tui.domain.find import find
from tui.domain.packageindex import PackageIndex
from tui.domain.packagespec import parse_package_spec

POOL = [package(name, version) for name in ("numpy", "pytorch", "Zlib") for version in ("1.0", "1.5", "2.0", "x!y")]
POOL += [wheel("torch", "1.5+cu118"), wheel("Num.Py", "1.0"), wheel("numpy", None)]


def test_every_place_is_named_in_order_and_equal_sets_give_equal_hits() -> None:
    one, two = package("numpy", "1.21.6"), wheel("numpy", "1.26.0")
    fleet = [
        environment("gpu02", "b", one), environment("gpu01", "z", one, two), environment("gpu01", "a", one),
        replace(environment("gpu03", "c", one), packages_known=False), environment("gpu03", "d", two),
    ]  # fmt: skip
    hits = find(parse_package_spec("numpy 1.21.6"), [env for env in fleet if env.packages_known])
    assert [(hit.environment.host, hit.environment.name) for hit in hits] == [
        ("gpu01", "a"), ("gpu01", "z"), ("gpu02", "b"),
    ]  # fmt: skip
    both = find(parse_package_spec("numpy"), [fleet[1]])
    assert [hit.package for hit in both] == [one, two]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(POOL)), max_size=6),
    st.sampled_from(["numpy", "numpy<1.6", "torch=1.5", "pip:numpy", "*", "z*", "num-py", "pytorch!=1.0", "conda:*"]),
)
def test_the_index_finds_the_sets_that_a_search_finds(held: list[set[object]], text: str) -> None:
    spec = parse_package_spec(text)
    fleet = [environment(f"gpu{at}", "a", *packages) for at, packages in enumerate(held)]  # type: ignore[arg-type]
    index = PackageIndex()
    for env in fleet:
        index.add(env.packages)
        index.add(env.packages)
    assert index.digests(spec) == {hit.environment.packages.digest for hit in find(spec, fleet)}
    assert find(spec, fleet, index) == find(spec, fleet)


def test_the_index_knows_names_and_versions_newest_first() -> None:
    index = PackageIndex()
    index.add(environment("x", "a", *POOL).packages)
    assert index.names("num") == ["num-py", "numpy"]
    assert index.versions(parse_package_spec("torch")) == ["2.0", "1.5", "1.5+cu118", "1.0", "x!y"]
