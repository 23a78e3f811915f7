"""Where to look, from the texts that a host holds; and what an install is."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.environments import Manager
from tui.domain.faults import FaultKind
from tui.remote.installs import Places, RootSeen, condarc_dirs, init_roots, make_install
from tui.remote.wire import Record

CONDA_INIT = """\
# >>> conda initialize >>>
# !! Contents within this block are managed by 'conda init' !!
__conda_setup="$('/home/ada/mini conda/bin/conda' 'shell.bash' 'hook' 2> /dev/null)"
if [ $? -eq 0 ]; then
    eval "$__conda_setup"
else
    if [ -f "/home/ada/mini conda/etc/profile.d/conda.sh" ]; then
        . "/home/ada/mini conda/etc/profile.d/conda.sh"
    else
        export PATH="/home/ada/mini conda/bin:$PATH"
    fi
fi
# <<< conda initialize <<<
"""


@pytest.mark.parametrize(
    ("text", "roots"),
    [
        (CONDA_INIT, ("/home/ada/mini conda",)),
        ("export MAMBA_EXE='/home/ada/.local/bin/micromamba';\nexport MAMBA_ROOT_PREFIX='/data/mm';\n", ("/data/mm",)),
        ('    eval /opt/conda/bin/conda "shell.fish" "hook" $argv | source\n', ("/opt/conda",)),
        ("set -gx MAMBA_ROOT_PREFIX /data/mm\n", ("/data/mm",)),
        ("source /opt/conda/etc/profile.d/conda.csh", ("/opt/conda",)),
        ("echo nothing", ()),
    ],
)
def test_a_shell_file_names_its_install(text: str, roots: tuple[str, ...]) -> None:
    assert init_roots(text) == roots


@pytest.mark.parametrize(
    ("text", "dirs"),
    [
        ("envs_dirs:\n  - /data/envs\n  - ~/e  # mine\nchannels:\n  - /no\n", ("/data/envs", "/h/e")),
        ("envs_dirs: [/a, '/b c', \"/d\"]\n", ("/a", "/b c", "/d")),
        ("envs_dirs:\n- /a\n- $HOME/x\n- ${OTHER}/y\n- relative\n", ("/a", "/h/x")),
        ("envs_path: /a:/b\n", ("/a", "/b")),
        ("# envs_dirs: [/a]\npkgs_dirs: [/p]\n", ()),
        ("envs_dirs:\n", ()),
    ],
)
def test_a_condarc_names_directories(text: str, dirs: tuple[str, ...]) -> None:
    assert condarc_dirs(text, "envs_dirs", "/h") == dirs


@given(st.text(max_size=300))
@settings(max_examples=100)
def test_noise_in_a_host_s_files_does_no_harm(text: str) -> None:
    for path in (*condarc_dirs(f"envs_dirs:\n  - {text}", "envs_dirs", "/h"), *init_roots(f"'/{text}/bin/conda'")):
        assert path.startswith("/")


def seen(path: str, states: str, *tools: str, condarc: str = "") -> RootSeen:
    return RootSeen(path, path, states, True, tuple((tool, "1") for tool in tools), condarc)


@pytest.mark.parametrize(
    ("root", "manager"),
    [
        (seen("/opt/conda", "yyyy", "conda"), Manager.CONDA),
        (seen("/opt/conda", "yyyy", "conda", "mamba"), Manager.MAMBA),
        (seen("/opt/new", "ynny", "conda"), Manager.CONDA),
        (seen("/opt/conda/envs/dev", "ynny", "conda"), None),
        (seen("/opt/conda/envs/dev", "yyyy", "conda"), Manager.CONDA),
        (seen("/home/ada/x", "ynnn", "conda"), None),
        (seen("/home/ada/env", "yyyy"), None),
        (seen("/home/ada/micromamba", "nyyn"), Manager.MICROMAMBA),
        (seen("/home/ada/.conda", "nyyn"), None),
        (seen("/home/ada/work", "nynn"), None),
        (seen("/home/bob/miniconda3", "xyyn"), Manager.UNKNOWN),
    ],
)
def test_what_an_install_is(root: RootSeen, manager: Manager | None) -> None:
    install = make_install(root, holds_environments=False, owner=None, home="/h", places=Places())
    assert (install.manager if install else None) == manager
    if install is not None:
        assert (install.fault is not None) == (manager is Manager.UNKNOWN)
        assert install.fault is None or install.fault.kind is FaultKind.PERMISSION
        assert install.dirs_confirmed is False


def test_what_a_condarc_names_comes_before_the_usual_places() -> None:
    places = Places()
    places.condarc("envs_dirs: [/data/envs]\npkgs_dirs: [/data/pkgs]\n", "/h")
    root = seen("/opt/conda", "yyyy", "conda", condarc="envs_dirs: [/big]\n")
    install = make_install(root, holds_environments=True, owner="ada", home="/h", places=places)
    assert install is not None
    assert install.envs_dirs == ("/data/envs", "/big", "/opt/conda/envs")
    assert install.pkgs_dirs == ("/data/pkgs", "/opt/conda/pkgs")


def test_processes_come_last_so_that_they_never_rename_an_install() -> None:
    places = Places()
    places.take(Record("prefix", (b"/data/real/miniconda3/envs/x", b"process")))
    places.take(Record("root", (b"/home/ada/miniconda3",)))
    places.finish()
    assert next(iter(places.roots)) == "/home/ada/miniconda3"
    assert places.prefixes["/data/real/miniconda3/envs/x"] == {"process"}
