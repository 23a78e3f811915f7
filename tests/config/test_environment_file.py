from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config.environment_file import load_environment_file, read_environment_yml
from tui.domain.envfile import EnvFile, read_explicit, read_requirements, read_specs
from tui.domain.errors import ConfigError, UsageError
from tui.domain.toolwords import check_channels, check_requirements, check_specs

GOOD = """\
# reviewed in git
name: cv-resnet50-exp1
channels:
  - conda-forge
  - nodefaults
dependencies:
  - python=3.11
  - numpy>=1.26,<2
  - pytorch-cuda=12.1
  - pip
  - pip:
      - peft==0.13.2
      - 'tomli>=1; python_version < "3.11"'
variables:
  HF_HOME: /data/hf
prefix: /home/ada/miniconda3/envs/x
"""


def problems(text: str, file: str = "environment.yml") -> list[tuple[int | None, str]]:
    with pytest.raises(ConfigError) as raised:
        read_environment_yml(text, file)
    assert all(str(each).startswith(file) for each in raised.value.problems)
    return [(each.line, each.key) for each in raised.value.problems]


def test_an_environment_yml_as_people_write_it() -> None:
    found = read_environment_yml(GOOD, "environment.yml")
    assert found.name == "cv-resnet50-exp1"
    assert found.channels == ("conda-forge",)
    assert found.specs == ("python=3.11", "numpy>=1.26,<2", "pytorch-cuda=12.1", "pip")
    assert found.pip == ("peft==0.13.2", 'tomli>=1; python_version < "3.11"')
    assert [str(each) for each in found.left_out] == ["variables that are set on activation: HF_HOME"]


def test_pip_comes_along_where_something_is_for_it() -> None:
    text = "dependencies:\n  - python\n  - pip:\n    - six\n"
    assert read_environment_yml(text, "e.yml").specs == ("python", "pip")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("name: x\n", (1, "dependencies")),
        ("dependencies:\n  - numpy\ndepends: []\n", (3, "depends")),
        ("dependencies:\n  - numpy\n  - --force\n", (3, "dependencies[1]")),
        ("dependencies:\n  - numpy\n  - numpy=>1\n", (3, "dependencies[1]")),
        ("dependencies:\n  - 'sel(linux)': numpy\n", (2, "dependencies[0].sel(linux)")),
        ("dependencies:\n  - pip:\n    - six\n    - -r more.txt\n", (4, "dependencies[0].pip[1]")),
        ("dependencies:\n  - pip:\n    - ./local\n", (3, "dependencies[0].pip[0]")),
        ("channels: [a b]\ndependencies: []\n", (1, "channels[0]")),
        ("dependencies: numpy\n", (1, "dependencies")),
        ("- numpy\n", (1, "")),
        ("dependencies: [\n", (1, "")),
        ("dependencies:\n\t- numpy\n", (2, "")),
    ],
)
def test_an_error_names_line_and_key(text: str, place: tuple[int, str]) -> None:
    assert place in problems(text)


def test_an_empty_file_is_no_environment() -> None:
    assert problems("") == [(None, "")]


def test_a_list_of_nothing_is_an_empty_environment() -> None:
    assert read_environment_yml("name: x\ndependencies:\n", "e.yml") == EnvFile("x")


def test_an_explicit_list_is_known_by_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "spec.txt"
    url = f"https://conda.anaconda.org/conda-forge/noarch/tqdm-4.66.1-pyhd0.conda#{'0' * 32}"
    path.write_text(f"# platform: linux-64\n@EXPLICIT\n{url}\n")
    assert load_environment_file(path) == EnvFile(explicit=(url,))
    with pytest.raises(ConfigError, match=r"spec.txt:2: "):
        read_explicit("@EXPLICIT\nnumpy\n", "spec.txt")
    with pytest.raises(ConfigError):
        read_explicit("@EXPLICIT\n", "spec.txt")


def test_requirements_are_for_pip_and_other_lists_for_conda(tmp_path: Path) -> None:
    path = tmp_path / "requirements-gpu.txt"
    path.write_text("# all\npeft==0.13.2  # newest\n\nsix\n")
    assert load_environment_file(path) == EnvFile(specs=("python", "pip"), pip=("peft==0.13.2", "six"))
    path = tmp_path / "packages.txt"
    path.write_text("numpy=1.26.4=py311h0\npeft=0.13.2=pypi_0\n")
    assert load_environment_file(path) == EnvFile(specs=("numpy=1.26.4=py311h0",), pip=("peft==0.13.2",))
    with pytest.raises(ConfigError, match=r"r.txt:2: "):
        read_requirements("six\n-r other.txt\n", "r.txt")
    with pytest.raises(ConfigError, match=r"p.txt:1: "):
        read_specs("--yes\n", "p.txt")


def test_a_secret_in_a_file_is_not_repeated() -> None:
    text = f"channels:\n  - https://ada:hunter2{'x' * 200}@repo.example/x\ndependencies: []\n"
    with pytest.raises(ConfigError) as raised:
        read_environment_yml(text, "e.yml")
    assert "hunter2" not in f"{raised.value}{raised.value.remedy}"
    with pytest.raises(ConfigError) as raised:
        read_explicit("@EXPLICIT\nhttps://ada:hunter2@repo.example/noarch/a-1-0.conda\n", "e.txt")
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load_environment_file(tmp_path / "none.yml")
    (tmp_path / "b.yml").write_bytes(b"name: \xff\n")
    with pytest.raises(ConfigError, match=r"b.yml:1: "):
        load_environment_file(tmp_path / "b.yml")


PIECES = st.sampled_from(
    [
        "name: x\n",
        "dependencies:\n",
        "  - numpy\n",
        "  - pip:\n",
        "    - six\n",
        "- &a\n",
        "*a",
        "!!python/object:x",
        "{",
        "'",
        "\t",
        "\0",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=8).map("".join)))
def test_any_text_is_an_environment_of_checked_words_or_an_error(text: str) -> None:
    for read in (read_environment_yml, read_explicit, read_requirements, read_specs):
        try:
            found = read(text, "f")
        except ConfigError as error:
            assert error.problems
            continue
        try:
            check_specs(found.specs)
            check_channels(found.channels)
            check_requirements(found.pip)
        except UsageError as error:
            raise AssertionError(text) from error


def test_a_refused_word_is_told_with_what_would_do() -> None:
    text = "channels: ['https://ada:hunter2@repo/x']\ndependencies:\n- pip: [--extra-index-url https://x/y]\n"
    with pytest.raises(ConfigError) as raised:
        read_environment_yml(text, "e.yml")
    assert str(raised.value).splitlines() == [
        "e.yml:1: channels[0]: found a text that holds a secret, expected a channel's name or address (let the host's "
        "own conda log in to that channel, and name the channel without its secret).",
        "e.yml:3: dependencies[0].pip[0]: found the text `--extra-index-url https://x/y`, expected a requirement by "
        "name, such as tqdm==4.66 (a word may not be empty, begin with '-', or hold line breaks and control "
        "characters).",
    ]
