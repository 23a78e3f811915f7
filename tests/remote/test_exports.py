"""What a host says of one environment, for files to make it again: real trees, real shells."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.condaroot import (
    CONDA_FORGE,
    NUMPY,
    OPENSSL,
    PIP,
    PYTHON,
    SITE,
    CondaRoot,
    Pkg,
    egg_link,
    freeze,
    pip_install,
    write_record,
)  # fmt: skip
from tests.remote.inventories import NOBODY, USERLANDS, Shell, lane, make_shell, open_to_others
from tui.domain.envrecord import Condarc, EnvironmentRecord, PipOrigin, PipRecord, Unread
from tui.domain.errors import HostFaultError
from tui.domain.explicit import explicit_urls
from tui.domain.exports import Form, render
from tui.domain.faults import FaultKind
from tui.domain.requestedspecs import requested_specs
from tui.remote.exports import ask_export
from tui.remote.piporigins import read_origins
from tui.remote.recordlines import read_meta


@pytest.fixture(params=USERLANDS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return make_shell(request.param, tmp_path)


@pytest.fixture
def root(tmp_path: Path) -> CondaRoot:
    return CondaRoot(tmp_path / "opt" / "conda")


async def ask(
    prefix: str | Path, shell: Shell | None = None, wrap: tuple[str, ...] = (), home: Path = Path("/nonexistent")
) -> EnvironmentRecord:
    argv, env = shell or make_shell("dash", Path("/"))
    async with lane(argv, {**env, "HOME": str(home)}, wrap=wrap) as opened:
        record = await ask_export(opened, "gpu01", str(prefix), timeout=30)
        assert opened.stderr_tail() == b""
        return record


async def test_packages_are_read_with_address_hashes_and_what_was_asked(shell: Shell, root: CondaRoot) -> None:
    record = await ask(root.named("a", (PYTHON, NUMPY, PIP)), shell)
    assert [each.stem for each in record.conda] == [NUMPY.stem, PIP.stem, PYTHON.stem]
    numpy, pip, python = record.conda
    assert numpy.url == f"{CONDA_FORGE}/linux-64/{NUMPY.stem}.conda"
    assert (numpy.name, numpy.version, numpy.build) == (NUMPY.name, NUMPY.version, NUMPY.build)
    assert (numpy.md5, numpy.sha256, numpy.subdir) == ("0" * 32, "0" * 64, "linux-64")
    assert (numpy.file_name, numpy.depends) == (f"{NUMPY.stem}.conda", ("libgcc-ng",))
    assert (python.requested, numpy.requested, pip.subdir) == (("python=3.11.7",), (), "noarch")
    assert not any(each.broken for each in record.conda)
    assert record.pip == () and record.unread == () and record.platform == "linux-64"
    assert record.history.revisions[-1].command is not None


async def test_micromambas_form_and_records_of_many_files_are_read_alike(shell: Shell, tmp_path: Path) -> None:
    big = replace(NUMPY, bulk=5000)
    conda, mamba = CondaRoot(tmp_path / "conda"), CondaRoot(tmp_path / "mamba", micromamba=True)
    one, other = [await ask(each.named("a", (PYTHON, big)), shell) for each in (conda, mamba)]
    assert one.conda == other.conda
    assert all(each.url and each.md5 for each in one.conda)


async def test_where_pip_packages_came_from_is_read(shell: Shell, root: CondaRoot, tmp_path: Path) -> None:
    prefix = root.named("a", (PYTHON, NUMPY))
    pip_install(prefix, "plain", "1.0")
    pip_install(prefix, "in-place", "0.1", editable="/home/ada/my%20src")
    direct = {
        "wheel": {"url": "file:///home/ada/wheel-1.0-py3-none-any.whl", "archive_info": {"hash": "sha256=" + "a" * 64}},
        "folder": {"url": "file:///home/ada/folder", "dir_info": {}},
        "repo": {
            "url": "https://git.example/repo.git", "subdirectory": "py",
            "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": "0123abc"},
        },
        "archive": {
            "url": "https://x.example/archive-1.0.tar.gz", "archive_info": {"hashes": {"sha256": "b" * 64}},
        },
        "torn": "{",
    }  # fmt: skip
    for name, said in direct.items():
        info = pip_install(prefix, name, "1.0")
        (info / "direct_url.json").write_text(said if isinstance(said, str) else json.dumps(said, indent=1))
    egg_link(prefix, "old-style", tmp_path / "old style")
    pip_install(prefix, "numpy", "2.1.3")
    site = prefix / SITE
    (site / "__editable__.flat-0.5.pth").write_text("/home/ada/flat/src\n")
    pip_install(prefix, "flat", "0.5")
    paths = ("/srv/shared lib", "import evil", "../relative", f"{prefix}/lib/inside", "/home/ada/flat/src")
    (site / "more.pth").write_text("\n".join(paths))
    found = {each.name: each for each in (await ask(prefix, shell)).pip}
    assert found == {
        "plain": PipRecord("plain", "1.0"),
        "in-place": PipRecord("in-place", "0.1", PipOrigin.EDITABLE, "/home/ada/my src"),
        "wheel": PipRecord("wheel", "1.0", PipOrigin.LOCAL, "/home/ada/wheel-1.0-py3-none-any.whl"),
        "folder": PipRecord("folder", "1.0", PipOrigin.LOCAL, "/home/ada/folder"),
        "repo": PipRecord("repo", "1.0", PipOrigin.URL, "git+https://git.example/repo.git@0123abc#subdirectory=py"),
        "archive": PipRecord(
            "archive", "1.0", PipOrigin.URL, f"https://x.example/archive-1.0.tar.gz#sha256={'b' * 64}"
        ),
        "torn": PipRecord("torn", "1.0"),
        "old-style": PipRecord("old-style", None, PipOrigin.EDITABLE, f"{tmp_path}/old style"),
        "numpy": PipRecord("numpy", "2.1.3", over_conda=True),
        "flat": PipRecord("flat", "0.5", PipOrigin.EDITABLE, "/home/ada/flat/src"),
    }
    assert (await ask(prefix, shell)).added_paths == (("more.pth", "/srv/shared lib"),)


async def test_settings_are_read_the_nearest_first(shell: Shell, root: CondaRoot, tmp_path: Path) -> None:
    prefix, home = root.named("a"), tmp_path / "home"
    (prefix / "conda-meta" / "pinned").write_text("# why\nnumpy 2.*\n\n  python 3.11.*\n")
    (prefix / "conda-meta" / "state").write_text(
        json.dumps({"version": 1, "env_vars": {"B": "two words", "A": "$(x)", "GONE": "***unset***", "N": 1}})
    )
    freeze(prefix, "In service.")
    texts = {
        prefix / ".condarc": "channels: [own]\n",
        home / ".condarc": "channels:\n- conda-forge\n- nvidia\n",
        root.root / ".condarc": "not: [yaml\n",
    }
    for path, text in texts.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    record = await ask(prefix, shell, home=home)
    assert record.pins == ("numpy 2.*", "python 3.11.*")
    assert record.frozen == "In service."
    assert record.variables == (("A", "$(x)"), ("B", "two words"))
    channels = [("own",), ("conda-forge", "nvidia"), ()]
    assert record.condarcs == tuple(
        Condarc(str(path), text, named) for (path, text), named in zip(texts.items(), channels, strict=True)
    )
    assert record.unread == ()


async def test_the_install_of_an_environment_elsewhere_is_known_by_what_made_it(
    shell: Shell, root: CondaRoot, tmp_path: Path
) -> None:
    prefix = root.env(tmp_path / "work dir" / ".conda")
    (root.root / ".condarc").write_text("channels: [nvidia]\n")
    assert [each.path for each in (await ask(prefix, shell)).condarcs] == [f"{root.root}/.condarc"]


async def test_nothing_waits_on_a_pipe(shell: Shell, root: CondaRoot, tmp_path: Path) -> None:
    for prefix in (root.env(tmp_path / "elsewhere", (PYTHON,), history=False), root.env(root.root / "envs" / "a")):
        (prefix / "conda-meta" / "history").unlink(missing_ok=True)
        site = prefix / SITE
        (site / "x-1.dist-info").mkdir(parents=True)
        for name in ("conda-meta/history", "conda-meta/pinned", "conda-meta/state", "conda-meta/x-1-0.json", ".condarc",
                     f"{SITE}/x.pth", f"{SITE}/x.egg-link", f"{SITE}/x-1.dist-info/direct_url.json"):  # fmt: skip
            os.mkfifo(prefix / name)
        assert len((await ask(prefix, shell)).conda) >= 2


async def test_names_that_a_shell_might_misread_are_read_like_others(shell: Shell, root: CondaRoot) -> None:
    for name in ("-rf", "two words", "$(touch x)", "new\nline", os.fsdecode(b"not-\xff-utf8"), "深度学习", "a=b"):
        prefix = root.named(name, (PYTHON,))
        pip_install(prefix, "mine", "1.0", editable="/src")
        record = await ask(prefix, shell)
        assert [each.url is not None for each in record.conda] == [True]
        assert [each.origin for each in record.pip] == [PipOrigin.EDITABLE]
        assert len(record.history.revisions) == 1


async def test_a_record_on_one_line_is_read_without_its_lists_of_files(shell: Shell, root: CondaRoot) -> None:
    prefix = root.named("a", (PYTHON,))
    for package in (replace(NUMPY, bulk=3000), OPENSSL):
        path = write_record(prefix, package, [f"lib/x{number}" for number in range(package.bulk + 3)], root.pkgs)
        path.write_text(json.dumps(json.loads(path.read_text())))
    record = await ask(prefix, shell)
    assert [(each.name, each.broken) for each in record.conda] == [
        ("numpy", False), ("openssl", False), ("python", False),
    ]  # fmt: skip
    assert len(explicit_urls(record)) == 3
    odd = write_record(prefix, Pkg("odd"), ["lib/a]b", "c"], root.pkgs)
    odd.write_text(json.dumps(json.loads(odd.read_text())))
    assert {each.name: each.broken for each in (await ask(prefix, shell)).conda}["odd"] is True


async def test_records_that_cannot_be_read_are_known_by_their_names(shell: Shell, root: CondaRoot) -> None:
    prefix = root.named("a", (PYTHON, NUMPY))
    meta = prefix / "conda-meta"
    text = (meta / f"{NUMPY.stem}.json").read_text()
    (meta / f"{NUMPY.stem}.json").write_text(text[: text.index('"files"')])
    (meta / "empty-1.0-0.json").touch()
    (meta / "noise-1.0-0.json").write_bytes(bytes(range(256)) * 20)
    os.mkfifo(meta / "pipe-1.0-0.json")
    (meta / "gone-1.0-0.json").symlink_to("/nonexistent")
    (meta / "two\nlines-1.0-0.json").write_text("{}")
    record = await ask(prefix, shell)
    assert {each.name: each.broken for each in record.conda} == {
        "empty": True, "gone": True, "noise": True, "numpy": True, "pipe": True, "python": False,
    }  # fmt: skip
    assert record.unread == (Unread.PACKAGES,)
    assert "# left out: numpy-2.0.2-py311h71ddf71_0" in render(record, Form.EXPLICIT).text
    assert "numpy=2.0.2=py311h71ddf71_0" in render(record, Form.FULL).text


async def test_a_record_speaks_of_itself_alone(shell: Shell, root: CondaRoot) -> None:
    prefix = root.named("a", (PYTHON, NUMPY))
    meta = prefix / "conda-meta"
    path = meta / f"{NUMPY.stem}.json"
    evil = {"name": "evil", "url": "https://evil.example/evil-1.0-0.conda", "md5": "e" * 32, "depends": ["evil"]}
    body = {**json.loads(path.read_text()), "build_spec": "nul\0here", "link": evil, "zz": [evil, {"a": evil}]}
    text = json.dumps(body, indent=2)
    path.write_bytes(text.encode().replace(b"nul\\u0000here", b"nul\0here").replace(b'"h', b'"\0h'))
    # Were its name cut at the line break, it would speak of numpy.
    (meta / ("z\n" + "x" * 11 + path.name)).write_text(json.dumps(evil, indent=2))
    record = await ask(prefix, shell)
    (numpy,) = (each for each in record.conda if each.name == "numpy")
    assert numpy.url == f"{CONDA_FORGE}/linux-64/{NUMPY.stem}.conda"
    assert (numpy.md5, numpy.depends) == ("0" * 32, ("libgcc-ng",))


async def test_what_else_cannot_be_read_is_named(shell: Shell, root: CondaRoot, tmp_path: Path) -> None:
    open_to_others(tmp_path)
    prefix = root.named("a", (PYTHON,))
    meta = prefix / "conda-meta"
    (meta / "pinned").write_text("x")
    (meta / "state").write_text("[")
    (meta / "frozen").touch()
    os.mkfifo(prefix / "condarc")
    (prefix / ".condarc").write_text("#" * 70000)
    for name in ("pinned", "history"):
        (meta / name).chmod(0o600)
    record = await ask(prefix, shell, wrap=NOBODY)
    assert record.unread == (Unread.HISTORY, Unread.CONFIG, Unread.VARIABLES, Unread.PINS)
    assert record.frozen == "" and record.condarcs == () and len(record.conda) == 1


async def test_an_environment_without_a_history_is_what_its_records_say(shell: Shell, root: CondaRoot) -> None:
    prefix = root.env(root.root / "envs" / "a", (PYTHON,), history=False)
    record = await ask(prefix, shell)
    assert record.unread == () and record.history.revisions == ()
    assert requested_specs(record) == ("python=3.11.7",)


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda prefix: None, FaultKind.GHOST),
        (lambda prefix: prefix.mkdir(), FaultKind.INCOMPLETE),
        (lambda prefix: prefix.write_text(""), FaultKind.PERMISSION),
        (lambda prefix: (prefix.mkdir(), prefix.chmod(0)), FaultKind.PERMISSION),
        (lambda prefix: ((prefix / "conda-meta").mkdir(parents=True), (prefix / "conda-meta").chmod(0)),
         FaultKind.PERMISSION),
    ],
    ids=["gone", "no-meta", "a-file", "shut", "shut-inside"],
)  # fmt: skip
async def test_what_is_no_environment_is_a_fault_with_its_reason(
    make: Callable[[Path], object], kind: FaultKind, shell: Shell, tmp_path: Path
) -> None:
    open_to_others(tmp_path)
    prefix = tmp_path / "env"
    make(prefix)
    with pytest.raises(HostFaultError) as caught:
        await ask(prefix, shell, wrap=NOBODY)
    assert caught.value.fault.kind is kind
    assert f"gpu01:{prefix}" in caught.value.fault.message


async def test_nothing_of_the_environment_is_run_and_nothing_in_it_is_touched(shell: Shell, root: CondaRoot) -> None:
    prefix = root.named("a")
    for name in ("python", "conda", "pip", "sh"):
        (prefix / "bin" / name).unlink(missing_ok=True)
        (prefix / "bin" / name).write_text(f"#!/bin/sh\ntouch '{root.root}/ran'\n")
        (prefix / "bin" / name).chmod(0o755)
    before = sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in root.root.rglob("*"))
    await ask(prefix, shell)
    after = sorted((str(path), path.lstat().st_mtime_ns, path.lstat().st_ctime_ns) for path in root.root.rglob("*"))
    assert before == after


@pytest.mark.parametrize("body", [b"", b"=ex\x001\x00y\x00", b"nonsense", b"=ex\x001\x00?\x00=end\x000\x00"])
async def test_an_answer_that_is_not_whole_makes_no_sense(body: bytes) -> None:
    class Saying:
        async def ask(self, *args: Any, **options: Any) -> bytes:
            return body

    with pytest.raises(HostFaultError) as caught:
        await ask_export(Saying(), "gpu01", "/a", timeout=1)  # type: ignore[arg-type]  # a part of it
    assert caught.value.fault.kind is FaultKind.PROTOCOL


NOISE = st.text(st.sampled_from('RJC{}[]":,\\n \n\ud800\udcff0aname=urlpth.json/-'), max_size=60)
PLACES = st.sampled_from(
    ["lib/python3.1/site-packages/a-1.dist-info/direct_url.json:", "lib/python3.1/site-packages/a.egg-link:",
     "lib/python3.1/site-packages/__editable__.a-1.pth:", "lib/x/site-packages/x.pth:/"]
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(["R", "J", "C", ""]), NOISE)))
def test_reading_records_never_raises(lines: list[tuple[str, str]]) -> None:
    for record in read_meta("\n".join(kind + text for kind, text in lines)).values():
        assert isinstance(record.name, str)


@given(st.lists(st.tuples(PLACES, NOISE | st.sampled_from(['{"url": "file:///%ff"}', '{"url": "\\ud800"}']))))
def test_reading_origins_never_raises(lines: list[tuple[str, str]]) -> None:
    found = read_origins("\n".join(place + text for place, text in lines), "/a")
    pip = tuple(PipRecord(name, None, *origin) for name, origin in found.packages.items())
    render(EnvironmentRecord("h", "/a", pip=pip, added_paths=tuple(found.added_paths)), Form.PIP)
