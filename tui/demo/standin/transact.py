"""Changing an environment: unlinking and linking, records and history, and all of it undone when it fails."""

from __future__ import annotations

import json
import os
import posixpath
import py_compile
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tui.demo.standin.cache import unpacked
from tui.demo.standin.dists import Dist, dist_str, installed, stem
from tui.demo.standin.faults import Fault, Interrupted
from tui.demo.standin.linking import Inside, link_file, package_files, record, write_entry_point
from tui.demo.standin.place import Place, interruptible
from tui.demo.standin.show import Phase

__all__ = ["Transaction"]


@dataclass
class Transaction:
    """One change of the environment at *prefix*."""

    place: Place
    prefix: str
    unlink: Sequence[Dist] = ()
    link: Sequence[Dist] = ()
    update_specs: Sequence[str] = ()
    remove_specs: Sequence[str] = ()
    requested: Mapping[str, str] = field(default_factory=dict)
    """By name, the spec that asked for a package."""
    _undo: list[Callable[[], None]] = field(default_factory=list)
    _trash: list[str] = field(default_factory=list)

    def execute(self) -> None:
        """Do it. Raises Fault after it has undone what was done."""
        created = not Path(self.prefix).is_dir()
        try:
            with Phase(self.place, "Preparing transaction"):
                Path(self.prefix).mkdir(parents=True, exist_ok=True)
                todo = [(dist, self._unpacked(dist)) for dist in self.link]
                python = self._python()
            with Phase(self.place, "Verifying transaction"):
                files = [(dist, folder, package_files(folder, python)) for dist, folder in todo]
                clashes = self._clashes(files)
            for line in clashes:
                print(line, file=sys.stderr)
            with interruptible(self.place):
                self._execute(files, python)
        except BaseException:
            if created and not self.place.libmamba:
                shutil.rmtree(self.prefix, ignore_errors=True)
            raise
        for path in self._trash:
            with suppress(OSError):
                Path(path).unlink()
        for dist in self.unlink:
            self._drop_folders(dist)

    def _unpacked(self, dist: Dist) -> Path:
        folder = unpacked(self.place, dist)
        if folder is None:
            raise Fault("SpecNotFoundInPackageCache", "Some records cannot be found in cache.")
        return folder

    def _python(self) -> str | None:
        gone = {dist["name"] for dist in self.unlink}
        kept = [dist for dist in installed(self.prefix) if dist["name"] not in gone]
        found = next((dist["version"] for dist in (*self.link, *kept) if dist["name"] == "python"), None)
        return ".".join(str(found).split(".")[:2]) if found else None

    def _clashes(self, files: Sequence[tuple[Dist, Path, list[Inside]]]) -> list[str]:
        """What conda warns of before it links over it."""
        owners: dict[str, str] = {}
        gone = {str(dist["name"]) for dist in self.unlink}
        leaving: set[str] = set()
        for each in installed(self.prefix):
            if each["name"] in gone:
                leaving.update(each["files"])
            else:
                owners.update(dict.fromkeys(each["files"], dist_str(self.place, each, full=True)))
        said = []
        for dist, _, inside in files:
            mine = dist_str(self.place, dist, full=True)
            for file in inside:
                other = owners.get(file.target)
                if other is not None:
                    said.append(
                        "ClobberWarning: This transaction has incompatible packages due to a shared path.\n"
                        f"  packages: {other}, {mine}\n  path: '{file.target}'\n"
                    )
                elif file.target not in leaving and os.path.lexists(f"{self.prefix}/{file.target}"):
                    said.append(
                        f"ClobberWarning: The package '{mine}' cannot be installed due to a\npath collision for "
                        f"'{file.target}'.\nThis path already exists in the target prefix, and it won't be removed\n"
                        "by an uninstall action in this transaction. The path is one that conda\ndoesn't recognize.\n"
                    )
                owners[file.target] = mine
        return said

    def _execute(self, files: Sequence[tuple[Dist, Path, list[Inside]]], python: str | None) -> None:
        working: Dist | None = None
        try:
            with Phase(self.place, "Executing transaction"):
                for dist in self.unlink:
                    working = dist
                    self._say(f"Unlinking {stem(dist)}")
                    self._unlink(dist)
                linked: list[tuple[Dist, Path, list[dict[str, Any]]]] = []
                for dist, folder, inside in files:
                    working = dist
                    self._say(f"Linking {stem(dist)}")
                    linked.append((dist, folder, self._link(inside, folder)))
                for dist, _, paths in linked:
                    paths += self._compile(paths, python) if dist.get("noarch") == "python" else ()
                for dist, folder, paths in linked:
                    self._record(dist, folder, paths)
                self.place.slow("register")
                self._history()
                self.place.register(self.prefix, known=True)
        except (Exception, KeyboardInterrupt) as error:
            self._roll_back(working, error)
            raise

    def _say(self, line: str) -> None:
        if self.place.libmamba and not self.place.as_json:
            print(line, flush=True)

    def _unlink(self, dist: Dist) -> None:
        for number, name in enumerate((*dist["files"], f"conda-meta/{stem(dist)}.json")):
            path = f"{self.prefix}/{name}"
            with suppress(FileNotFoundError, NotADirectoryError):
                Path(path).rename(f"{path}.c~")
                self._undo.append(partial(_back, path))
                self._trash.append(f"{path}.c~")
            if number == 0:
                self.place.slow("unlink")

    def _link(self, inside: Sequence[Inside], folder: Path) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        for number, file in enumerate(inside):
            target = f"{self.prefix}/{file.target}"
            self._folders(posixpath.dirname(target))
            if os.path.lexists(target):
                Path(target).unlink()
            self._undo.append(Path(target).unlink)
            if file.entry_point is not None:
                made.append(write_entry_point(self.prefix, file))
            else:
                made.append(link_file(folder / file.source, target, file, self.prefix))
            if number == 0:
                self.place.slow("link")
        return made

    def _folders(self, folder: str) -> None:
        if Path(folder).is_dir():
            return
        self._folders(posixpath.dirname(folder))
        Path(folder).mkdir()
        self._undo.append(Path(folder).rmdir)

    def _compile(self, paths: Sequence[dict[str, Any]], python: str | None) -> list[dict[str, Any]]:
        made = []
        tag = f"cpython-{(python or '').replace('.', '')}"
        for entry in paths:
            source = str(entry["_path"])
            if not source.endswith(".py") or not source.startswith("lib/"):
                continue
            folder, name = os.path.split(source)
            target = f"{folder}/__pycache__/{name[:-3]}.{tag}.pyc"
            self._folders(f"{self.prefix}/{folder}/__pycache__")
            with suppress(py_compile.PyCompileError):
                py_compile.compile(f"{self.prefix}/{source}", f"{self.prefix}/{target}", doraise=True)
                self._undo.append(Path(f"{self.prefix}/{target}").unlink)
                made.append({"_path": target, "path_type": "pyc_file"})
        return made

    def _record(self, dist: Dist, folder: Path, paths: list[dict[str, Any]]) -> None:
        path = f"{self.prefix}/conda-meta/{stem(dist)}.json"
        self._folders(posixpath.dirname(path))
        self._undo.append(Path(path).unlink)
        same = folder.stat().st_dev == Path(self.prefix).stat().st_dev
        body = record(dist, folder, paths, self.requested.get(str(dist["name"])), same_device=same)
        Path(path).write_text(json.dumps(body, indent=4 if self.place.libmamba else 2, sort_keys=True), "utf-8")

    def _history(self) -> None:
        path = Path(self.prefix, "conda-meta/history")
        self._folders(str(path.parent))
        if not path.exists():
            path.touch()
            self._undo.append(path.unlink)
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"==> {now} <==", f"# cmd: {' '.join(self.place.argv)}"]
        if self.place.libmamba:
            lines.append("# conda version: 3.8.0")
            lines += [f"-{each['channel']}::{stem(each)}" for each in self.unlink]
            lines += [f"+{each['channel']}::{stem(each)}" for each in self.link]
        else:
            lines.append(f"# conda version: {self.place.version}")
            lines += sorted(f"-{dist_str(self.place, dist, full=True)}" for dist in self.unlink)
            lines += sorted(f"+{dist_str(self.place, dist, full=True)}" for dist in self.link)
        for words, specs in (("remove", self.remove_specs), ("update", self.update_specs)):
            if specs:
                listed = json.dumps(list(specs)) if self.place.libmamba else repr(list(specs))
                lines.append(f"# {words} specs: {listed}")
        with path.open("a", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")

    def _roll_back(self, working: Dist | None, error: BaseException) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        if working is not None and not self.place.libmamba:
            what = "installing" if working in self.link else "uninstalling"
            named = dist_str(self.place, working, full=True)
            print(
                f"ERROR conda.core.link:_execute(1068): An error occurred while {what} package '{named}'.",
                file=sys.stderr,
            )
        with Phase(self.place, "Rolling back transaction"):
            for undo in reversed(self._undo):
                with suppress(OSError):
                    undo()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(signal.SIGINT)

    def _drop_folders(self, dist: Dist) -> None:
        """Take away the folders that held nothing but *dist*."""
        for folder in sorted({posixpath.dirname(name) for name in dist["files"]}, key=len, reverse=True):
            with suppress(OSError):
                while folder:
                    Path(f"{self.prefix}/{folder}").rmdir()
                    folder = posixpath.dirname(folder)


def _back(path: str) -> None:
    Path(f"{path}.c~").rename(path)
