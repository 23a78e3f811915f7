"""What hostile hosts do: a catalogue of plays for :mod:`tests.e2e.hostile_host`."""

from __future__ import annotations

import asyncio
import itertools
import re
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncssh
from asyncssh.packet import String, UInt32

from tests.e2e.hostile_host import Channel, Play, Question, true
from tui.domain.text import encode

__all__ = ["ENDINGS", "ESCAPES", "FLOODS", "HANGS", "LIES", "NOISES", "WORDS"]

ESCAPES = encode(
    "\x1b]0;PWNED\x07\x1b[31mPWN\x1b]52;c;UFdO\x1b\\[red]x[/y][@click=app.quit]\u009b31m\u202e\u2028\u200b\x08\x7f\r"
) + b"\x9b31m\xff\xfe"  # fmt: skip
"""Colours, titles, the clipboard, C1 controls, markup, direction marks and bytes that are no UTF-8."""
WORDS = "\x1b]0;PWNED\x07\x1b[31mPWN[red]x[/y]\u202e\u009b31m\x08"
"""The same where only text is possible."""
BLOCK = 1 << 17


# -- answers of which each field is a lie ----------------------------------------------------------------


def split(body: bytes) -> list[list[bytes]]:
    """Records as lists: the tag with its sign, then the fields."""
    parts = body.split(b"\0")
    found, at = [], 0
    while at + 1 < len(parts):
        count = int(parts[at + 1])
        found.append([parts[at], *parts[at + 2 : at + 2 + count]])
        at += 2 + count
    return found


def join(records: list[list[bytes]]) -> bytes:
    """The body that *records* make."""
    return b"".join(b"%s\0%d\0" % (tag, len(rest)) + b"".join(f + b"\0" for f in rest) for tag, *rest in records)


