"""Making installs of the stand-in: its programs, its settings, and the interpreters of its environments."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tui.demo.channel import PackageFile
from tui.demo.standin.place import SETTINGS

__all__ = ["interpreter_files", "launcher", "make_tools", "write_wheel"]

_SOURCE = str(Path(__file__).resolve().parents[3])

# A shell and Python both read this file. The program's own path stays in the command line, as with conda's own, so
# that whoever looks for a conda that changes this install finds it.
_TOOL = """\
#!/bin/sh
''':'
{quick}exec {python} -I "$0" "$@"
' '''
# A stand-in for conda, of condafleet's demo and tests: small real packages, conda's commands. It is no conda.
import sys

sys.path.insert(0, {source!r})
from tui.demo.standin.main import run

run({root!r}, sys.argv)
"""
_PIP = """\
import sys
sys.path.insert(0, sys.argv[1])
from tui.demo.standin.pip import main
sys.exit(main(sys.argv[2], sys.argv[3], [sys.argv[4]], sys.argv[5:]))
"""
_INTERPRETER = """\
#!/bin/sh
# A stand-in for Python {short} in environments of condafleet's demo and tests. It knows --version, -m pip and -c;
# a script that it is given is one for the shell.
here=$(CDPATH='' cd -- "${{0%/*}}/.." && pwd -P) || exit 1
at=0
for word do
  at=$((at + 1))
  case $word in
  -V | --version)
    echo 'Python {version}'
    exit
    ;;
  -m)
    shift "$at"
    module=${{1-}}
    [ $# -gt 0 ] && shift
    if [ "$module" = pip ]; then exec {python} -I -c {pip} {source} "$here" {short} {wheels} "$@"; fi
    printf '%s: No module named %s\\n' "$0" "$module" >&2
    exit 1
    ;;
  -c)
    shift $((at - 1))
    exec {python} -I "$@"
    ;;
  -*) ;;
  *) break ;;
  esac
done
if [ -x "$here/libexec/python" ]; then exec "$here/libexec/python" "$@"; fi
exec /bin/sh "$@"
"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def launcher(root: str, facts: Path | None = None) -> str:
    """The text of ``bin/conda`` of the install at *root*; *facts*: what ``info --json`` prints, without Python."""
    quick = "" if facts is None else f'if [ "$*" = "info --json" ]; then exec cat {_doubly(str(facts))}; fi\n'
    return _TOOL.format(python=_doubly(sys.executable), quick=quick, source=_SOURCE, root=root)


def _doubly(text: str) -> str:
    """*text* for a shell, without single quotes: Python reads it too."""
    return '"' + "".join(f"\\{each}" if each in '\\"$`' else each for each in text) + '"'


def make_tools(
    root: Path,
    home: Path,
    settings: Mapping[str, Any],
    names: Sequence[str] = ("conda",),
    *,
    facts: str | None = None,
    folders: Sequence[Path] | None = None,
) -> None:
    """Make the install at *root* one of the stand-in, for the account whose home is *home*.

    *settings*: ``bound``, the folder outside which it writes nothing; ``version``; ``mirrors`` (folders that stand for
    addresses); ``cuda`` (of the driver, or None); ``nested`` for a package cache as micromamba's; ``libmamba``, the
    version of mamba or micromamba. *names* of its programs decide whose words they speak; *folders*: where they are,
    if not in the root.
    *facts*: what ``info --json`` says once and for all, where starting Python for it would be too much.
    """
    file = root / SETTINGS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"home": str(home), **settings}, indent=2), encoding="utf-8")
    said = file.with_name("standin-info.json") if facts is not None else None
    if said is not None:
        said.write_text(f"{facts}\n", encoding="utf-8")
    for folder in folders or (root / "bin", root / "condabin"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            path = folder / name
            path.unlink(missing_ok=True)
            path.write_text(launcher(str(root), said), encoding="utf-8")
            path.chmod(0o755)


def interpreter_files(version: str, wheels: Path, binary: bytes | None = None) -> tuple[PackageFile, ...]:
    """What the package ``python`` of *version* holds; its pip finds wheels in *wheels*.

    *binary*: a real program that runs shell scripts, by which a process is seen to be the environment's.
    """
    short = ".".join(version.split(".")[:2])
    quoted = {name: _quoted(text) for name, text in (("python", sys.executable), ("pip", _PIP), ("source", _SOURCE))}
    text = _INTERPRETER.format(short=short, version=version, wheels=_quoted(str(wheels)), **quoted)
    name = f"python{short}"
    made = [
        PackageFile(f"bin/{name}", text.encode(), executable=True),
        PackageFile("bin/python3", name),
        PackageFile("bin/python", name),
    ]
    if binary is not None:
        made.append(PackageFile("libexec/python", binary, executable=True))
    return tuple(made)


def write_wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes] | None = None) -> Path:
    """A small real wheel in *folder*."""
    import zipfile

    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    members = {
        f"{module.lower()}/__init__.py": f'"""{name}, a stand-in made for trying and for tests."""\n'.encode(),
        **(files or {}),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in (*members, f"{info}/RECORD")).encode()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, body in members.items():
            packed.writestr(zipfile.ZipInfo(member, (2023, 11, 14, 22, 13, 20)), body)
    return path
