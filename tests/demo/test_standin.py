"""What the stand-in conda does to a disk: real links, real records, and only where it belongs."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.remote.inventories import inventory, make_shell, read
from tests.standin import StandinInstall, standin_channel
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict, read_outcome
from tui.remote.condasays.plan import read_plan

SITE = "lib/python3.11/site-packages"


@pytest.fixture
def install(tmp_path: Path) -> StandinInstall:
    return StandinInstall(tmp_path / "mini conda's" / "root", tmp_path / "home")


def records(prefix: Path) -> dict[str, Any]:
    found = [json.loads(path.read_bytes()) for path in (prefix / "conda-meta").glob("*.json")]
    return {record["name"]: record for record in found}


def kind_of(done: subprocess.CompletedProcess[str]) -> Kind | None:
    return read_outcome(("conda", *done.args[1:]), done.returncode, done.stdout, done.stderr).kind


def test_files_are_links_into_the_cache_but_for_those_that_know_their_prefix(install: StandinInstall) -> None:
    prefix = install.create("env", "python=3.11", "relocated", "toolbox")
    seen = set()
    for name, record in records(prefix).items():
        cache = Path(record["extracted_package_dir"])
        assert cache.parent == install.pkgs
        assert sorted(record["files"]) == sorted(entry["_path"] for entry in record["paths_data"]["paths"])
        for entry in record["paths_data"]["paths"]:
            path = prefix / entry["_path"]
            seen.add((name, entry["path_type"], entry.get("file_mode")))
            inside = entry["_path"].replace("lib/python3.11/", "") if record.get("noarch") else entry["_path"]
            if entry["path_type"] in ("hardlink", "softlink") and "prefix_placeholder" not in entry:
                assert path.lstat().st_ino == (cache / inside).lstat().st_ino
            elif "prefix_placeholder" in entry:
                assert path.lstat().st_nlink == 1
                assert os.fsencode(prefix) in path.read_bytes() and b"_placehold" not in path.read_bytes()
                assert entry["file_mode"] == "text" or path.stat().st_size == (cache / inside).stat().st_size
            else:
                assert path.is_file()
    wanted = {"softlink", "hardlink", "pyc_file", "unix_python_entry_point"}
    assert wanted <= {kind for _, kind, _ in seen} and {"text", "binary"} <= {mode for _, _, mode in seen}
    owned = {name for record in records(prefix).values() for name in record["files"]}
    there = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    assert {name for name in there if not name.startswith("conda-meta/")} == owned


async def test_the_inventory_reads_what_it_made_and_what_pip_added(install: StandinInstall, tmp_path: Path) -> None:
    prefix = install.create("env", "python=3.11", "pytorch=2.0")
    install.run("run", "-n", "env", "python", "-m", "pip", "install", "--no-deps", "transformers==4.45.2")
    installs, environments = await read(inventory(install.root), make_shell("dash", tmp_path))
    (found,) = installs.values()
    assert (found.root, found.version) == (str(install.root), "26.7.1")
    packages = environments[str(prefix)].packages
    assert packages is not None
    packages_by_name = {each.name: (each.version, each.manager) for each in packages.packages}
    assert packages_by_name["pytorch"] == ("2.0.1", "conda")
    assert packages_by_name["transformers"] == ("4.45.2", "pip")
    requested = {name: record["requested_spec"] for name, record in records(prefix).items()}
    assert (requested["python"], requested["pytorch"], requested["numpy"]) == ("python=3.11", "pytorch=2.0", "None")
    history = (prefix / "conda-meta/history").read_text().splitlines()
    assert history[1] == f"# cmd: {install.conda} create -y -n env python=3.11 pytorch=2.0"
    assert f"+{install.channel}/linux-64::pytorch-2.0.1-py311_cuda11.8_0" in history
    assert history[-1] == "# update specs: ['python=3.11', 'pytorch=2.0']"


def test_what_is_unlinked_is_gone_with_its_folders_and_nothing_else(install: StandinInstall) -> None:
    prefix = install.create("env", "libsmall=1.0", "toolbox")
    (prefix / SITE / "mine.py").write_text("mine\n")
    before = {path for path in prefix.rglob("*") if "conda-meta" not in str(path)}
    install.run("install", "-y", "-n", "env", "relocated")
    assert (prefix / "share/relocated/plain.txt").exists()
    install.run("remove", "-y", "-n", "env", "relocated")
    assert {path for path in prefix.rglob("*") if "conda-meta" not in str(path)} == before
    install.run("update", "-y", "-n", "env", "libsmall")
    assert not (prefix / "lib/libsmall.so.1.0").exists() and (prefix / "lib/libsmall.so.2.0").exists()
    install.run("remove", "-y", "-n", "env", "openssl")  # python needs it, and toolbox needs python
    assert set(records(prefix)) == {"libsmall"}
    assert (prefix / SITE / "mine.py").exists()
    changes = [line for line in (prefix / "conda-meta/history").read_text().splitlines() if line[0] in "+-"]
    assert [line.rpartition("::")[2] for line in changes if "libsmall" in line] == [
        "libsmall-1.0-h0",
        "libsmall-1.0-h0",
        "libsmall-2.0-h0",
    ]


def test_pins_hold_what_an_update_would_move(install: StandinInstall) -> None:
    prefix = install.create("env", "libsmall=1.0")
    (prefix / "conda-meta/pinned").write_text("# kept\nlibsmall <2\n")
    install.run("update", "-y", "-n", "env", "--all")
    assert records(prefix)["libsmall"]["version"] == "1.1"
    done = install.run("install", "-y", "--json", "-n", "env", "libsmall=2", check=False)
    assert (done.returncode, kind_of(done)) == (1, Kind.UNSATISFIABLE)


def test_creating_over_an_environment_deletes_it_before_it_solves(install: StandinInstall) -> None:
    prefix = install.create("env", "libsmall")
    (prefix / "results.csv").write_text("1\n")
    asked = install.run("create", "-n", "env", "tqdm", check=False)
    assert "Remove existing environment?" in asked.stdout and (prefix / "results.csv").exists()
    dry = install.run("create", "-y", "--dry-run", "-n", "env", "tqdm", check=False)
    assert dry.returncode == 1 and (prefix / "results.csv").exists()
    failed = install.run("create", "-y", "-n", "env", "no-such-package", check=False)
    assert failed.returncode == 1 and not prefix.exists()


def test_a_clone_brings_what_no_package_owns_and_a_rename_leaves_nothing(install: StandinInstall) -> None:
    source = install.create("env", "python=3.11", "relocated")
    (source / "etc").mkdir()
    (source / "etc/mine.conf").write_text(f"home={source}\n")
    (source / "etc/blob").write_bytes(b"\xff" + os.fsencode(source))
    before = {path: path.lstat().st_ino for path in source.rglob("*")}
    install.run("create", "-y", "-n", "copy", "--clone", "env")
    copy = install.env("copy")
    assert {path: path.lstat().st_ino for path in source.rglob("*")} == before
    assert (copy / "etc/mine.conf").read_text() == f"home={copy}\n"
    assert (copy / "etc/blob").read_bytes() == b"\xff" + os.fsencode(source)
    assert str(copy) in (copy / "bin/relocated").read_text()
    install.run("rename", "-n", "copy", "moved")
    assert not copy.exists() and (install.env("moved") / "etc/mine.conf").exists()


def test_an_explicit_list_makes_the_same_again_and_a_wrong_hash_is_refused(
    install: StandinInstall, tmp_path: Path
) -> None:
    first = install.create("env", "python=3.11", "pytorch=2.0")
    for option in ("--md5", "--sha256"):
        listed = tmp_path / "explicit.txt"
        listed.write_text(install.run("list", "-n", "env", "--explicit", option).stdout)
        other = StandinInstall(tmp_path / f"other{option}", tmp_path / "home2", base=())
        other.run("create", "-y", "-p", str(tmp_path / f"again{option}"), "--file", str(listed))
        again = tmp_path / f"again{option}"
        same = ("url", "depends", "build_number", "md5", "sha256", "files")
        assert {name: [record[key] for key in same] for name, record in records(again).items()} == {
            name: [record[key] for key in same] for name, record in records(first).items()
        }
    listed.write_text(listed.read_text().rpartition("#")[0] + "#" + "0" * 64 + "\n")
    fresh = StandinInstall(tmp_path / "fresh", tmp_path / "home3", base=())
    done = fresh.run("create", "-y", "-n", "x", "--file", str(listed), check=False)
    assert (done.returncode, kind_of(done)) == (1, Kind.BROKEN_DOWNLOAD)
    assert not fresh.env("x").exists()


def test_a_shared_file_is_warned_of_and_the_last_one_stands(install: StandinInstall) -> None:
    done = install.run("create", "-y", "-n", "env", "clash-one", "clash-two")
    assert done.stderr.count("ClobberWarning") == 1 and "share/clash.txt" in done.stderr
    assert (install.env("env") / "share/clash.txt").read_text() == "clash-two\n"


def test_the_driver_s_cuda_decides_and_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    old = StandinInstall(tmp_path / "old", tmp_path / "home", base=(), cuda="12.4")
    done = old.run("create", "-y", "--json", "-n", "env", "needs-new-driver", check=False)
    assert (done.returncode, kind_of(done)) == (1, Kind.UNSATISFIABLE)
    new = StandinInstall(tmp_path / "new", tmp_path / "home2", base=(), cuda="99.1")
    planned = new.run("create", "--dry-run", "--json", "-n", "env", "needs-new-driver")
    plan = read_plan(planned.stdout)
    assert plan is not None and [each.name for each in plan.link] == ["needs-new-driver"] and plan.download_bytes
    assert not new.env("env").exists() and not list(new.pkgs.glob("needs-*"))
    text = new.run("create", "--dry-run", "-n", "env", "needs-new-driver")
    assert text.returncode == 0 and "DryRunExit" in text.stderr and not new.env("env").exists()


def test_clean_takes_what_nobody_links_and_no_more(install: StandinInstall) -> None:
    install.create("env", "libsmall=1.0")
    install.create("gone", "libsmall=2.0")
    install.run("env", "remove", "-y", "-n", "gone")
    install.run("clean", "-y", "--all")
    left = {path.name for path in install.pkgs.iterdir()}
    assert "libsmall-1.0-h0" in left and not left & {"libsmall-2.0-h0", "libsmall-1.0-h0.conda", "cache"}
    assert (install.env("env") / "lib/libsmall.so.1.0").stat().st_nlink == 2


@pytest.mark.parametrize(
    ("argv", "kind"),
    [
        (("install", "-y", "-n", "frozen", "tqdm"), Kind.FROZEN),
        (("env", "remove", "-y", "-n", "frozen"), Kind.FROZEN),
        (("create", "-y", "-n", "base", "tqdm"), None),
        (("remove", "-y", "-n", "env", "tqdm"), Kind.PACKAGE_NOT_FOUND),
        (("update", "-y", "-n", "env", "tqdm"), Kind.PACKAGE_NOT_FOUND),
        (("create", "-y", "-n", "x", "numpy>=1.2.x..3"), Kind.INVALID_SPEC),
        (("create", "-y", "-n", "x", "-c", "https://conda.example.org/none", "tqdm"), Kind.CHANNEL_UNREACHABLE),
        (("create", "-y", "-n", "x", "-c", "/nowhere", "--override-channels", "tqdm"), Kind.CHANNEL_MISSING),
        (("rename", "-n", "base", "x"), None),
        (("create", "-y", "-n", "x", "--no-such-option"), Kind.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_failures_have_conda_s_names(install: StandinInstall, argv: tuple[str, ...], kind: Kind | None) -> None:
    install.create("env", "libsmall")
    (install.create("frozen", "libsmall") / "conda-meta/frozen").write_text('{"message": "in service"}')
    done = install.run(*argv, check=False)
    outcome = read_outcome(("conda", *argv), done.returncode, done.stdout, done.stderr)
    assert outcome.verdict is Verdict.FAILED
    assert kind is None or outcome.kind is kind, done.stderr
    assert not install.env("x").exists() and set(records(install.env("frozen"))) == {"libsmall"}


@pytest.mark.parametrize("name", ["a$(touch pwned)", "it's", 'a"b', "-dash", "语音", "a\tb", "a;b&c|d"])
def test_names_and_arguments_are_data(install: StandinInstall, name: str) -> None:
    prefix = install.home / name
    install.run("create", "-y", "-p", str(prefix), "libsmall")
    assert [path.name for path in (prefix / "conda-meta").glob("*.json")] == ["libsmall-2.0-h0.json"]
    install.run("env", "remove", "-y", f"--prefix={prefix}")
    assert not prefix.exists() and not list(install.home.rglob("pwned"))
    spec = install.run("create", "-y", "-n", "env", name, check=False)
    assert spec.returncode != 0 and not list(install.home.rglob("pwned"))


def test_it_acts_in_its_own_places_alone(install: StandinInstall, tmp_path: Path) -> None:
    other = tmp_path / "a person's"
    other.mkdir()
    (other / ".condarc").write_text("channels: [https://conda.example.org/secret]\npkgs_dirs: [/nowhere]\n")
    environ = {"HOME": str(other), "CONDARC": str(other / ".condarc"), "CONDA_PREFIX": ""}
    install.run("create", "-y", "-n", "env", "libsmall", env=environ)
    assert [path.name for path in other.iterdir()] == [".condarc"]
    listed = (install.home / ".conda/environments.txt").read_text().splitlines()
    assert listed == [str(install.root), str(install.env("env"))]
    install.run("env", "remove", "-y", "-n", "env", env=environ)
    assert (install.home / ".conda/environments.txt").read_text().splitlines() == [str(install.root)]


def test_it_calls_itself_a_stand_in(install: StandinInstall) -> None:
    for argv in (("--help",), ("create", "--help"), ("info",), ("info", "--json")):
        assert "stand-in" in install.run(*argv).stdout.lower(), argv
    assert install.run("--version").stdout == "conda 26.7.1\n"
    assert "stand-in" in install.conda.read_text()


def test_an_interpreter_knows_its_version_pip_code_and_scripts(install: StandinInstall, tmp_path: Path) -> None:
    python = install.create("env", "python=3.11") / "bin/python"

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(python), *argv], capture_output=True, text=True, timeout=60)

    assert run("--version").stdout == "Python 3.11.7\n"
    assert run("-I", "-c", "import sys; print(sys.argv[1])", "a b").stdout == "a b\n"
    (tmp_path / "script").write_text('echo "$0 $1"\n')
    assert run(str(tmp_path / "script"), "x y").stdout == f"{tmp_path / 'script'} x y\n"
    assert run("-m", "pip", "--version").stdout.startswith("pip ")
    assert "No module named frob" in run("-m", "frob").stderr
    install.create("bare", "libsmall")


def test_pip_writes_what_pip_writes_and_takes_conda_s_files_over(install: StandinInstall) -> None:
    prefix = install.create("env", "python=3.11", "numpy=1.26")
    pip = ("run", "-n", "env", "python", "-m", "pip")
    # Files of the cache are linked into environments: what replaces one must not be written through the link.
    cached = {path: path.read_bytes() for path in install.pkgs.rglob("*.py")}
    install.run(*pip, "install", "numpy==2.1.3", "peft")
    info = prefix / SITE / "numpy-2.1.3.dist-info"
    assert (info / "INSTALLER").read_text() == "pip\n" and (info / "REQUESTED").exists()
    for line in (info / "RECORD").read_text().splitlines():
        assert (prefix / SITE / line.split(",")[0]).exists()
    assert not (prefix / SITE / "numpy-1.26.4.dist-info").exists()
    assert {path: path.read_bytes() for path in install.pkgs.rglob("*.py")} == cached
    assert install.run(*pip, "freeze").stdout.split() == ["numpy==2.1.3", "peft==0.13.2"]
    assert {"name": "peft", "version": "0.13.2"} in json.loads(install.run(*pip, "list", "--format=json").stdout)
    missing = install.run(*pip, "install", "no-such==1.0", check=False)
    assert missing.returncode == 1 and "No matching distribution found for no-such==1.0" in missing.stderr
    exported = install.run("env", "export", "-n", "env").stdout
    assert "numpy==2.1.3" in exported and "numpy=1.26" not in exported
    install.run(*pip, "uninstall", "-y", "peft")
    assert not list((prefix / SITE).glob("peft*/*"))


def test_a_file_with_pip_parts_makes_an_environment(install: StandinInstall) -> None:
    file = install.home / "environment.yml"
    file.write_text("name: made\ndependencies: [python=3.11, pip, {pip: [peft==0.13.2]}]\n")
    install.run("env", "create", "-f", str(file), "-y")
    assert (install.env("made") / SITE / "peft-0.13.2.dist-info").is_dir()
    file.write_text("name: broken\ndependencies: [python=3.11, {pip: [none==1]}]\n")
    done = install.run("env", "create", "-f", str(file), "-y", check=False)
    assert (done.returncode, kind_of(done)) == (1, Kind.PACKAGE_NOT_FOUND)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[str]:
    handler = partial(Quiet, directory=str(standin_channel() / "channel"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_channel_may_be_an_http_server_of_this_machine(install: StandinInstall, served: str) -> None:
    install.run("create", "-y", "-n", "env", "--override-channels", "-c", served, "libsmall")
    assert records(install.env("env"))["libsmall"]["url"] == f"{served}/linux-64/libsmall-2.0-h0.conda"
    missing = ("--override-channels", "-c", f"{served}/none")
    done = install.run("create", "-y", "-n", "x", *missing, "libsmall", check=False)
    assert kind_of(done) is Kind.CHANNEL_MISSING
