"""The translators' side of the program: the marked texts, their catalogs, and the compiling of these.

``python -m tests.messages`` brings every catalog below ``tui/ui/locale`` up to date with the code (new texts come in
without a translation, texts that are gone leave) and compiles it. ``test_messages.py`` holds that this was done and
that nothing is left untranslated.

Marked is what stands, as a literal, first in a call of one of :data:`MARKERS`, or in a place of :data:`DECLARED`.
Nothing but the standard library is
needed: the files are those of GNU gettext, and its own tools and editors work on them.
"""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "tui" / "ui" / "locale"
DOMAIN = "condafleet"
ONE = frozenset({"phrase", "mark", "tr", "joined"})
COUNTED = frozenset({"plural", "trn"})
MARKERS = ONE | COUNTED
DECLARED = {"Command": (2, 3)}
"""Declarations of which some places are texts: nothing else is ever written there."""
PLACE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
WIDE_MARKS = "，。、；：（）"
"""Punctuation that brings its own blank."""
HEADER = {
    "zh_CN": (
        "Project-Id-Version: condafleet\n"
        "Language: zh_CN\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=UTF-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        "Plural-Forms: nplurals=1; plural=0;\n"
    )
}
"""The first entry of each catalog; it also says how many forms a counted text has."""


@dataclass
class Message:
    """A marked text and where it stands."""

    text: str
    many: str | None = None
    files: set[str] = field(default_factory=set)


@dataclass
class Entry:
    """A text in a catalog."""

    text: str = ""
    many: str | None = None
    said: dict[int, str] = field(default_factory=dict)
    """The translation, or one for each form; form 0 alone for what does not count."""
    comments: list[str] = field(default_factory=list)

    @property
    def fuzzy(self) -> bool:
        """A guess that nobody has looked at."""
        return any(line.startswith("#,") and "fuzzy" in line for line in self.comments)


class MarkError(Exception):
    """Something is marked in a way that cannot be translated."""


def marked(root: Path = ROOT) -> dict[str, Message]:
    """All marked texts of the program, by their English words. Raises MarkError for a marker without a literal."""
    found: dict[str, Message] = {}
    for path in sorted((root / "tui").rglob("*.py")):
        name = path.relative_to(root).as_posix()
        for text, many in marked_in(path.read_text("utf-8"), name):
            message = found.setdefault(text, Message(text, many))
            if many is not None and message.many not in (None, many):
                raise MarkError(f"{name}: {text!r} is counted in two ways")
            message.many = message.many or many
            message.files.add(name)
    return found


