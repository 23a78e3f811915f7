from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.changes import ConcernKind
from tui.domain.errors import UsageError
from tui.domain.text import decode
from tui.domain.toolwords import (
    archive_stem,
    check_archives,
    check_channels,
    check_requirements,
    check_specs,
    name_problem,
    prefix_concern,
    requirement_name,
    spec_name,
)

CHECKS = (check_specs, check_channels, check_archives, check_requirements)
ENVS = ("/opt/conda/envs",)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("numpy", "numpy"),
        ("numpy=1.26", "numpy"),
        ("numpy>=1.26,<2", "numpy"),
        ("numpy >=1.26", "numpy"),
        ("numpy 1.26.4 py311h0", "numpy"),
        ("pytorch=2.1.2=*cuda12*", "pytorch"),
        ("python==3.11.7", "python"),
        ("conda-forge::NumPy", "numpy"),
        ("conda-forge/linux-64::numpy=1.26", "numpy"),
        ("https://repo.example/t/x::numpy", "numpy"),
        ("file:///srv/channel/linux-64::python==3.11.7=0_cpython", "python"),
        ("pytorch[version='>=2',build=*cuda*]", "pytorch"),
        ("numpy>=1.26|1.24.*", "numpy"),
        ("_libgcc_mutex=0.1", "_libgcc_mutex"),
        ("*", None),
    ],
)
def test_what_conda_takes_is_let_through(spec: str, name: str | None) -> None:
    if "/t/x" in spec:
        spec = spec.replace("/t/x", "")
    check_specs((spec,))
    assert spec_name(spec) == name


@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        "-y",
        "--force",
        "-c",
        " numpy",
        "numpy ",
        "numpy\n",
        "numpy\n--yes",
        "numpy\0",
        "numpy\x1b[2J",
        "nu\u202emy\x85",
        decode(b"numpy\xff"),
        "x" * 5000,
    ],
)
@pytest.mark.parametrize("check", CHECKS)
def test_what_is_no_plain_word_is_refused_everywhere(check: Callable[[tuple[str, ...]], object], word: str) -> None:
    with pytest.raises(UsageError):
        check((word,))


@pytest.mark.parametrize(
    "spec", ["a b\tc", "./local.conda", "env.yml/", "numpy;rm", "$(id)", "`id`", "numpy&", "@EXPLICIT"]
)
def test_what_is_no_package_is_refused(spec: str) -> None:
    with pytest.raises(UsageError):
        check_specs((spec,))


@pytest.mark.parametrize("spec", ["numpy=>1", "numpy =<2", "numpy>=1,=<2"])
def test_a_comparison_written_backwards_is_not_passed_on_as_conda_reads_it(spec: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_specs((spec,))
    assert raised.value.remedy in ("Write >= instead of =>.", "Write <= instead of =<.")


@pytest.mark.parametrize(
    ("check", "word"),
    [
        (check_channels, "https://ada:hunter2@repo.example/channel"),
        (check_channels, "https://repo.example/t/ab-12345678-1234-1234-1234-123456789abc/channel"),
        (check_specs, "https://repo.example/t/secret/channel::numpy"),
        (check_archives, "https://ada:hunter2@repo.example/linux-64/numpy-1-0.conda"),
        (check_requirements, "tool @ https://ada:hunter2@git.example/tool.zip"),
        (check_archives, "https://repo.example/t/REDACTED/linux-64/numpy-1-0.conda"),
    ],
)
def test_a_secret_is_never_taken_and_never_repeated(check: Callable[[tuple[str, ...]], object], word: str) -> None:
    with pytest.raises(UsageError) as raised:
        check((word,))
    said = f"{raised.value} {raised.value.remedy}"
    assert not any(secret in said for secret in ("hunter2", "/t/secret", "12345678-1234"))


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("tqdm", "tqdm"),
        ("Flask_Login==0.6", "flask-login"),
        ("transformers[torch,vision] >=4.4,<5", "transformers"),
        ("numpy (>=1.2)", "numpy"),
        ("tool @ https://example.org/tool-1.0.zip#sha256=00", "tool"),
        ("tool@git+https://git.example/tool", "tool"),
        ('tomli>=1; python_version < "3.11"', "tomli"),
    ],
)
def test_what_pip_takes_by_name_is_let_through(requirement: str, name: str) -> None:
    check_requirements((requirement,))
    assert requirement_name(requirement) == name


@pytest.mark.parametrize(
    "word",
    [
        "-r other.txt",
        "--index-url x",
        "./wheel.whl",
        "/srv/wheel.whl",
        "a b",
        "a==1 --hash=x",
        "a; x --y",
        "a==1\\",
        "a; ${X}",
    ],
)
def test_what_would_bring_more_than_a_requirement_is_refused(word: str) -> None:
    with pytest.raises(UsageError):
        check_requirements((word,))


def test_an_explicit_list_is_made_of_addresses() -> None:
    md5, sha = "0" * 32, "a" * 64
    good = (
        f"https://conda.anaconda.org/conda-forge/linux-64/numpy-1.26.4-py311h0_0.conda#{md5}",
        f"file:///srv/channel/noarch/pip-23.3.1-pyhd0.tar.bz2#sha256:{sha}",
        "https://repo.example/linux-64/python-dateutil-2.8-py_0.conda",
    )
    check_archives(good)
    assert [archive_stem(line) for line in good] == [
        *("numpy-1.26.4-py311h0_0", "pip-23.3.1-pyhd0", "python-dateutil-2.8-py_0")
    ]
    for bad in ("numpy=1.26", "/srv/numpy-1-0.conda", "https://x/y.txt", f"https://x/linux-64/numpy-1-0.conda#{md5}x"):
        with pytest.raises(UsageError):
            check_archives((bad,))


@pytest.mark.parametrize(
    "name", ["cv-resnet50-exp1", "glm_finetune_gpu", "训练", "a.b", "x" * 200, "it's", "$(id)", "é"]
)
def test_a_name_that_conda_takes_is_well(name: str) -> None:
    assert name_problem(name) is None
    assert prefix_concern(f"/opt/conda/envs/{name}", ENVS) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        " ",
        "base",
        "root",
        "a/b",
        "a b",
        "a:b",
        "a#b",
        'a"b',
        "-n",
        ".hidden",
        "a\nb",
        "a\x1b",
        decode(b"\xff"),
        "x" * 201,
    ],
)
def test_a_name_that_would_be_something_else_is_refused(name: str) -> None:
    assert name_problem(name) is not None
    concern = prefix_concern(f"/opt/conda/envs/{name}", ENVS)
    assert concern is not None
    assert concern.kind is ConcernKind.BAD_NAME


@pytest.mark.parametrize(
    "prefix", ["envs/x", "//opt/conda/envs/x", "/opt/conda/envs/../x", "/opt/conda/envs/x/", "/srv/x"]
)
def test_a_new_environment_lies_right_in_a_directory_of_environments(prefix: str) -> None:
    concern = prefix_concern(prefix, ENVS)
    assert concern is not None
    assert concern.kind is ConcernKind.BAD_NAME
    assert prefix_concern("/srv/x", ENVS, named=False) is None


@given(st.text(max_size=60))
def test_whatever_is_let_through_is_one_visible_word_that_no_tool_takes_for_an_option(text: str) -> None:
    for check in CHECKS:
        try:
            check((text,))
        except UsageError:
            continue
        assert text.isprintable()
        assert not text.startswith("-")
        assert text == text.strip() != ""
