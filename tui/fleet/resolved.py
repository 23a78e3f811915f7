"""What OpenSSH would do for one host, as a value: made from the output of ``ssh -G``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tui.domain.hosts import HostSpec
from tui.domain.phrases import phrase
from tui.fleet.tokens import TokenContext, expand, expand_path, split_paths

__all__ = ["JumpPart", "Local", "Output", "Resolved", "build", "parse_jumps", "parse_output"]


@dataclass(frozen=True, slots=True)
class Local:
    """What of this machine goes into tokens and defaults."""

    user: str
    uid: int
    home: str
    hostname: str
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JumpPart:
    """One part of a ProxyJump: ``[user@]host[:port]``."""

    host: str
    user: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Everything needed to reach a host; paths are expanded, files need not exist."""

    name: str
    hostname: str
    port: int
    user: str
    family: str = "any"
    """any, inet or inet6"""
    bind_address: str | None = None
    identities: tuple[str, ...] = ()
    explicit_identities: bool = False
    """True when somebody named the identity files; False for OpenSSH's defaults."""
    certificates: tuple[str, ...] = ()
    identities_only: bool = False
    agent: str | None = None
    """Path of the agent's socket; None: no agent."""
    known_hosts: tuple[str, ...] = ()
    """Files in which to look; new keys are saved in the first."""
    global_known_hosts: tuple[str, ...] = ()
    host_key_alias: str | None = None
    strict: str = "ask"
    """yes, ask, accept-new or off"""
    hash_known_hosts: bool = False
    kex: tuple[str, ...] = ()
    ciphers: tuple[str, ...] = ()
    macs: tuple[str, ...] = ()
    host_key_algorithms: tuple[str, ...] = ()
    ca_signature_algorithms: tuple[str, ...] = ()
    compression: bool = False
    preferred: tuple[str, ...] = ("publickey", "keyboard-interactive", "password")
    publickey: bool = True
    interactive: bool = True
    password: bool = True
    prompts: int = 3
    jumps: tuple[JumpPart, ...] = ()
    proxy_command: str | None = None
    alive_interval: float = 15.0
    alive_count: int = 3
    tcp_keepalive: bool = True
    not_honoured: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """How messages name the host: ``gpu01 (192.0.2.1 port 22)``."""
        return phrase("{host} ({address} port {port})", host=self.name, address=self.hostname, port=self.port)

    @property
    def key_name(self) -> str:
        """The name under which known_hosts holds its key."""
        if self.host_key_alias:
            return self.host_key_alias
        return self.hostname if self.port == 22 else f"[{self.hostname}]:{self.port}"


@dataclass(slots=True)
class Output:
    """The lines of ``ssh -G``: the first value of each key, and all of them."""

    first: dict[str, str] = field(default_factory=dict)
    every: dict[str, list[str]] = field(default_factory=dict)

    def get(self, key: str, default: str = "") -> str:
        return self.first.get(key, default)

    def of(self, hostname: str, port: str, user: str) -> Output:
        """The same for another host; it shares everything else with this one."""
        return Output({**self.first, "hostname": hostname, "port": port, "user": user}, self.every)

    def items(self, key: str) -> tuple[str, ...]:
        return tuple(filter(None, self.get(key).split(",")))

    def on(self, key: str, default: bool) -> bool:
        value = self.first.get(key)
        return default if value is None else value.lower() in ("yes", "true")


def parse_output(text: str) -> Output:
    """``ssh -G``'s lines ``key value``; keys in lower case, the first of several wins."""
    output = Output()
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        key = key.lower()
        output.first.setdefault(key, value.strip())
        output.every.setdefault(key, []).append(value.strip())
    return output


_JUMP = re.compile(r"(?:ssh://)?(?:(?P<user>.+)@)?(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:@\s]+))(?::(?P<port>\d+))?/?\Z")


def parse_jumps(value: str) -> tuple[JumpPart, ...]:
    """The parts of a ProxyJump value or of a host's ``jump``; ``none`` gives none. Raises ValueError."""
    if value.strip().lower() in ("", "none"):
        return ()
    parts = []
    for word in value.split(","):
        match = _JUMP.match(word.strip())
        host = match and (match["six"] or match["host"])
        if not match or not host or host.startswith("-"):
            raise ValueError(f"{word.strip()!r} is no jump host: expected [user@]host[:port]")
        port = int(match["port"]) if match["port"] else None
        if port is not None and not 0 < port < 65536:
            raise ValueError(f"{word.strip()!r}: a port is a number from 1 to 65535")
        parts.append(JumpPart(host, match["user"], port))
    return tuple(parts)


_STRICT = {
    "true": "yes",
    "yes": "yes",
    "ask": "ask",
    "accept-new": "accept-new",
    "no": "off",
    "off": "off",
    "false": "off",
}
_METHODS = ("publickey", "keyboard-interactive", "password")
DEFAULT_IDENTITIES = tuple(
    f"~/.ssh/{name}"
    for name in ("id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_xmss", "id_dsa")
)