def marked_in(source: str, name: str) -> Iterator[tuple[str, str | None]]:
    """The marked texts of one file: each with its form for several, None where it does not count."""
    for node in ast.walk(ast.parse(source, name)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        # The command line has declarations of its own, in English alone.
        for place in () if name.startswith("tui/cli/") else DECLARED.get(node.func.id, ()):
            yield from ((text, None) for text in _literals(node.args[place], f"{name}:{node.lineno}"))
        if node.func.id not in MARKERS:
            continue
        wanted = 2 if node.func.id in COUNTED else 1
        texts = [_literals(each, f"{name}:{node.lineno}") for each in node.args[:wanted]]
        if len(texts) < wanted or any(isinstance(each, ast.Starred) for each in node.args[:wanted]):
            raise MarkError(f"{name}:{node.lineno}: {node.func.id} has no text")
        if wanted == 2:
            yield from zip(texts[0], texts[1], strict=True)
        else:
            yield from ((text, None) for text in texts[0])


def _literals(node: ast.expr, where: str) -> list[str]:
    """The texts that *node* may be; none for a name, which holds what was marked elsewhere."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_literals(node.body, where), *_literals(node.orelse, where)]
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return []
    raise MarkError(f"{where}: a marked text is a literal: values go in by name")


# Catalogs


def read_catalog(text: str) -> dict[str, Entry]:
    """The entries of a ``.po`` file by their English words, the header under the empty text."""
    entries: dict[str, Entry] = {}
    for block in re.split(r"\n\s*\n", text.strip()):
        entry, into = Entry(), ""
        parts: dict[str, str] = {}
        for line in block.splitlines():
            if line.startswith("#"):
                entry.comments.append(line)
            elif match := re.match(r'(msgid|msgid_plural|msgstr|msgstr\[\d\]) (".*")$', line):
                into = match[1]
                parts[into] = _unquoted(match[2])
            elif line.startswith('"') and into:
                parts[into] += _unquoted(line)
            else:
                raise ValueError(f"not understood: {line!r}")
        if "msgid" not in parts:
            continue
        entry.text, entry.many = parts["msgid"], parts.get("msgid_plural")
        for key, value in parts.items():
            if key.startswith("msgstr"):
                entry.said[int(key[7]) if key != "msgstr" else 0] = value
        if entry.text in entries:
            raise ValueError(f"twice in the catalog: {entry.text!r}")
        entries[entry.text] = entry
    return entries


def renewed(messages: dict[str, Message], old: dict[str, Entry], language: str) -> str:
    """The catalog of *language* for *messages*, with the translations of *old* as far as they are still wanted."""
    blocks = [_block([], "", None, {0: HEADER[language]})]
    for message in sorted(messages.values(), key=lambda each: (min(each.files), each.text)):
        known = old.get(message.text)
        said = known.said if known is not None else {}
        if message.many is not None and known is not None and known.many is None:
            said = {}
        comments = [line for line in known.comments if line.startswith(("# ", "#,"))] if known is not None else []
        places = [f"#: {name}" for name in sorted(message.files)]
        blocks.append(_block([*comments, *places], message.text, message.many, said or {0: ""}))
    return "\n".join(blocks)


def _block(comments: list[str], text: str, many: str | None, said: dict[int, str]) -> str:
    lines = [*comments, f"msgid {_quoted(text)}"]
    if many is None:
        lines.append(f"msgstr {_quoted(said.get(0, ''))}")
    else:
        lines.append(f"msgid_plural {_quoted(many)}")
        lines += [f"msgstr[{form}] {_quoted(each)}" for form, each in sorted(said.items())]
    return "\n".join(lines) + "\n"


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def _quoted(text: str) -> str:
    if "\n" in text.rstrip("\n"):
        return '""\n' + "\n".join(f'"{_escaped(line)}"' for line in text.splitlines(keepends=True))
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in text)


def _unquoted(text: str) -> str:
    back = {escape: char for char, escape in _ESCAPES.items()}
    return re.sub(r"\\.", lambda match: back[match[0]], text[1:-1])


def compiled(entries: dict[str, Entry]) -> bytes:
    """The ``.mo`` file of a catalog, little-endian, without a hash table, as GNU's ``msgfmt --no-hash`` writes it.

    What has no translation, or one that nobody has looked at, is left out: it is then said in English.
    """
    pairs = sorted(
        (
            f"{entry.text}\0{entry.many}".encode() if entry.many is not None else entry.text.encode(),
            "\0".join(said for _, said in sorted(entry.said.items())).encode(),
        )
        for entry in entries.values()
        if all(entry.said.values()) and not entry.fuzzy
    )
    count = len(pairs)
    tables, strings = [], b""
    start = 28 + 16 * count
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), start + len(strings)))
            strings += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, start)
    return head + b"".join(tables) + strings


def problems(messages: dict[str, Message], entries: dict[str, Entry]) -> list[str]:
    """What a catalog lacks or has wrong, in words."""
    found = [f"not in the catalog: {text!r}" for text in messages if text not in entries]
    found += [f"no longer in the code: {text!r}" for text in entries if text and text not in messages]
    for text, message in messages.items():
        entry = entries.get(text)
        if entry is None:
            continue
        if entry.many != message.many:
            found.append(f"counted otherwise in the code: {text!r}")
        if entry.fuzzy:
            found.append(f"marked as a guess: {text!r}")
        if not entry.said or not all(each.strip() for each in entry.said.values()):
            found.append(f"without a translation: {text!r}")
        wanted = set(PLACE.findall(message.many or text)) | set(PLACE.findall(text))
        for said in filter(None, entry.said.values()):
            if set(PLACE.findall(said)) != wanted:
                found.append(f"other names in braces: {said!r} for {text!r}")
            if any(_blank(said, end) != _blank(text, end) and said[end] not in WIDE_MARKS for end in (0, -1)):
                found.append(f"another blank at an end: {said!r} for {text!r}")
    return found


def _blank(text: str, end: int) -> bool:
    return text[end].isspace()


def main() -> None:
    """Bring all catalogs up to date and compile them."""
    messages = marked()
    for language in HEADER:
        path = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
        path.parent.mkdir(parents=True, exist_ok=True)
        old = read_catalog(path.read_text("utf-8")) if path.exists() else {}
        path.write_text(renewed(messages, old, language), "utf-8")
        entries = read_catalog(path.read_text("utf-8"))
        path.with_suffix(".mo").write_bytes(compiled(entries))
        wrong = problems(messages, entries)
        print(f"{path.relative_to(ROOT)}: {len(messages)} texts, {len(wrong)} problems", *wrong, sep="\n  ")


if __name__ == "__main__":
    main()
