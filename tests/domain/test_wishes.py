"""What a person writes into a form, read as it is typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.changes import ChangeKind
from tui.domain.environments import Environment, EnvKind, Install, Manager
from tui.domain.errors import UsageError
from tui.domain.hosts import HostSpec
from tui.domain.selectors import parse_selector
from tui.domain.wishes import Recipe, hosts_meant, new_change, place_problem, renamed, words_of

SPECS = (HostSpec("gpu01", groups=("a100",)), HostSpec("gpu02", groups=("a100",)), HostSpec("local"))
ROOT = Install("/opt/conda", Manager.CONDA, "26.7.1", envs_dirs=("/opt/conda/envs",))
OLD = Environment("gpu01", "/opt/conda/envs/old", "old", EnvKind.NAMED, "/opt/conda", Manager.CONDA)


@pytest.mark.parametrize(
    ("text", "names", "unknown"),
    [
        ("gpu01", ["gpu01"], ()),
        ("gpu*, local", ["gpu01", "gpu02", "local"], ()),
        ("local gpu01 gpu01", ["gpu01", "local"], ()),
        ("@a100", ["gpu01", "gpu02"], ()),
        ("@h100 gpu03 gpu01", ["gpu01"], ("@h100", "gpu03")),
        ("gpu01:old", [], ("gpu01:old",)),
        ("-rf \x1b[2J", [], ("-rf", "\x1b[2J")),
        ("  , ", [], ()),
    ],
)
def test_words_mean_hosts_in_the_order_of_the_configuration(
    text: str, names: list[str], unknown: tuple[str, ...]
) -> None:
    meant = hosts_meant(text, SPECS)
    assert ([spec.name for spec in meant.specs], meant.unknown) == (names, unknown)


@given(st.text())
def test_whatever_is_typed_means_hosts_or_is_told(text: str) -> None:
    meant = hosts_meant(text, SPECS)
    assert {spec.name for spec in meant.specs} <= {spec.name for spec in SPECS}
    assert bool(meant.specs or meant.unknown) == bool(text.replace(",", " ").split())


def test_quotes_hold_words_together_and_must_be_closed() -> None:
    assert words_of("numpy 'scipy >=1.10'  torch") == ("numpy", "scipy >=1.10", "torch")
    with pytest.raises(UsageError, match="not closed"):
        words_of("numpy 'scipy")


def test_a_new_environment_goes_where_its_install_keeps_them() -> None:
    change = new_change(ChangeKind.CREATE, "gpu01", parse_selector("gpu01:new"), [ROOT], Recipe(("numpy",)))
    assert (change.prefix, change.install, change.name, change.specs) == (
        "/opt/conda/envs/new", "/opt/conda", "new", ("numpy",),
    )  # fmt: skip


def test_what_is_there_already_is_told() -> None:
    assert place_problem("/opt/conda/envs/old", [ROOT], [OLD]) == "is there already"
    assert place_problem("/opt/conda/envs/new", [ROOT], [OLD]) is None
    assert place_problem("/opt/conda/envs/a b", [ROOT], [OLD]) is not None


def test_a_rename_stays_beside_where_it_is_or_goes_to_a_place() -> None:
    assert renamed(OLD, "young", [ROOT]).new_prefix == "/opt/conda/envs/young"
    assert renamed(OLD, "/data/young/", [ROOT]).new_prefix == "/data/young"
    for wrong in ("", "a/b", "..", "x*"):
        with pytest.raises(UsageError):
            renamed(OLD, wrong, [ROOT])
