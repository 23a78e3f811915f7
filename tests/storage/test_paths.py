from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tui.domain import places
from tui.domain.errors import StorageError
from tui.storage import paths


def test_the_folders_follow_xdg_and_ignore_relative_values() -> None:
    env = {"HOME": "/home/ada"}
    assert places.state_dir(env) == Path("/home/ada/.local/state/condafleet")
    assert places.cache_dir(env) == Path("/home/ada/.cache/condafleet")
    assert places.state_dir({**env, "XDG_STATE_HOME": "/s"}) == Path("/s/condafleet")
    assert places.state_dir({**env, "XDG_STATE_HOME": "s"}) == Path("/home/ada/.local/state/condafleet")
    assert places.state_dir({**env, "XDG_STATE_HOME": "/s", "CONDAFLEET_STATE_DIR": "/d"}) == Path("/d")
    assert places.state_dir({"CONDAFLEET_STATE_DIR": "d"}) == Path.cwd() / "d"
    assert places.cache_dir({"HOME": "relative"}).is_absolute()


def test_home_is_expanded_and_nothing_else() -> None:
    env = {"HOME": "/home/ada"}
    found = [places.expand_home(path, env) for path in ("~", "~/x", "~bob/x", "/~/x", "x")]
    assert found == ["/home/ada", "/home/ada/x", "~bob/x", "/~/x", "x"]


def test_the_log_path_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDAFLEET_STATE_DIR", str(tmp_path / "state"))
    assert paths.log_path() == tmp_path / "state" / "condafleet.log"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_made_private_and_one_of_ours_is_closed(tmp_path: Path) -> None:
    made = paths.private_dir(tmp_path / "a" / "b")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o777)
    paths.private_dir(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_folder_through_a_soft_link_of_ours_is_used(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    paths.private_dir(tmp_path / "link")
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o1777])
def test_a_folder_that_is_not_ours_alone_is_left_as_it_is(tmp_path: Path, mode: int) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    if not mode & stat.S_ISVTX:
        (shared / "thesis.tex").touch()
    with pytest.raises(StorageError, match="Others may look into"):
        paths.private_dir(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == mode


def test_a_folder_with_a_file_of_ours_is_closed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    (state / "condafleet.log").touch()
    paths.private_dir(state)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "x"):
        with pytest.raises(StorageError, match="cannot be used"):
            paths.private_dir(path)


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    theirs = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: theirs)
    with pytest.raises(StorageError, match="belongs to another user"):
        paths.private_dir(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
