from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, EnvRef
from tui.domain.environments import Manager
from tui.domain.toolargs import Tool, Toolbox, choose_tool, dry_run_argv, pip_argv, shown_argv, tool_argv

ROOT = "/opt/conda"
CONDA = Tool(Manager.CONDA, f"{ROOT}/bin/conda", ROOT, "26.7.1")
MAMBA = Tool(Manager.MAMBA, f"{ROOT}/bin/mamba", ROOT, "2.3.0")
MAMBA_1 = replace(MAMBA, version="1.5.8")
MICROMAMBA = Tool(Manager.MICROMAMBA, "/home/ada/.local/bin/micromamba", "/home/ada/micromamba")
PREFIX = f"{ROOT}/envs/train"
CHANGE = Change(ChangeKind.CREATE, "gpu01", PREFIX, specs=("python=3.11", "numpy"))


def kinds(*, without: tuple[ChangeKind, ...] = ()) -> list[ChangeKind]:
    tool = (ChangeKind.CREATE, ChangeKind.CLONE, ChangeKind.INSTALL, ChangeKind.UPDATE, ChangeKind.UNINSTALL)
    return [each for each in tool if each not in without]


@pytest.mark.parametrize("kind", kinds())
def test_the_fastest_tool_does_it_and_a_copy_is_left_to_the_one_that_copies_all(kind: ChangeKind) -> None:
    box = Toolbox(ROOT, (CONDA, MAMBA))
    careful = kind in (ChangeKind.CLONE, ChangeKind.UNINSTALL)
    assert choose_tool(box, kind) == (CONDA if careful else MAMBA)
    assert choose_tool(Toolbox(ROOT, (MICROMAMBA,)), kind) == MICROMAMBA


def test_a_program_of_somebody_else_is_never_chosen() -> None:
    foreign = [replace(each, owned=False) for each in (CONDA, MAMBA)]
    found = choose_tool(Toolbox(ROOT, tuple(foreign)), ChangeKind.CREATE)
    assert isinstance(found, Concern)
    assert found.kind is ConcernKind.FOREIGN_OWNER
    assert choose_tool(Toolbox(ROOT, (foreign[1], CONDA)), ChangeKind.CREATE) == CONDA
    none = choose_tool(Toolbox(ROOT), ChangeKind.CREATE)
    assert isinstance(none, Concern)
    assert none.kind is ConcernKind.NO_TOOL


def test_a_mamba_of_unknown_version_is_left_alone() -> None:
    assert choose_tool(Toolbox(ROOT, (replace(MAMBA, version=None), CONDA)), ChangeKind.CREATE) == CONDA


@pytest.mark.parametrize("tool", [CONDA, MAMBA, MAMBA_1, MICROMAMBA])
@pytest.mark.parametrize(
    "change",
    [
        CHANGE,
        replace(CHANGE, specs=(), explicit=("https://x/linux-64/a-1-0.conda",)),
        replace(CHANGE, kind=ChangeKind.CLONE, source=EnvRef("gpu01", f"{ROOT}/envs/old"), specs=()),
        replace(CHANGE, kind=ChangeKind.CLONE, source=EnvRef("gpu02", f"{ROOT}/envs/old")),
        replace(CHANGE, kind=ChangeKind.RENAME, new_prefix=f"{ROOT}/envs/new"),
        replace(CHANGE, kind=ChangeKind.RECREATE),
    ],
)
def test_what_makes_an_environment_never_says_yes_beforehand(tool: Tool, change: Change) -> None:
    assert tool_argv(tool, change)
    for argv in (tool_argv(tool, change), shown_argv(tool, change), dry_run_argv(tool, change)):
        assert not {"-y", "--yes", "--force"} & set(argv)
        assert not argv or argv[:2] == (tool.program, "create")


@pytest.mark.parametrize("tool", [CONDA, MAMBA, MICROMAMBA])
@pytest.mark.parametrize("kind", kinds())
def test_every_command_names_program_and_prefix_by_absolute_path(tool: Tool, kind: ChangeKind) -> None:
    change = replace(CHANGE, kind=kind, source=EnvRef("gpu02", f"{ROOT}/envs/old"), specs=("numpy",))
    argv = tool_argv(tool, change)
    assert argv[0].startswith("/")
    assert argv[argv.index("-p") + 1] == PREFIX
    assert "-n" not in argv
    assert ("-r" in argv) is tool.is_mamba


def test_only_what_is_on_the_same_host_is_copied_by_the_tool_itself() -> None:
    here = replace(CHANGE, kind=ChangeKind.CLONE, source=EnvRef("gpu01", f"{ROOT}/envs/old"), specs=())
    assert tool_argv(CONDA, here)[-2:] == ("--clone", f"{ROOT}/envs/old")
    for change in (
        replace(here, source=EnvRef("gpu02", f"{ROOT}/envs/old")),
        replace(here, explicit=("https://x/linux-64/a-1-0.conda",)),
        replace(here, specs=("a=1=0",)),
    ):
        assert "--clone" not in tool_argv(CONDA, change)


def test_the_exact_words() -> None:
    assert tool_argv(CONDA, replace(CHANGE, channels=("conda-forge", "nvidia"))) == (
        *(CONDA.program, "create", "-p", PREFIX, "--override-channels", "-c", "conda-forge", "-c", "nvidia"),
        *("python=3.11", "numpy"),
    )
    assert tool_argv(MICROMAMBA, CHANGE)[:6] == (MICROMAMBA.program, "create", "-r", MICROMAMBA.root, "-p", PREFIX)
    update = replace(CHANGE, kind=ChangeKind.UPDATE, specs=())
    assert tool_argv(CONDA, update) == (CONDA.program, "update", "-p", PREFIX, "-y", "--all")
    gone = replace(CHANGE, kind=ChangeKind.UNINSTALL, specs=("numpy",), channels=("x",))
    assert tool_argv(CONDA, gone) == (CONDA.program, "remove", "-p", PREFIX, "-y", "numpy")
    frozen = replace(gone, accepted=frozenset({ConcernKind.FROZEN}))
    assert "--override-frozen" in tool_argv(CONDA, frozen)
    assert "--override-frozen" not in tool_argv(MICROMAMBA, frozen)
    assert dry_run_argv(CONDA, gone) == (CONDA.program, "remove", "-p", PREFIX, "--dry-run", "--json", "numpy")


def test_pip_does_what_only_pip_has() -> None:
    change = replace(CHANGE, kind=ChangeKind.INSTALL, specs=(), pip=("peft==0.13.2",))
    assert tool_argv(CONDA, change) == ()
    assert dry_run_argv(CONDA, change) == ()
    assert (
        shown_argv(CONDA, change)
        == pip_argv(change)
        == (f"{PREFIX}/bin/python", "-m", "pip", "install", "peft==0.13.2")
    )
    assert pip_argv(replace(change, kind=ChangeKind.UNINSTALL, pip=("peft",)))[3:] == ("uninstall", "-y", "peft")


@given(st.lists(st.text(min_size=1, max_size=20), max_size=5), st.text(max_size=20))
def test_words_stay_whole_and_in_order(words: list[str], prefix: str) -> None:
    argv = tool_argv(CONDA, replace(CHANGE, prefix=prefix, specs=tuple(words)))
    assert argv == (CONDA.program, "create", "-p", prefix, *words)
