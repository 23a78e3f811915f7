r"""The one redactor: no secret is written down.

It stands before every log line, stored snapshot, history, archive and copy, and works on *values*
(a command line, a message, an address), never on a serialised document, whose quotes and commas it
might take for a part of a secret. Where a secret's end is in doubt it takes too much, not too little.

Replaced by :data:`PLACEHOLDER`:

- user and password of a URL, a conda channel's ``/t/TOKEN``;
- values of names that look secret: ``HF_TOKEN=…``, ``PGPASSWORD=…``, ``--password …``, ``--token=…``,
  ``"api_key": …``, ``?token=…``; ``Authorization`` and ``Cookie`` headers; ``-u USER:PASSWORD``;
- tokens known by their shape (Hugging Face, GitHub, GitLab, OpenAI, AWS, Slack, JWT, …) and private keys.

Every pattern takes linear time, whatever the text; redacting twice changes nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["PLACEHOLDER", "looks_secret", "redact", "redact_argv"]

PLACEHOLDER = "REDACTED"

_URL = re.compile(r"(?<![A-Za-z0-9+.-])(?:[A-Za-z][A-Za-z0-9+.-]*+:)?//[^\s'\"<>]++")
_USERINFO = re.compile(r"(?<=//)[^/?#\s]*@")
_CHANNEL_TOKEN = re.compile(r"(?<=/t/)[^/\s?#'\"]+")
# A channel written without its scheme: conda.anaconda.org/t/TOKEN/name, or a token of conda's own form.
_BARE_CHANNEL = re.compile(
    r"(\.[A-Za-z]{2,12}(?::[0-9]{1,5})?/t/)[^/\s?#'\"]+"
    r"|(/t/)(?:[A-Za-z]{2}-)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:[^-]|-(?!----))*+(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?"
)
_SHAPES = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_[A-Za-z0-9]{16,}"
    r"|gh[opusr]_[A-Za-z0-9]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}"
    r"|glpat-[A-Za-z0-9_-]{16,}"
    r"|sk-(?:[a-z0-9]{2,10}-){0,3}[A-Za-z0-9_]{16,}[A-Za-z0-9_-]*"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|nvapi-[A-Za-z0-9_-]{20,}"
    r"|npm_[A-Za-z0-9]{30,}"
    r"|pypi-[A-Za-z0-9_-]{50,}"
    r"|dapi[0-9a-f]{32}(?![0-9a-f])"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
    r")"
)
_BEARER = re.compile(r"((?i:(?<![A-Za-z0-9])bearer)[ \t]{1,4})[A-Za-z0-9._~+/=-]{16,}")
_LOGIN = re.compile(r"((?<!\S)(?:-u|--user|--proxy-user)(?:[ \t]{1,4}|=))(?![0-9]+:[0-9]+(?!\S))[^\s:]+:\S+")
_LOGIN_OPTIONS = frozenset({"-u", "--user", "--proxy-user"})
_SSHPASS = re.compile(r"((?<![A-Za-z0-9])sshpass[ \t]{1,4}-p[ \t]{0,4})(?!\s)\S+")
_WANDB = re.compile(r"((?<![A-Za-z0-9])wandb[ \t]{1,4}login[ \t]{1,4}(?:--relogin[ \t]{1,4})?)[A-Za-z0-9_-]{20,}")

# A name and what parts it from its value; the value is looked at only when the name looks secret.
_NAMED = re.compile(
    r"""(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]++)(["']?[ \t]{0,16}[:=][ \t]{0,16}|[ \t]{1,16}(?=[^\s=:]))"""
)
_VALUE = re.compile(r"""\$?"(?:[^"\\]|\\.)*+"|\$?'[^']*+'|\S+""", re.DOTALL)
_QUERY_VALUE = re.compile(r"""[^&#\s'"]*""")
_HEADER_VALUE = re.compile(rf"""(?:(?!{PLACEHOLDER}[ \t])[A-Za-z][A-Za-z0-9-]{{0,20}}[ \t]{{1,4}})?[^\s'"]+""")
_COOKIE_VALUE = re.compile(r"""[^'"\r\n]+""")
_TRAILING = "\"'),;]}"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SECRET_WORDS = _words(
    "password passwd passphrase passcode secret token apikey authtoken accesstoken secretkey credential credentials "
    "pgpassword sshpass"
)
_SECRET_ENDINGS = ("password", "passwd", "passphrase", "apikey")
_SECRET_AFTER_ANOTHER = frozenset({"pass", "pwd", "pw"})
_KEY_KINDS = _words("api access secret private auth account encryption signing master storage shared license")
_HARMLESS_LAST = _words(
    "file files path dir folder type types len length count limit limits size name names url uri endpoint parallelism "
    "expiry expires ttl timeout policy field level prompt enabled required store helper provider callback"
)
_TOKENS_OF_TEXT = _words("pad eos bos unk sep cls mask image audio video special stop start end decoder")
_HEADERS = frozenset({"authorization", "proxy-authorization"})
_COOKIES = frozenset({"cookie", "set-cookie"})


def looks_secret(name: str) -> bool:
    """Whether a variable, an option or a key called *name* is likely to hold a secret.

    A word in an upper-case name decides wherever it stands (``SECRET_TOKEN_PROD``); in other names it
    must come last, so that packages such as ``tokenizers`` and options such as ``--token-type`` stay.
    """
    if len(name) > 200:
        name = name[-200:]
    words = [word.lower() for word in _WORDS.findall(name)]
    while len(words) > 1 and words[-1].isdigit():
        words.pop()
    if not words or words[-1] in _HARMLESS_LAST:
        return False
    if len(words) > 1 and words[-1] == "token" and words[-2] in _TOKENS_OF_TEXT:
        return False
    upper = name.isupper()
    for at, word in enumerate(words):
        if at < len(words) - 1 and not upper:
            continue
        if word in _SECRET_WORDS or word.endswith(_SECRET_ENDINGS):
            return True
        if at and (word in _SECRET_AFTER_ANOTHER or (upper and word in ("auth", "pass"))):
            return True
        if at and word == "key" and (upper or words[at - 1] in _KEY_KINDS):
            return True
    return False


def redact(text: str) -> str:
    """*text* with every secret that can be recognised replaced by :data:`PLACEHOLDER`."""
    if not text:
        return text
    if "//" in text:
        text = _URL.sub(_redact_url, text)
    if "/t/" in text:
        text = _BARE_CHANNEL.sub(lambda match: (match[1] or match[2]) + PLACEHOLDER, text)
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub(PLACEHOLDER, text)
    text = _SHAPES.sub(PLACEHOLDER, text)
    text = _redact_named(text)
    text = _BEARER.sub(rf"\g<1>{PLACEHOLDER}", text)
    text = _LOGIN.sub(rf"\g<1>{PLACEHOLDER}:{PLACEHOLDER}", text)
    text = _WANDB.sub(rf"\g<1>{PLACEHOLDER}", text)
    return _SSHPASS.sub(rf"\g<1>{PLACEHOLDER}", text)


def redact_argv(argv: Iterable[str]) -> tuple[str, ...]:
    """The words of a command line, each redacted with what the option before it tells of it."""
    found: list[str] = []
    before = ""
    for word in argv:
        if before.startswith("-") and "=" not in before and looks_secret(before) and not word.startswith("--"):
            found.append(PLACEHOLDER)
        else:
            # A login is known by the option before it alone: what stands between them is of one line.
            pair = redact(f"{before} {word}") if before in _LOGIN_OPTIONS else ""
            found.append(pair.removeprefix(f"{before} ") if pair.startswith(f"{before} ") else redact(word))
        before = word
    return tuple(found)


def _redact_url(match: re.Match[str]) -> str:
    url = match[0]
    scheme = url.partition("//")[0].lower()
    harmless_user = scheme in ("", "ssh:", "sftp:", "git+ssh:", "file:")

    def userinfo(part: re.Match[str]) -> str:
        if harmless_user and ":" not in part[0]:
            return part[0]  # ssh://git@host names an account, it gives no secret away
        return f"{PLACEHOLDER}@"

    return _CHANNEL_TOKEN.sub(PLACEHOLDER, _USERINFO.sub(userinfo, url))


def _redact_named(text: str) -> str:
    out: list[str] = []
    end = 0
    for match in _NAMED.finditer(text):
        start = match.end()
        if match.start() < end or start >= len(text):
            continue
        value = _secret_value(text, match)
        if value is None:
            continue
        stop = value.end()
        bare = value[0] if value[0][0] in "\"'$" else value[0].rstrip(_TRAILING)
        if not bare:
            continue
        tail = value[0][len(bare) :]
        out += (text[end:start], _quoted_placeholder(value[0]), tail)
        end = stop
    return "".join((*out, text[end:])) if out else text


def _secret_value(text: str, match: re.Match[str]) -> re.Match[str] | None:
    """The secret that follows the name in *match*; None when the name or what follows is harmless."""
    name, between, start = match[1], match[2], match.end()
    lowered = name.lower().lstrip("-")
    if between.isspace():
        # Only an option takes its value after a space, and another option is no value.
        if not name.startswith("-") or text.startswith("--", start) or not looks_secret(name):
            return None
        return _VALUE.match(text, start)
    if lowered in _HEADERS:
        return _HEADER_VALUE.match(text, start)
    if lowered in _COOKIES and ":" in between:
        return _COOKIE_VALUE.match(text, start)
    if not looks_secret(name):
        return None
    before = text[match.start() - 1 : match.start()]
    found = (_QUERY_VALUE if before and before in "?&" else _VALUE).match(text, start)
    return found if found and found[0] else None


def _quoted_placeholder(value: str) -> str:
    """The placeholder, in quotes where the whole value stood in quotes."""
    bare = value.removeprefix("$")
    if len(bare) >= 2 and bare[0] in "\"'" and bare[-1] == bare[0]:
        return f"{bare[0]}{PLACEHOLDER}{bare[0]}"
    return PLACEHOLDER
