"""A host put into, or taken out of, the user's own YAML: at PyYAML's marks, every other byte as it was.

Before anything is written the new text is parsed and compared with what the change should mean; if they
differ (an anchor, a tag, a layout that nobody foresaw) the file is left alone and the person is told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from tui.config.files import locked, read_target, write_target
from tui.config.loader import parse
from tui.config.nodes import is_null
from tui.config.source import compose, decode_text
from tui.config.splice import Splice, flow_pairs, host_block, host_flow, insert_entry, newline_of, remove_entry
from tui.domain.errors import ConfigError, UsageError
from tui.domain.hosts import HOST_NAME, LOCAL

__all__ = ["add_host", "forget_host"]

FIRST_LINE = "# condafleet: the hosts of the fleet. `condafleet hosts add` and `hosts forget` write here too."


def add_host(path: Path, name: str, fields: Mapping[str, object]) -> None:
    """Put host *name* into *path*, with *fields*: keys of the configuration, None for those to leave out.

    A missing file is made, 0600; with it, and with a file that has no ``hosts``, ``local`` stays a part of the fleet.
    Raises UsageError (the name is taken or impossible, or the file is laid out in a way that cannot be changed
    safely), ConfigError (the file has problems, or the fields would be one), StorageError. Then nothing was changed.
    """
    if not HOST_NAME.match(name):
        raise UsageError(
            f"{name!r} can be no host name.",
            "Host names are made of letters, digits, dots, dashes and underscores, and begin with no dash.",
        )
    fields = {key: value for key, value in fields.items() if value is not None}
    with locked(path) as target:
        raw = read_target(target)
        file = str(path)
        text = f"{FIRST_LINE}\n" if raw is None else decode_text(raw, file)
        root, known = _hosts(text, file)
        if name in known:
            line = known[name]
            place = f"{file}:{line}" if line else "the fleet"
            raise UsageError(
                f"The host {name!r} is in {place} already; nothing was changed.",
                f"Edit it there, or take it out first: condafleet hosts forget {name}",
            )
        new = _with_host(text, root, name, fields)
        expected = _plain_with(root, name, fields)
        _write(target, text if raw is not None else None, new, expected, file, f"the host {name!r} could not be added")


def forget_host(path: Path, name: str) -> None:
    """Take host *name* out of *path*, with what is indented below it; comments around it stay.

    Raises UsageError (no such host there, or the file is laid out in a way that cannot be changed safely),
    ConfigError, StorageError. Then nothing was changed.
    """
    with locked(path) as target:
        raw = read_target(target)
        file = str(path)
        text = f"{FIRST_LINE}\n" if raw is None else decode_text(raw, file)
        root, known = _hosts(text, file)
        if name not in known:
            raise UsageError(
                f"The host {name!r} is not in {file}; nothing was changed.", "`condafleet hosts` lists the fleet."
            )
        new = _without_host(text, root, name)
        expected = _plain_without(root, name)
        what = f"the host {name!r} could not be taken out"
        _write(target, text if raw is not None else None, new, expected, file, what)


def _hosts(text: str, file: str) -> tuple[yaml.MappingNode | None, dict[str, int | None]]:
    """The root mapping and the hosts of the fleet with their lines. Raises ConfigError for an invalid file."""
    settings = parse(text, file, os.environ)
    root = compose(text, file)
    mapping = root if isinstance(root, yaml.MappingNode) else None
    lines: dict[str, int | None] = {spec.name: None for spec in settings.hosts}
    hosts = _child(mapping, "hosts")
    if hosts is not None and isinstance(hosts[1], yaml.MappingNode):
        lines |= {key.value: key.start_mark.line + 1 for key, _ in hosts[1].value if key.value in lines}
    return mapping, lines


def _child(mapping: yaml.MappingNode | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    pairs = mapping.value if mapping is not None else []
    return next(((key, value) for key, value in pairs if key.value == name), None)


def _with_host(text: str, root: yaml.MappingNode | None, name: str, fields: Mapping[str, object]) -> str:
    eol = newline_of(text)
    hosts = _child(root, "hosts")
    if hosts is None:
        fleet: list[tuple[str, Mapping[str, object]]] = [] if name == LOCAL else [(LOCAL, {})]
        return _with_section(text, root, [*fleet, (name, fields)], eol)
    key, value = hosts
    if root is not None and root.flow_style and is_null(value):
        body = flow_pairs([(name, fields)])
        return Splice(text).replace_null(key, value, f" {{{body}}}")
    if is_null(value) or (isinstance(value, yaml.MappingNode) and not value.value and not (root and root.flow_style)):
        indent = " " * (key.start_mark.column + 2)
        return Splice(text).replace_with_block(key, value, host_block(name, fields, indent, 2, eol), eol)
    if isinstance(value, yaml.MappingNode) and value.flow_style:
        return insert_entry(text, value, host_flow(name, fields))
    if isinstance(value, yaml.MappingNode):
        column = value.value[0][0].start_mark.column
        deeper = [
            child.value[0][0].start_mark.column - column
            for _, child in value.value
            if isinstance(child, yaml.MappingNode) and not child.flow_style and child.value
        ]
        step = deeper[0] if deeper and deeper[0] > 0 else 2
        block = host_block(name, fields, " " * column, step, eol)
        return Splice(text).after_block(value, column, block, eol)
    return text


def _with_section(
    text: str, root: yaml.MappingNode | None, hosts: list[tuple[str, Mapping[str, object]]], eol: str
) -> str:
    """*text* with a whole ``hosts`` section, for a file that has none."""
    if root is not None and root.flow_style:
        return insert_entry(text, root, f"hosts: {{{flow_pairs(hosts)}}}")
    indent = " " * (root.value[0][0].start_mark.column if root is not None and root.value else 0)
    block = "".join(host_block(name, fields, f"{indent}  ", 2, eol) for name, fields in hosts)
    head = f"{indent}hosts:{eol}" if hosts else f"{indent}hosts: {{}}{eol}"
    gap = "" if not text or text.endswith(("\n", "\r")) else eol
    return f"{text}{gap}{head}{block}"


def _without_host(text: str, root: yaml.MappingNode | None, name: str) -> str:
    hosts = _child(root, "hosts")
    if hosts is None:  # only this machine is known without a section
        return _with_section(text, root, [], newline_of(text))
    key, value = hosts
    if isinstance(value, yaml.MappingNode):
        return remove_entry(text, key, value, name)
    return text


Plain = tuple[object, ...]


def _plain(node: yaml.Node | None) -> Plain:
    """A node as something to compare: tags, texts and order, without places and styles."""
    if node is None:
        return ("none",)
    if isinstance(node, yaml.MappingNode):
        return ("map", tuple((_plain(key), _plain(value)) for key, value in node.value))
    if isinstance(node, yaml.SequenceNode):
        return ("list", tuple(_plain(item) for item in node.value))
    return ("one", node.tag, node.value)


def _of(value: object) -> Plain:
    """What *value* looks like once it was written and read."""
    if isinstance(value, Mapping):
        return ("map", tuple((("one", "tag:yaml.org,2002:str", key), _of(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        return ("list", tuple(map(_of, value)))
    if isinstance(value, bool):
        return ("one", "tag:yaml.org,2002:bool", "true" if value else "false")
    if isinstance(value, int):
        return ("one", "tag:yaml.org,2002:int", str(value))
    return ("one", "tag:yaml.org,2002:str", str(value))


def _changed(root: yaml.MappingNode | None, hosts: tuple[object, ...]) -> Plain:
    """The root with another ``hosts``, at the end when there was none."""
    pairs = list(root.value) if root is not None else []
    plain: list[object] = [
        (_plain(key), ("map", hosts) if key.value == "hosts" else _plain(value)) for key, value in pairs
    ]
    if _child(root, "hosts") is None:
        plain.append((_of("hosts"), ("map", hosts)))
    return ("map", tuple(plain))


def _pairs(root: yaml.MappingNode | None) -> list[tuple[yaml.Node, yaml.Node]]:
    hosts = _child(root, "hosts")
    return list(hosts[1].value) if hosts is not None and isinstance(hosts[1], yaml.MappingNode) else []


def _plain_with(root: yaml.MappingNode | None, name: str, fields: Mapping[str, object]) -> Plain:
    old: list[object] = [(_plain(key), _plain(value)) for key, value in _pairs(root)]
    if _child(root, "hosts") is None and name != LOCAL:
        old.append((_of(LOCAL), _of({})))
    return _changed(root, (*old, (_of(name), _of(fields))))


def _plain_without(root: yaml.MappingNode | None, name: str) -> Plain:
    return _changed(root, tuple((_plain(key), _plain(value)) for key, value in _pairs(root) if key.value != name))


def _write(target: Path, old: str | None, new: str, expected: Plain, file: str, failure: str) -> None:
    try:
        exact = new != old and _plain(compose(new, file)) == expected
    except ConfigError:
        exact = False
    if not exact:
        raise UsageError(
            f"{file} is laid out in a way that cannot be changed safely: {failure}. The file is as it was.",
            "Make the change by hand in an editor.",
        )
    parse(new, file, os.environ)  # the fields may be a problem of their own
    write_target(target, new.encode("utf-8"))