def build(spec: HostSpec, output: Output, local: Local) -> Resolved:
    """Join *spec* and ``ssh -G``'s *output*: what the person wrote for the host wins. Raises ValueError."""
    hostname = (spec.address or output.get("hostname") or spec.name).lower()
    port = spec.port or int(output.get("port") or 22)
    user = spec.user or output.get("user") or local.user
    jumps = parse_jumps(spec.jump if spec.jump is not None else output.get("proxyjump"))
    # A host that matches its own ProxyJump pattern is reached directly, as OpenSSH does.
    jumps = () if len(jumps) == 1 and jumps[0].host == spec.name else jumps
    alias = _none(output.get("hostkeyalias"))
    context = TokenContext(
        spec.name, hostname, port, user, local.home, local.user, local.uid, local.hostname,
        jump=jumps[-1].host if jumps else "", alias=alias or "",
    )  # fmt: skip
    if alias:
        alias = expand(alias, context)

    def paths(values: list[str]) -> tuple[str, ...]:
        return tuple(expand_path(value, context, local.environment) for value in values if _none(value))

    def expanded(values: list[str]) -> tuple[str, ...]:
        # Newer versions of `ssh -G` have replaced the tokens of these already; a percent sign then is one.
        found: list[str] = []
        for value in values:
            try:
                found += paths([value])
            except ValueError:
                found.append(value)
        return tuple(found)

    written = output.every.get("identityfile", [])
    identities = list(spec.identity) or written
    proxy = _none(output.get("proxycommand")) if spec.jump is None and not jumps else None
    known = [spec.known_hosts] if spec.known_hosts else split_paths(output.get("userknownhostsfile"))
    preferred = output.items("preferredauthentications") or _METHODS
    return Resolved(
        name=spec.name,
        hostname=hostname,
        port=port,
        user=user,
        family=output.get("addressfamily", "any"),
        bind_address=_none(output.get("bindaddress")),
        identities=paths(identities),
        explicit_identities=bool(spec.identity) or tuple(written) != DEFAULT_IDENTITIES,
        certificates=paths(output.every.get("certificatefile", [])),
        identities_only=output.on("identitiesonly", False),
        agent=next(iter(expanded(_agent(output, local))), None),
        known_hosts=paths(known) if spec.known_hosts else expanded(known),
        global_known_hosts=expanded(split_paths(output.get("globalknownhostsfile"))),
        host_key_alias=alias,
        strict=_STRICT.get(output.get("stricthostkeychecking", "ask").lower(), "ask"),
        hash_known_hosts=output.on("hashknownhosts", False),
        kex=output.items("kexalgorithms"),
        ciphers=output.items("ciphers"),
        macs=output.items("macs"),
        host_key_algorithms=output.items("hostkeyalgorithms"),
        ca_signature_algorithms=output.items("casignaturealgorithms"),
        compression=output.on("compression", False),
        preferred=tuple(method for method in preferred if method in _METHODS),
        publickey=output.get("pubkeyauthentication", "yes") not in ("no", "false"),
        interactive=output.on("kbdinteractiveauthentication", True),
        password=output.on("passwordauthentication", True),
        prompts=max(1, min(int(output.get("numberofpasswordprompts") or 3), 10)),
        jumps=jumps,
        proxy_command=expand(proxy, context) if proxy else None,
        alive_interval=min(15.0, float(output.get("serveraliveinterval") or 0) or 15.0),
        tcp_keepalive=output.on("tcpkeepalive", True),
        not_honoured=_not_honoured(output),
    )


def _none(value: str) -> str | None:
    return None if value.lower() in ("", "none") else value


def _agent(output: Output, local: Local) -> list[str]:
    wanted = output.get("identityagent", "SSH_AUTH_SOCK")
    if wanted == "SSH_AUTH_SOCK":
        wanted = local.environment.get(wanted, "")
    elif wanted.startswith("$") and not wanted.startswith("${"):
        wanted = local.environment.get(wanted[1:], "")
    return [wanted]


def _not_honoured(output: Output) -> tuple[str, ...]:
    """Directives that are in force and have no counterpart here, each with its reason."""
    found = []
    if output.on("gssapiauthentication", False):
        found.append(phrase("GSSAPIAuthentication yes: Kerberos logins are not supported; use a key or a password"))
    if output.on("hostbasedauthentication", False):
        found.append(phrase("HostbasedAuthentication yes: logins by the host's own key are not supported"))
    if _none(output.get("pkcs11provider")):
        found.append(phrase("PKCS11Provider: smart cards are used through ssh-agent only (ssh-add -s)"))
    if output.get("securitykeyprovider", "internal") not in ("internal", "none", ""):
        found.append(phrase("SecurityKeyProvider: security keys are used through ssh-agent only (ssh-add)"))
    if _none(output.get("knownhostscommand")):
        found.append(phrase("KnownHostsCommand: only known_hosts files are looked at"))
    if output.on("verifyhostkeydns", False) or output.get("verifyhostkeydns") == "ask":
        found.append(phrase("VerifyHostKeyDNS: SSHFP records are not looked up"))
    if _none(output.get("revokedhostkeys")):
        found.append(phrase("RevokedHostKeys: only @revoked lines of known_hosts are looked at"))
    if output.on("nohostauthenticationforlocalhost", False):
        found.append(phrase("NoHostAuthenticationForLocalhost yes: host keys are always checked"))
    if output.on("proxyusefdpass", False):
        found.append(phrase("ProxyUseFdpass yes: a ProxyCommand is joined through its stdin and stdout only"))
    if output.get("stricthostkeychecking").lower() in ("no", "off", "false"):
        found.append(phrase("StrictHostKeyChecking no: unknown keys are saved, changed keys are refused all the same"))
    if output.get("tunnel", "false") not in ("false", "no"):
        found.append(phrase("Tunnel: not opened"))
    return tuple(found)


def existing(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Those of *paths* that are files that can be opened."""
    return tuple(path for path in paths if Path(path).is_file())
