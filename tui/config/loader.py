"""The configuration file in, validated :class:`~tui.domain.settings.Settings` out.

Every problem names file, line, dotted key, what was found and what was expected, and all problems are
reported at once. A key without a value (``gpu01:``) is its default. A file without ``hosts`` leaves the fleet
at its default, this machine; ``hosts: {}`` (or ``hosts:`` alone) is an empty fleet.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

import yaml

from tui.config.nodes import Entry, Reading, found, join
from tui.config.source import compose, decode_text, is_missing, read_bytes
from tui.config.values import (
    HOST_FORM,
    absolute_path,
    address,
    group,
    jump,
    local_path,
    protect_pattern,
    seconds,
    user,
)
from tui.domain.durations import DURATION_FORM, parse_duration
from tui.domain.errors import ConfigError, ConfigProblem
from tui.domain.hosts import HOST_NAME, LOCAL, HostSpec, SearchPlaces
from tui.domain.languages import LANGUAGES, nearest_language
from tui.domain.places import config_file, expand_home
from tui.domain.settings import Intervals, Limits, Settings

__all__ = ["HOST_KEYS", "ROOT_KEYS", "config_path", "load", "parse"]

ROOT_KEYS = ("hosts", "defaults", "intervals", "limits", "protect", "naming", "removal", "language", "theme", "keys")
HOST_KEYS = (
    "address",
    "port",
    "user",
    "identity",
    "jump",
    "known_hosts",
    "groups",
    "search",
    "only",
    "sudo",
)
SSH_KEYS = frozenset({"address", "port", "user", "identity", "jump", "known_hosts"})
"""Keys that say how to reach a host; they mean nothing for this machine."""


class _HostFields(TypedDict, total=False):
    address: str
    port: int
    user: str
    identity: tuple[str, ...]
    jump: str
    known_hosts: str
    groups: tuple[str, ...]
    search: tuple[str, ...]
    only: bool
    sudo: bool


def config_path(path: Path | None = None, environ: Mapping[str, str] | None = None) -> tuple[Path, bool]:
    """Which file is the configuration, and whether it was asked for (then it must exist).

    *path*, else ``CONDAFLEET_CONFIG``, else ``$XDG_CONFIG_HOME/condafleet/config.yaml``.
    """
    env = os.environ if environ is None else environ
    if path is not None:
        return Path(expand_home(str(path), env)), True
    named = env.get("CONDAFLEET_CONFIG", "")
    if named:
        return Path(expand_home(named, env)), True
    return config_file(env), False


def load(path: Path | None = None, environ: Mapping[str, str] | None = None, *, new: bool = False) -> Settings:
    """The configuration. Raises ConfigError with all its problems.

    A file that was asked for (*path* or ``CONDAFLEET_CONFIG``) must exist, except with *new*: it is about to be
    written. Without a file the settings are the defaults: this machine alone.
    """
    env = os.environ if environ is None else environ
    file, asked = config_path(path, env)
    if is_missing(file):
        if asked and not new:
            named = "--config" if path is not None else "CONDAFLEET_CONFIG"
            raise ConfigError([ConfigProblem(str(file), None, "", "no file", f"the one that {named} names")])
        return Settings()
    return parse(decode_text(read_bytes(file), str(file)), str(file), env)


def parse(text: str, file: str, environ: Mapping[str, str]) -> Settings:
    """The settings that *text*, the content of *file*, spells. Raises ConfigError with all its problems."""
    root = compose(text, file)
    if root is None:
        return Settings(file=file)
    reading = _Settings(file, environ)
    settings = reading.settings(root)
    if reading.problems:
        raise ConfigError(sorted(set(reading.problems), key=lambda problem: (problem.line or 0, problem.key)))
    return settings


class _Settings(Reading):
    """Reads the sections, one method for each."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        super().__init__(file)
        self.environ = environ
        self.lines: dict[str, int] = {}

    def settings(self, root: yaml.Node) -> Settings:
        keys = self.known(self.entries(root, "", f"a mapping with the keys {', '.join(ROOT_KEYS)}"), "", ROOT_KEYS)
        default = Settings()
        if "theme" in keys:
            self.lines["theme"] = keys["theme"].key.start_mark.line + 1
        return Settings(
            hosts=self._hosts(keys["hosts"].value, keys.get("defaults")) if "hosts" in keys else self._only(keys),
            intervals=self._intervals(keys.get("intervals")),
            limits=self._limits(keys.get("limits")),
            protect=self._protect(keys.get("protect")),
            naming=self._naming(keys.get("naming")),
            removal_keep=self._removal(keys.get("removal")),
            language=self._language(keys.get("language")),
            theme=self.text(keys["theme"].value, "theme", "the name of a theme") if "theme" in keys else default.theme,
            keys=self._keys(keys.get("keys")),
            file=self.file,
            lines=self.lines,
        )

    def _only(self, keys: Mapping[str, Entry]) -> tuple[HostSpec, ...]:
        defaults = self._defaults(keys.get("defaults"))
        return (self._spec(LOCAL, {}, defaults),)

    def _defaults(self, entry: Entry | None) -> _HostFields:
        if entry is None:
            return {}
        return self._fields(entry.value, "defaults")

    def _hosts(self, node: yaml.Node, defaults_entry: Entry | None) -> tuple[HostSpec, ...]:
        defaults = self._defaults(defaults_entry)
        out: list[HostSpec] = []
        for name, entry in self.entries(node, "hosts", "a mapping of host names, such as `gpu01: {}`").items():
            path = join("hosts", name)
            if not HOST_NAME.match(name) or len(name) > 255:
                self.problem(entry.key, path, f"the host name `{join('', name)}`", HOST_FORM)
                continue
            fields = self._fields(entry.value, path, local=name == LOCAL)
            if name in fields.get("jump", "").split(","):
                self.problem(entry.value, f"{path}.jump", "the host itself", "another host to pass through")
            out.append(self._spec(name, fields, defaults))
        return tuple(out)

    def _spec(self, name: str, own: _HostFields, defaults: _HostFields) -> HostSpec:
        usable: _HostFields = defaults
        if name == LOCAL:
            usable = {key: value for key, value in defaults.items() if key not in SSH_KEYS}  # type: ignore[assignment]
        elif name in defaults.get("jump", "").split(","):
            usable = {key: value for key, value in defaults.items() if key != "jump"}  # type: ignore[assignment]
        fields: _HostFields = {**usable, **own}
        return HostSpec(
            name=name,
            address=fields.get("address"),
            port=fields.get("port"),
            user=fields.get("user"),
            identity=fields.get("identity", ()),
            jump=fields.get("jump"),
            known_hosts=fields.get("known_hosts"),
            groups=fields.get("groups", ()),
            search=SearchPlaces(fields.get("search", ()), fields.get("only", False)),
            sudo=fields.get("sudo", False),
        )

    def _fields(self, node: yaml.Node, path: str, local: bool = False) -> _HostFields:
        entries = self.entries(node, path, f"a mapping with the keys {', '.join(HOST_KEYS)}, or {{}}")
        out: _HostFields = {}
        for name, entry in self.known(entries, path, HOST_KEYS).items():
            key = f"{path}.{name}"
            if local and name in SSH_KEYS and not entry.merged:
                self.problem(entry.key, key, "a key for SSH", "none: `local` is this machine, reached without SSH")
                continue
            if not (local and name in SSH_KEYS):
                self._field(out, name, entry.value, key)
        return out

    def _field(self, out: _HostFields, name: str, node: yaml.Node, key: str) -> None:
        value: object
        if name == "address":
            value = self.parsed(node, key, "a host name or an address", address)
        elif name == "port":
            value = self.integer(node, key, 1, 65535)
        elif name == "user":
            value = self.parsed(node, key, "the name of an account", user)
        elif name == "identity":
            value = self.texts(node, key, "the path of a key file", lambda text: local_path(text, self.environ))
        elif name == "jump":
            value = self.parsed(node, key, "a host to pass through", jump)
        elif name == "known_hosts":
            value = self.parsed(node, key, "the path of a file", lambda text: local_path(text, self.environ))
        elif name == "groups":
            value = self.texts(node, key, "the name of a group", group)
        elif name == "search":
            value = self.texts(node, key, "an absolute path on the host, or one below `~/`", absolute_path)
        else:
            value = self.truth(node, key)
        if value is not None:
            out[name] = value  # type: ignore[literal-required]  # name is one of HOST_KEYS

    def _section(self, entry: Entry | None, path: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        if entry is None:
            return {}
        entries = self.entries(entry.value, path, f"a mapping with the keys {', '.join(known)}")
        return {name: found.value for name, found in self.known(entries, path, known).items()}

    def _seconds(self, nodes: Mapping[str, yaml.Node], section: str, name: str, default: float) -> float:
        if name not in nodes:
            return default
        value = self.parsed(nodes[name], f"{section}.{name}", DURATION_FORM, seconds)
        return default if value is None else value

    def _intervals(self, entry: Entry | None) -> Intervals:
        nodes = self._section(entry, "intervals", ("status", "gpus", "inventory"))
        base = Intervals()
        return Intervals(
            status=self._seconds(nodes, "intervals", "status", base.status),
            gpus=self._seconds(nodes, "intervals", "gpus", base.gpus),
            inventory=self._seconds(nodes, "intervals", "inventory", base.inventory),
        )

    def _limits(self, entry: Entry | None) -> Limits:
        nodes = self._section(entry, "limits", ("connect", "command", "handshakes", "tasks"))
        base = Limits()
        handshakes = nodes.get("handshakes")
        automatic = handshakes is None or (isinstance(handshakes, yaml.ScalarNode) and handshakes.value == "auto")
        tasks = self.integer(nodes["tasks"], "limits.tasks", 1, 1000) if "tasks" in nodes else None
        return Limits(
            connect=self._seconds(nodes, "limits", "connect", base.connect),
            command=self._seconds(nodes, "limits", "command", base.command),
            handshakes=None
            if automatic or handshakes is None
            else self.integer(handshakes, "limits.handshakes", 1, 1000, ", or auto"),
            tasks=base.tasks if tasks is None else tasks,
        )

    def _protect(self, entry: Entry | None) -> tuple[str, ...]:
        if entry is None:
            return ()
        return self.texts(entry.value, "protect", "a pattern HOST:NAME such as `*:prod-*`", protect_pattern) or ()

    def _naming(self, entry: Entry | None) -> str | None:
        if entry is None:
            return None

        def pattern(text: str) -> str:
            try:
                re.compile(text)
            except (re.error, OverflowError, RecursionError) as error:
                raise ValueError(f"a regular expression ({error})") from error
            return text

        return self.parsed(entry.value, "naming", "a regular expression", pattern)

    def _removal(self, entry: Entry | None) -> float:
        nodes = self._section(entry, "removal", ("keep",))
        if "keep" not in nodes:
            return 0.0
        return self.parsed(nodes["keep"], "removal.keep", DURATION_FORM, parse_duration) or 0.0

    def _language(self, entry: Entry | None) -> str | None:
        if entry is None:
            return None
        expected = f"one of {', '.join(LANGUAGES)}, or null for the locale's"
        name = self.text(entry.value, "language", expected)
        if name is None or name in LANGUAGES:
            return name
        self.problem(entry.value, "language", found(entry.value), expected, nearest_language(name))
        return None

    def _keys(self, entry: Entry | None) -> dict[str, str]:
        if entry is None:
            return {}
        out: dict[str, str] = {}
        for name, each in self.entries(entry.value, "keys", "a mapping of commands to keys").items():
            value = self.text(each.value, join("keys", name), "the name of a key, such as `ctrl+r`")
            if value is not None:
                out[name] = value
                self.lines[f"keys.{name}"] = each.key.start_mark.line + 1
        return out
