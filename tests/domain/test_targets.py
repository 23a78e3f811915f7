"""Where new environments go, and who changes old ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui.domain.environments import Environment, EnvKind, Install, Manager
from tui.domain.errors import UsageError
from tui.domain.selectors import parse_selector
from tui.domain.targets import install_of, place_new

CONDA = Install("/opt/conda", Manager.CONDA, "26.7.1", writable=True, envs_dirs=("/data/envs", "/opt/conda/envs"))
MICRO = Install("/home/ada/micromamba", Manager.MICROMAMBA, "2.8.1", envs_dirs=("/home/ada/micromamba/envs",))


def test_a_name_goes_into_the_first_directory_of_the_only_install() -> None:
    assert place_new(parse_selector("gpu01:cv"), "gpu01", [CONDA]) == (CONDA, "/data/envs/cv", "cv")


def test_an_absolute_place_has_no_name() -> None:
    assert place_new(parse_selector("gpu01:/scratch/x/"), "gpu01", [CONDA]) == (CONDA, "/scratch/x", None)


def test_several_installs_need_one_to_be_named() -> None:
    selector = parse_selector("gpu01:cv")
    with pytest.raises(UsageError, match="2 installs") as caught:
        place_new(selector, "gpu01", [CONDA, MICRO])
    assert "--install" in caught.value.remedy
    assert "/opt/conda" in caught.value.message
    assert place_new(selector, "gpu01", [CONDA, MICRO], "/opt/conda/")[0] is CONDA
    with pytest.raises(UsageError, match="no install at /nowhere"):
        place_new(selector, "gpu01", [CONDA, MICRO], "/nowhere")


def test_only_one_that_may_be_written_is_no_question() -> None:
    read_only = replace(CONDA, writable=False)
    assert place_new(parse_selector("gpu01:cv"), "gpu01", [read_only, MICRO])[0] is MICRO


def test_a_place_below_an_installs_own_directory_says_which() -> None:
    place = parse_selector("gpu01:/home/ada/micromamba/envs/x")
    assert place_new(place, "gpu01", [CONDA, MICRO])[0] is MICRO


@pytest.mark.parametrize("text", ["gpu01", "gpu01:cv-*", "@a100:x[1]"])
def test_what_is_no_single_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        place_new(parse_selector(text), "gpu01", [CONDA])


def test_without_any_tool_nothing_can_be_made() -> None:
    with pytest.raises(UsageError, match="no conda, mamba or micromamba"):
        place_new(parse_selector("gpu01:cv"), "gpu01", [replace(CONDA, manager=Manager.UNKNOWN)])


def test_an_environment_is_changed_by_its_own_install() -> None:
    env = Environment("gpu01", "/data/envs/cv", "cv", EnvKind.NAMED, "/opt/conda", Manager.CONDA)
    assert install_of(env, [MICRO, CONDA]) is CONDA
    orphan = replace(env, install=None, prefix="/home/ada/micromamba/envs/x")
    assert install_of(orphan, [MICRO, CONDA]) is MICRO
    assert install_of(replace(orphan, prefix="/elsewhere/x"), [MICRO, CONDA]) is None
    assert install_of(replace(orphan, prefix="/elsewhere/x"), [CONDA]) is CONDA
