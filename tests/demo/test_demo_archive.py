"""There and back on a demo host: an environment is exported, removed, found in the archive, and made again the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import json, subprocess, sys

def run(*argv):
    done = subprocess.run([sys.executable, "-m", "tui", *argv], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr

name = "gpu01:cv-resnet50-exp1"
said = {"before": [run("export", name, form) for form in ("--no-builds", "--explicit")]}
said["removed"] = run("remove", name, "--yes")
said["gone"] = run("export", name)
said["kept"] = run("archive", "--json")
archives = json.loads(said["kept"][1])["archives"]
id_ = archives[0]["id"] if archives else "none"
said["file"] = run("archive", "show", id_, "--file", "explicit.txt")
said["restored"] = run("archive", "restore", id_, "--yes")
said["after"] = [run("export", name, form) for form in ("--no-builds", "--explicit")]
print(json.dumps(said))
"""


def test_what_was_removed_is_made_again_from_its_archive() -> None:
    argv = [sys.executable, "-m", "tui", "demo", "--hosts", "1", "--", sys.executable, "-c", SCRIPT]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for code, text, err in said["before"]:
        assert code == 0 and text, err
    assert said["removed"][0] == 0, said["removed"]
    assert said["gone"][0] == 4 and said["gone"][1] == ""
    (archive,) = json.loads(said["kept"][1])["archives"]
    assert (archive["host"], archive["name"], archive["kind"]) == ("gpu01", "cv-resnet50-exp1", "remove")
    assert archive["task"] and archive["missing"] == []
    assert said["file"][1] == said["before"][1][1]
    assert said["restored"][0] == 0, said["restored"]
    assert [text for _, text, _ in said["after"]] == [text for _, text, _ in said["before"]]