def _each_field(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def changed(body: bytes) -> bytes:
        if not body.startswith(b"="):  # an answer of lines
            return b"".join(change(line) + b"\n" for line in body.splitlines())
        return join([[tag, *map(change, rest)] for tag, *rest in split(body)])

    return changed


def _all_records(change: Callable[[list[list[bytes]]], list[list[bytes]]]) -> Callable[[bytes], bytes]:
    return lambda body: join(change(split(body))) if body.startswith(b"=") else body + body


def _digits(to: bytes) -> Callable[[bytes], bytes]:
    return _each_field(lambda field: re.sub(rb"\d+", lambda _: to, field))


def _lie(change: Callable[[bytes], bytes]) -> Play:
    async def answer(question: Question, channel: Channel) -> None:
        body = await channel.honest(question)
        await channel.answer(question, body if question.name in ("greet", "alive") else change(body))

    return Play(answer)


LIES: dict[str, Play] = {
    "suffixed": _lie(_each_field(lambda field: field + ESCAPES)),
    "words": _lie(_each_field(lambda field: re.sub(rb"[a-z]{3,}", lambda _: ESCAPES, field))),
    "replaced": _lie(_each_field(lambda field: ESCAPES)),
    "undecodable": _lie(_each_field(lambda field: field.replace(b"/", b"/\xff\xc3\xed\xa0\x80"))),
    "long": _lie(_each_field(lambda field: field.replace(b"e", b"e" * 10_000, 3))),
    "longend": _lie(_each_field(lambda field: field + b"x" * 10_000)),
    "huge": _lie(_digits(b"9" * 30)),
    "far": _lie(_digits(b"9" * 18)),
    "before": _lie(_digits(b"-" + b"9" * 18)),
    "date": _lie(_digits(b"99999999")),
    "infinite": _lie(_digits(b"1e999")),
    "nan": _lie(_digits(b"NaN")),
    "negative": _lie(_digits(b"-1")),
    "zero": _lie(_digits(b"0")),
    "empty": _lie(_each_field(lambda field: b"")),
    "torn": _lie(_each_field(lambda field: field.replace(b" ", b"\n"))),
    "nulled": _lie(lambda body: body.replace(b"/", b"\0")),
    "cut": _lie(lambda body: body[: len(body) // 2]),
    "bare": _lie(_all_records(lambda found: [[tag] for tag, *_ in found])),
    "backwards": _lie(_all_records(lambda found: found[::-1])),
    "repeated": _lie(_all_records(lambda found: found * 50)),
    "nothing": _lie(lambda body: b""),
}
"""Each question answered in time and well framed, with a body that lies."""


# -- too much --------------------------------------------------------------------------------------------


def _flood(pieces: Callable[[], Iterator[bytes]], *questions: str, framed: bool = True) -> Play:
    async def answer(question: Question, channel: Channel) -> None:
        if question.name not in questions:
            await true(question, channel)
            return
        if framed:
            await channel.put(b"\n@%s{" % question.nonce)
        packer = zlib.compressobj(1, zlib.DEFLATED, 31) if question.packed and framed else None
        for piece in pieces():
            await channel.put(packer.compress(piece) if packer else piece)
            await asyncio.sleep(0)  # the good host lives in the same loop
        await channel.put((packer.flush() if packer else b"") + b"\n@%s}0\n" % question.nonce)

    return Play(answer)


def _forever(piece: bytes) -> Callable[[], Iterator[bytes]]:
    block = piece * (BLOCK // len(piece) + 1)
    return lambda: itertools.repeat(block)


def _environments() -> Iterator[bytes]:
    for number in itertools.count():
        prefix = b"/srv/envs/%09d" % number
        fields = (prefix, b"d", b"2", prefix, b"", b"y", b"1", b"y", b"", b"")
        yield b"=env\x0010\0" + b"".join(field + b"\0" for field in fields)


def _in_blocks(records: Callable[[], Iterator[bytes]], most: int | None = None) -> Callable[[], Iterator[bytes]]:
    def blocks() -> Iterator[bytes]:
        source = itertools.islice(records(), most)
        while block := b"".join(itertools.islice(source, 1000)):
            yield block

    return blocks


def _foreign() -> Iterator[bytes]:
    for number in itertools.count():
        yield b"\n@%016x{=end\x000\0\n@%016x}0\n" % (number, number)


def _packages() -> Iterator[bytes]:
    yield b"=pk\x001\0Uhttps://x/y\n"
    for number in range(400_000):
        yield b"Pname%d-1.%d-0\t1\n" % (number, number)


async def _window(question: Question, channel: Channel) -> None:
    """More than the client has room for, at once."""
    if question.name != "inventory_places":
        await true(question, channel)
        return
    channel.ssh._send_window = 1 << 31
    for _ in range(400):
        await channel.put(b"x" * BLOCK)
        await asyncio.sleep(0)


ASKED = "inventory_places"
FLOODS: dict[str, Play] = {
    "lines": _flood(_forever(b"=x y\n"), ASKED),
    "no-newline": _flood(_forever(b"x"), "inventory_scan"),
    "gigabyte-line": _flood(lambda: itertools.repeat(b"y" * BLOCK, 8192), "status"),
    "noise-first": _flood(_forever(b"Welcome!\n"), ASKED, framed=False),
    "noise-at-greeting": _flood(_forever(ESCAPES), "greet", framed=False),
    "greeting": _flood(_forever(b"1"), "greet"),
    "environments": _flood(_in_blocks(_environments), "inventory_scan"),
    "tiny-records": _flood(_forever(b"=x\x000\0"), "inventory_scan"),
    "one-record": _flood(lambda: itertools.chain([b"=env\x009999999\0"], _forever(b"a\0")()), ASKED),
    "nuls": _flood(_forever(b"\0"), "inventory_scan", "inventory_uses"),
    "zip-bomb": _flood(lambda: itertools.repeat(bytes(1 << 22)), "inventory_packages", "inventory_uses"),
    "packages": _flood(_in_blocks(_packages), "inventory_packages"),
    "not-asked": _flood(_in_blocks(_foreign), "status", ASKED, framed=False),
    "window": Play(_window),
}
"""One question answered without an end, or far too large."""


# -- nothing, or not yet ---------------------------------------------------------------------------------


def _at(name: str, act: Callable[[Question, Channel], Awaitable[None]]) -> Play:
    async def answer(question: Question, channel: Channel) -> None:
        await (act if question.name == name else true)(question, channel)

    return Play(answer)


async def _complains(question: Question, channel: Channel) -> None:
    while True:
        await channel.complain(ESCAPES * 1000)


async def _silent(question: Question, channel: Channel) -> None:
    pass


async def _drips(question: Question, channel: Channel) -> None:
    for byte in channel.frame(question, b"=at\x001\0/home\0" * 100):
        await channel.put(bytes([byte]))
        await asyncio.sleep(1)


async def _no_end(question: Question, channel: Channel) -> None:
    whole = channel.frame(question, await channel.honest(question))
    await channel.put(whole[: whole.rindex(b"\n@")])


async def _other_nonce(question: Question, channel: Channel) -> None:
    body = await channel.honest(question)
    await channel.put(b"\n@%s{%s\n@%s}0\n" % (question.nonce[::-1], body, question.nonce[::-1]))


async def _other_end(question: Question, channel: Channel) -> None:
    body = await channel.honest(question)
    await channel.put(b"\n@%s{%s\n@%s}0\n" % (question.nonce, body, question.nonce[::-1]))


HANGS: dict[str, Play] = {
    "mute": _at("inventory_places", _silent),
    "mute-at-greeting": _at("greet", _silent),
    "mute-status": _at("status", _silent),
    "complains": _at("inventory_places", _complains),
    "drips": _at("inventory_scan", _drips),
    "no-end": _at("inventory_scan", _no_end),
    "other-nonce": _at("inventory_places", _other_nonce),
    "other-end": _at("inventory_places", _other_end),
}
"""A question that is never answered as it should be."""


# -- a bad end -------------------------------------------------------------------------------------------


async def _bad_status(question: Question, channel: Channel) -> None:
    await channel.put(b"\n@%s{\n@%s}%s\n" % (question.nonce, question.nonce, ESCAPES))


async def _not_packed(question: Question, channel: Channel) -> None:
    await channel.put(b"\n@%s{%s\n@%s}0\n" % (question.nonce, ESCAPES, question.nonce))


async def _ends(question: Question, channel: Channel) -> None:
    await channel.complain(ESCAPES * 100)
    await channel.put(b"\n@%s{=at\x001\0/ho" % question.nonce)
    channel.process.exit(3)


async def _eof(question: Question, channel: Channel) -> None:
    whole = channel.frame(question, await channel.honest(question))
    await channel.put(whole[: len(whole) // 2])
    channel.process.stdout.write_eof()


async def _statuses(question: Question, channel: Channel) -> None:
    await channel.put(b"\n@%s{" % question.nonce)
    for number in range(5_000):
        channel.ssh._send_request(b"exit-status", UInt32(number))
        await asyncio.sleep(0)
    channel.ssh._send_request(b"exit-signal", String(ESCAPES), b"\1", String(ESCAPES), String(ESCAPES))


async def _says_goodbye(question: Question, channel: Channel) -> None:
    channel.connection.disconnect(asyncssh.DISC_SERVICE_NOT_AVAILABLE, WORDS * 20, "xx")


async def _hangs_up(question: Question, channel: Channel) -> None:
    await channel.put(b"\n@%s{" % question.nonce)
    channel.connection.abort()


async def _calls_back(question: Question, channel: Channel) -> None:
    """Ask the client for connections, agents and displays: it must give none."""
    place = (String(b"127.0.0.1"), UInt32(22))
    wanted = {b"forwarded-tcpip": place * 2, b"auth-agent@openssh.com": (), b"x11": place, b"session": ()}
    for kind, extra in wanted.items():
        chan = asyncssh.SSHTCPChannel(channel.connection, channel.connection._loop, "utf-8", "strict", 1 << 20, 1 << 15)
        try:
            await chan._open(kind, *extra)
        except asyncssh.ChannelOpenError:
            continue
        raise AssertionError(f"the client opened a channel of the kind {kind!r} for its host")
    await true(question, channel)


ENDINGS: dict[str, Play] = {
    "bad-status": _at("inventory_places", _bad_status),
    "not-packed": _at("inventory_packages", _not_packed),
    "ends": _at("inventory_places", _ends),
    "ends-at-greeting": _at("greet", _ends),
    "eof": _at("inventory_scan", _eof),
    "exit-statuses": _at("inventory_scan", _statuses),
    "goodbye": _at("inventory_places", _says_goodbye),
    "hangs-up": _at("inventory_scan", _hangs_up),
    "drops-sessions": Play(drops=True),
    "calls-back": _at("inventory_places", _calls_back),
}
"""A channel or a connection that ends as it should not."""


# -- before any login ------------------------------------------------------------------------------------


def _packet(payload: bytes) -> bytes:
    pad = 16 - (len(payload) + 5) % 8
    return struct.pack(">IB", len(payload) + pad + 1, pad) + payload + bytes(pad)


def _say(*words: bytes, forever: bytes = b"") -> Callable[[socket.socket], None]:
    def say(peer: socket.socket) -> None:
        peer.sendall(b"".join(words))
        while forever:
            peer.sendall(forever)

    return say


def _names(*lists: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(names)) + names for names in lists)


def _kexinit(key_type: bytes) -> bytes:
    lists = (b"curve25519-sha256", key_type, *(b"aes128-ctr",) * 2, *(b"hmac-sha2-256",) * 2, *(b"none",) * 2, b"", b"")
    return _packet(b"\x14" + bytes(16) + _names(*lists) + bytes(5))


GREETING = b"SSH-2.0-x\r\n"
NOISES: dict[str, Callable[[socket.socket], None]] = {
    "greeting-escapes": _say(b"SSH-2.0-" + ESCAPES.replace(b"\r", b"") + b"\r\n", _kexinit(b"ssh-ed25519")),
    "endless-greeting": _say(b"SSH-2.0-", forever=b"x" * BLOCK),
    "endless-lines": _say(forever=(ESCAPES.replace(b"\r", b"") + b"\r\n") * 1000),
    "web-server": _say(b"HTTP/1.1 400 Bad Request\r\nServer: " + ESCAPES + b"\r\n\r\n"),
    "goodbye-first": _say(GREETING, _packet(b"\x01" + struct.pack(">I", 11) + _names(WORDS.encode() * 30, b"xx"))),
    "odd-key-types": _say(GREETING, _kexinit(b"ssh-dss,rot13@example.com," + WORDS.encode())),
    "undecodable-names": _say(GREETING, _kexinit(b"ssh-\xff\xfe\x1b[31m")),
    "huge-packet": _say(GREETING, b"\xff" * BLOCK),
    "short-packet": _say(GREETING, b"\0\0\0\1\xff" + bytes(64)),
    "random": _say(GREETING, bytes(range(256)) * 500),
    "debug-forever": _say(GREETING, forever=_packet(b"\x04\1" + _names(WORDS.encode() * 100, b"")) * 20),
    "ignored-forever": _say(GREETING, forever=_packet(b"\x02" + _names(b"x" * 30_000))),
    "hangs-up-at-once": lambda peer: peer.shutdown(socket.SHUT_WR),
}
"""What a peer says instead of a decent handshake."""


def greeting_plays() -> dict[str, Play]:
    """Hosts that talk at the login."""

    def debug(connection: Any) -> None:
        for _ in range(50):
            connection.send_debug(WORDS * 50, always_display=True)

    return {
        "banner": Play(banner=WORDS * 200),
        "questions": Play(prompts=(WORDS, WORDS * 50 + "Password: ", "[bold]code[/bold]\x1b[2J: ")),
        "debug": Play(on_login=debug),
    }
