"""Where in a YAML text a host's entry begins and ends, and how a new one is written there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import yaml

__all__ = ["Splice", "flow_pairs", "host_block", "host_flow", "insert_entry", "newline_of", "remove_entry"]

_PLAIN = re.compile(r"[A-Za-z0-9_./~][A-Za-z0-9_./@:+~-]*\Z")
_EOL = re.compile(r"\r\n|\r|\n")


def newline_of(text: str) -> str:
    """The line ending of *text*, by its first line."""
    first = _EOL.search(text)
    return first[0] if first else "\n"


def host_block(name: str, fields: Mapping[str, object], indent: str, step: int, eol: str) -> str:
    """The entry of a host as lines in block style."""
    if not fields:
        return f"{indent}{_scalar(name)}: {{}}{eol}"
    inner = indent + " " * step
    lines = [f"{indent}{_scalar(name)}:", *(f"{inner}{_scalar(key)}: {_value(value)}" for key, value in fields.items())]
    return "".join(f"{line}{eol}" for line in lines)


def host_flow(name: str, fields: Mapping[str, object]) -> str:
    """The entry of a host in flow style."""
    body = ", ".join(f"{_scalar(key)}: {_value(value)}" for key, value in fields.items())
    return f"{_scalar(name)}: {{{body}}}"


def flow_pairs(hosts: Iterable[tuple[str, Mapping[str, object]]]) -> str:
    """Entries of hosts in flow style, without the braces around them."""
    return ", ".join(host_flow(name, fields) for name, fields in hosts)


def insert_entry(text: str, mapping: yaml.MappingNode, entry: str) -> str:
    """*text* with *entry* at the end of a mapping in flow style."""
    if mapping.value:
        at = mapping.value[-1][1].end_mark.index
        return f"{text[:at]}, {entry}{text[at:]}"
    at = text.index("{", mapping.start_mark.index) + 1
    return f"{text[:at]}{entry}{text[at:]}"


def remove_entry(text: str, key: yaml.Node, mapping: yaml.MappingNode, name: str) -> str:
    """*text* without the entry *name* of *mapping*, the value of *key*."""
    at = next((at for at, (entry, _) in enumerate(mapping.value) if entry.value == name), None)
    if at is None:
        return text
    if mapping.flow_style:
        return _remove_flow(text, mapping, at)
    splice = Splice(text)
    entry, value = mapping.value[at]
    start = splice.line_start(entry.start_mark.index)
    if text[start : entry.start_mark.index].strip(" "):
        return text
    end = splice.comments_end(splice.content_line_end(value), entry.start_mark.column + 1)
    if len(mapping.value) > 1:
        return text[:start] + text[end:]
    colon = text.index(":", key.end_mark.index) + 1
    return f"{text[:colon]} {{}}{text[colon:start]}{text[end:]}"


def _remove_flow(text: str, mapping: yaml.MappingNode, at: int) -> str:
    key, value = mapping.value[at]
    if at:
        return text[: mapping.value[at - 1][1].end_mark.index] + text[value.end_mark.index :]
    if len(mapping.value) > 1:
        return text[: key.start_mark.index] + text[mapping.value[1][0].start_mark.index :]
    comma = re.compile(r"\s*,").match(text, value.end_mark.index)
    return text[: key.start_mark.index] + text[comma.end() if comma else value.end_mark.index :]


class Splice:
    """Positions in one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def line_start(self, at: int) -> int:
        """Where the line of position *at* begins."""
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def line_end(self, at: int) -> int:
        """Where the line after the one of position *at* begins."""
        found = _EOL.search(self.text, at)
        return found.end() if found else len(self.text)

    def content_line_end(self, node: yaml.Node) -> int:
        """The beginning of the first line that holds nothing of *node*."""
        if isinstance(node, (yaml.MappingNode, yaml.SequenceNode)) and not node.flow_style and node.value:
            last = node.value[-1]
            return self.content_line_end(last[1] if isinstance(last, tuple) else last)
        end = node.end_mark.index
        if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") and end == self.line_start(end):
            return end
        return self.line_end(end)

    def comments_end(self, at: int, column: int) -> int:
        """Past the comment lines from *at* on that are indented by at least *column*."""
        end = at
        while at < len(self.text):
            following = self.line_end(at)
            line = self.text[at:following]
            stripped = line.lstrip(" ")
            if stripped.strip() and not (stripped.startswith("#") and len(line) - len(stripped) >= column):
                break
            if stripped.strip():
                end = following
            at = following
        return end

    def after_block(self, mapping: yaml.MappingNode, column: int, block: str, eol: str) -> str:
        """The text with *block* behind the last entry of a mapping in block style and the comments of its own."""
        at = self.comments_end(self.content_line_end(mapping), column)
        return self._with_lines(at, block, eol)

    def replace_with_block(self, key: yaml.Node, value: yaml.Node, block: str, eol: str) -> str:
        """The text with *block* below *key* in place of an empty value (nothing, ``null``, ``{}``)."""
        start, end = value.start_mark.index, value.end_mark.index
        if start == end:  # nothing is written there
            return self._with_lines(self.line_end(key.end_mark.index), block, eol)
        before = self.text[:start].rstrip(" ")
        if not before.endswith(":"):
            return self.text
        self.text = before + self.text[end:]
        return self._with_lines(self.line_end(len(before)), block, eol)

    def replace_null(self, key: yaml.Node, value: yaml.Node, replacement: str) -> str:
        """The text with *replacement* behind the colon of *key*, in place of nothing or ``null``."""
        start, end = value.start_mark.index, value.end_mark.index
        colon = self.text.find(":", key.end_mark.index, max(end, key.end_mark.index + 8))
        if colon < 0:
            return self.text
        return self.text[: colon + 1] + replacement + self.text[max(end, colon + 1) if start != end else colon + 1 :]

    def _with_lines(self, at: int, lines: str, eol: str) -> str:
        before = self.text[:at]
        gap = "" if not before or before.endswith(("\n", "\r")) else eol
        return f"{before}{gap}{lines}{self.text[at:]}"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_scalar(key)}: {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return _scalar(str(value))


def _scalar(text: str) -> str:
    """*text* plain where YAML would read it as this very text, else in double quotes."""
    if _PLAIN.match(text) and not text.endswith(":") and text not in ("~", "...") and _resolves_to_text(text):
        return text
    return str(yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1 << 30)).rstrip("\n")


def _resolves_to_text(text: str) -> bool:
    resolver = yaml.resolver.Resolver()
    tag = resolver.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # untyped in the stubs
    return bool(tag == "tag:yaml.org,2002:str")
