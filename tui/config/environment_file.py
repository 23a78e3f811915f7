"""The file that a new environment is made from, read on the operator's machine; errors name file, line and key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from tui.config.nodes import NULL, Entry, Reading, found, join
from tui.config.source import compose, decode_text, read_bytes
from tui.domain.envfile import EnvFile, is_explicit, read_explicit, read_requirements, read_specs
from tui.domain.errors import ConfigError, ConfigProblem, UsageError
from tui.domain.phrases import phrase, worded
from tui.domain.redact import redact
from tui.domain.text import printable
from tui.domain.toolwords import check_channels, check_requirements, check_specs

__all__ = ["load_environment_file", "read_environment_yml"]

CHANNEL = "a channel's name or address"
PACKAGE = "a package, such as numpy=1.26"
REQUIREMENT = "a requirement by name, such as tqdm==4.66"
KEYS = ("name", "channels", "dependencies", "variables", "prefix", "platforms")


def load_environment_file(path: Path) -> EnvFile:
    """What the file at *path* asks for: ``environment.yml`` (any ``*.yml``, ``*.yaml``), an explicit list (it holds
    ``@EXPLICIT``), ``requirements*.txt`` for pip, any other a list of conda's specs. Raises ConfigError."""
    file = str(path)
    text = decode_text(read_bytes(path), file)
    if path.suffix.lower() in (".yml", ".yaml"):
        return read_environment_yml(text, file)
    if is_explicit(text):
        return read_explicit(text, file)
    return (read_requirements if path.name.lower().startswith("requirements") else read_specs)(text, file)


def read_environment_yml(text: str, file: str) -> EnvFile:
    """What an ``environment.yml`` asks for. Raises ConfigError."""
    root = compose(text, file)
    if root is None:
        raise ConfigError([ConfigProblem(file, None, "", "nothing", "an environment: name, channels, dependencies")])
    reading = _EnvironmentYml(file)
    read = reading.read(root)
    if reading.problems:
        raise ConfigError(reading.problems)
    return read


class _EnvironmentYml(Reading):
    def problem(self, node: yaml.Node, key: str, what: str, expected: str, suggestion: str = "") -> None:
        """Note a problem at *node*; a secret that it holds is not repeated."""
        if isinstance(node, yaml.ScalarNode) and redact(str(node.value)) != node.value:
            what = "a text that holds a secret"
        super().problem(node, key, what, expected, suggestion)

    def read(self, root: yaml.Node) -> EnvFile:
        keys = self.known(self.entries(root, "", f"the keys {', '.join(KEYS[:3])}"), "", KEYS)
        name = self.text(keys["name"].value, "name", "a name") if "name" in keys else None
        channels = self._channels(keys.get("channels"))
        specs, pip = self._dependencies(keys.get("dependencies"), root)
        left_out = []
        if "variables" in keys:
            names = ", ".join(self.entries(keys["variables"].value, "variables", "names with values"))
            left_out.append(phrase("variables that are set on activation: {names}", names=printable(names)))
        return EnvFile(name, channels, specs, pip, left_out=tuple(left_out))

    def _channels(self, entry: Entry | None) -> tuple[str, ...]:
        if entry is None:
            return ()

        def channel(text: str) -> str:
            return _checked(check_channels, text, CHANNEL)

        named = self.texts(entry.value, "channels", CHANNEL, channel) or ()
        return tuple(dict.fromkeys(each for each in named if each != "nodefaults"))

    def _dependencies(self, entry: Entry | None, root: yaml.Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
        specs: list[str] = []
        pip: list[str] = []
        if entry is None:
            self.problem(root, "dependencies", "no such key", "a list of packages")
            return (), ()
        if isinstance(entry.value, yaml.ScalarNode) and entry.value.tag == NULL:
            return (), ()
        if not isinstance(entry.value, yaml.SequenceNode):
            self.problem(entry.value, "dependencies", found(entry.value), "a list of packages")
            return (), ()
        for at, item in enumerate(entry.value.value):
            if self.values_left <= 0:
                break
            where = f"dependencies[{at}]"
            if isinstance(item, yaml.MappingNode):
                pip += self._pip(item, where)
            else:
                spec = self.parsed(item, where, PACKAGE, _spec)
                specs += [spec] if spec is not None else []
        if pip and not any(spec.split("::")[-1].partition("=")[0].strip() == "pip" for spec in specs):
            specs.append("pip")  # without it nobody could install what follows
        return tuple(specs), tuple(pip)

    def _pip(self, item: yaml.MappingNode, where: str) -> tuple[str, ...]:
        found_keys = self.known(self.entries(item, where, "pip: and its list"), where, ("pip",))
        if "pip" not in found_keys:
            return ()
        node = found_keys["pip"].value
        return self.texts(node, join(where, "pip"), REQUIREMENT, _requirement) or ()


def _spec(text: str) -> str:
    return _checked(check_specs, text, PACKAGE)


def _requirement(text: str) -> str:
    return _checked(check_requirements, text, REQUIREMENT)


def _checked(check: Callable[[Sequence[str]], None], text: str, expected: str) -> str:
    try:
        check((text,))
    except UsageError as error:
        hint = f"{error.remedy or worded(error)}".rstrip(".")
        raise ValueError(f"{expected} ({hint[:1].lower()}{hint[1:]})") from None
    return text
