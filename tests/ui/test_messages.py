"""Every text of the program is marked, and every marked text is translated."""

from __future__ import annotations

import ast
import gettext
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.messages import (
    DOMAIN,
    HEADER,
    LOCALE,
    ROOT,
    Entry,
    MarkError,
    Message,
    compiled,
    marked,
    marked_in,
    problems,
    read_catalog,
    renewed,
)
from tui.domain.languages import ENGLISH, LANGUAGES

CATALOGS = [LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po" for language in HEADER]
WORDED = ("fleet", "remote", "services")
"""Parts whose faults the screen shows in its own language."""


def test_there_is_a_catalog_for_each_language_but_english() -> None:
    assert set(HEADER) == set(LANGUAGES) - {ENGLISH}
    assert {path.parent.parent.name for path in LOCALE.glob("*/LC_MESSAGES/*.po")} == set(HEADER)


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.parent.parent.name)
def test_every_text_is_translated(path: Path) -> None:
    """`python -m tests.messages` brings a catalog up to date; the translations are then to be written into it."""
    assert problems(marked(), read_catalog(path.read_text("utf-8"))) == []


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.parent.parent.name)
def test_the_compiled_catalog_is_what_the_readable_one_says(path: Path) -> None:
    entries = read_catalog(path.read_text("utf-8"))
    assert path.with_suffix(".mo").read_bytes() == compiled(entries), "run: python -m tests.messages"
    with path.with_suffix(".mo").open("rb") as file:
        spoken = gettext.GNUTranslations(file)
    for entry in entries.values():
        if entry.text and entry.many is None:
            assert spoken.gettext(entry.text) == entry.said[0]
        elif entry.many is not None:
            assert spoken.ngettext(entry.text, entry.many, 3) == entry.said[0]


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: path.parent.parent.name)
def test_a_catalog_is_written_in_one_way_only(path: Path) -> None:
    text = path.read_text("utf-8")
    assert renewed(marked(), read_catalog(text), path.parent.parent.name) == text


@pytest.mark.parametrize("part", WORDED)
def test_faults_are_made_of_phrases(part: str) -> None:
    """A bare literal or an f-string would reach the screen in English, whatever its language."""
    bare = [
        f"{path.relative_to(ROOT)}:{given.lineno}"
        for path in sorted((ROOT / "tui" / part).rglob("*.py"))
        for given in _words_of_faults(ast.parse(path.read_text("utf-8")))
        if isinstance(given, ast.JoinedStr) or (isinstance(given, ast.Constant) and given.value)
    ]
    assert bare == []


def _words_of_faults(tree: ast.AST) -> list[ast.expr]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    given = [each for call in calls if ast.unparse(call.func) == "Fault" for each in call.args[1:3]]
    named = [each.value for call in calls for each in call.keywords if each.arg in ("message", "remedy")]
    reported = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_report(node.func)]
    return [*given, *named, *(each.args[0] for each in reported if each.args)]


def _is_report(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name.lstrip("_") == "report"


# The tools


def test_marked_texts_are_found_wherever_they_stand() -> None:
    source = """
SIMPLE = phrase("one {host}", host=name)
BOTH = tr("two" if odd else "three")
COUNTED = plural("{n} host", "{n} hosts", len(hosts))
LATER = mark("four "
             "and five")
ELSEWHERE = phrase(SIMPLE, host=name), self.tr("no marker of ours"), other("six")
"""
    assert sorted(marked_in(source, "x.py"), key=str) == sorted(
        [("one {host}", None), ("two", None), ("three", None), ("{n} host", "{n} hosts"), ("four and five", None)],
        key=str,
    )


@pytest.mark.parametrize("source", ["tr(f'{a} b')", "phrase('a' + b)", "tr()", "plural('a')", "tr('a'.format(b))"])
def test_what_cannot_be_translated_is_not_marked(source: str) -> None:
    with pytest.raises(MarkError):
        list(marked_in(source, "x.py"))


TEXTS = {
    "one {host}": Message("one {host}", None, {"a.py"}),
    "{n} host": Message("{n} host", "{n} hosts", {"a.py", "b.py"}),
}
WHOLE = """
msgid ""
msgstr "Content-Type: text/plain; charset=UTF-8\\n"

#: a.py
msgid "one {host}"
msgstr "一台 {host}"

#: a.py
#: b.py
msgid "{n} host"
msgid_plural "{n} hosts"
msgstr[0] "{n} 台主机"
"""


def test_a_whole_catalog_has_no_problems() -> None:
    assert problems(TEXTS, read_catalog(WHOLE)) == []


@pytest.mark.parametrize(
    ("was", "becomes", "problem"),
    [
        ('msgid "one {host}"\nmsgstr "一台 {host}"', "# nothing", "not in the catalog: 'one {host}'"),
        ('msgstr "一台 {host}"', 'msgstr ""', "without a translation: 'one {host}'"),
        ('msgstr[0] "{n} 台主机"', 'msgstr[0] " "', "without a translation: '{n} host'"),
        ('msgstr "一台 {host}"', 'msgstr "一台"', "other names in braces: '一台' for 'one {host}'"),
        ('msgstr "一台 {host}"', 'msgstr "{host} {place}"', "other names in braces"),
        ('msgstr "一台 {host}"', 'msgstr "一台 {host} "', "another blank at an end"),
        ("#: a.py\nmsgid", "#, fuzzy\nmsgid", "marked as a guess: 'one {host}'"),
        ('msgid_plural "{n} hosts"', 'msgid_plural "{n} hostses"', "counted otherwise in the code: '{n} host'"),
        ('msgid "one {host}"', 'msgid "one more {host}"', "no longer in the code: 'one more {host}'"),
    ],
)
def test_each_kind_of_problem_is_found(was: str, becomes: str, problem: str) -> None:
    assert was in WHOLE
    found = problems(TEXTS, read_catalog(WHOLE.replace(was, becomes, 1)))
    assert any(problem in each for each in found), found


def test_renewing_keeps_what_is_translated_and_drops_what_is_gone() -> None:
    old = read_catalog(WHOLE + '\n#: a.py\nmsgid "gone"\nmsgstr "没了"\n')
    more = {**TEXTS, "new": Message("new", None, {"c.py"})}
    entries = read_catalog(renewed(more, old, "zh_CN"))
    assert entries["one {host}"].said == {0: "一台 {host}"}
    assert entries["{n} host"].said == {0: "{n} 台主机"}
    assert entries["new"].said == {0: ""}
    assert "gone" not in entries


def test_texts_survive_being_written_and_read() -> None:
    odd = 'a "quoted" \\ back\tslash\nand two lines\n'
    entries = read_catalog(renewed({odd: Message(odd, None, {"a.py"})}, {odd: Entry(odd, None, {0: odd})}, "zh_CN"))
    assert entries[odd].said == {0: odd}


def test_what_is_not_translated_is_said_in_english() -> None:
    entries = read_catalog(WHOLE.replace('"一台 {host}"', '""').replace("#: a.py\n#: b.py", "#, fuzzy"))
    spoken = gettext.GNUTranslations(io.BytesIO(compiled(entries)))
    assert spoken.gettext("one {host}") == "one {host}"
    assert spoken.ngettext("{n} host", "{n} hosts", 2) == "{n} hosts"


def test_an_installed_program_has_its_catalogs(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    for path in CATALOGS:
        assert path.with_suffix(".mo").relative_to(ROOT).as_posix() in names
