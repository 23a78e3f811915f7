"""One attempt to log in: what the SSH library asks back, answered by host keys, keys and the person."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import asyncssh

from tui.domain.phrases import phrase
from tui.domain.text import printable
from tui.fleet.deadline import Deadline
from tui.fleet.faults import Phase, clean
from tui.fleet.keys import MOST_OFFERED, Candidate, KeyFile, KeyStore, agent_keys, candidates
from tui.fleet.knownhosts import Entry, Trust, Verdict, append_line
from tui.fleet.prompts import Prompts, Secrets
from tui.fleet.resolved import Resolved
from tui.ports import SecretKind, SecretQuestion

__all__ = ["HostKeyProblem", "Login", "LoginContext"]

_CODE = re.compile(r"\b(code|otp|token|one-time|verification|passcode|duo|2fa|factor)\b", re.IGNORECASE)
_PASSWORD = re.compile(r"\b(password|passwort|mot de passe|contraseña)\b|パスワード|密码|密碼", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HostKeyProblem:
    """A host key, or a host certificate's authority, that was not accepted."""

    verdict: Verdict
    key_type: str
    key: str
    """base64"""
    entry: Entry | None = None
    authority: bool = False


@dataclass(slots=True)
class LoginContext:
    """What one attempt works with."""

    resolved: Resolved
    trust: Trust
    offered: frozenset[str]
    accepted: frozenset[str]
    """Keys (base64) accepted by the person before, without saving."""
    prompts: Prompts
    secrets: Secrets
    keys: KeyStore
    deadline: Deadline
    report: Callable[[str], None]
    asked: Callable[[], None]
    """Called when a person is asked: others may go on meanwhile."""
    worked: bytes | None = None
    """The public key that worked last time."""
    only_key: bool = False
    """Look at the server's key and go away before any login."""


@dataclass(slots=True)
class LoginRecord:
    """What happened, for facts and faults."""

    phase: Phase = Phase.BANNER
    begun: set[str] = field(default_factory=set)
    """Methods that came up, whether or not there was anything to send."""
    tried: list[str] = field(default_factory=list)
    """Methods for which a key, a password or an answer was sent."""
    keys: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    accepts: tuple[str, ...] = ()
    unanswered: str = ""
    """What was asked for and not given."""
    host_key: HostKeyProblem | None = None
    host_key_name: str | None = None
    saved: bool = False
    last: Candidate | None = None
    method: str | None = None


class Login(asyncssh.SSHClient):
    """Lives as long as its connection; :attr:`record` says what happened so far."""

    def __init__(self, context: LoginContext) -> None:
        self._context = context
        self.record = LoginRecord()
        self._candidates: list[Candidate] | None = None
        self._offered = 0
        self._agent: asyncssh.SSHAgentClient | None = None
        self._attempts = 0
        self._challenged = True
        self._kept_used = False
        self._given: str | None = None
        self._asking: asyncio.Task[str | None] | None = None
        self.on_lost: Callable[[Exception | None], None] | None = None

    # -- the connection -----------------------------------------------------------------------------

    def connection_lost(self, exc: Exception | None) -> None:
        self.forget_agent()
        if self.on_lost is not None:
            self.on_lost(exc)

    def begin_auth(self, username: str) -> None:
        self.record.phase = Phase.LOGIN

    def auth_completed(self) -> None:
        if self._given is not None and self.record.method in ("password", "keyboard-interactive"):
            self._context.secrets.keep(self._account, self._given)
        self.forget_agent()

    def forget_agent(self) -> None:
        """Close the agent; it is not needed after the login."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    async def late_answer(self) -> bool:
        """True when a password came after the server had given up waiting: trying again will use it."""
        if self._asking is None or self._asking.done():
            return False
        with self._context.deadline.paused():
            answer = await self._asking
        if answer is None:
            return False
        self._context.secrets.keep(self._account, answer)
        return True

    def cancel(self) -> None:
        """Take back a question that nobody waits for any more."""
        if self._asking is not None:
            self._asking.cancel()

    # -- the server's key ---------------------------------------------------------------------------

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        context, resolved = self._context, self._context.resolved
        key_type, text = key.algorithm.decode("ascii", "replace"), base64.b64encode(key.public_data).decode()
        self.record.host_key_name = f"{key_type} {key.get_fingerprint()}"
        verdict, entry = context.trust.judge(key_type, text, context.offered)
        if context.only_key:
            self.record.host_key = HostKeyProblem(verdict, key_type, text, entry)
            return False
        if verdict is Verdict.KNOWN or (verdict is Verdict.UNKNOWN and text in context.accepted):
            return True
        if verdict is Verdict.UNKNOWN and resolved.strict in ("accept-new", "off"):
            self._save(key_type, text)
            return True
        self.record.host_key = HostKeyProblem(verdict, key_type, text, entry)
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        key_type, text = key.algorithm.decode("ascii", "replace"), base64.b64encode(key.public_data).decode()
        self.record.host_key_name = f"{key_type} {key.get_fingerprint()} (certificate authority)"
        verdict, entry = self._context.trust.judge_authority(text)
        if verdict is Verdict.KNOWN:
            return True
        self.record.host_key = HostKeyProblem(verdict, key_type, text, entry, authority=True)
        return False

    def _save(self, key_type: str, text: str) -> None:
        resolved = self._context.resolved
        if not resolved.known_hosts:
            return
        try:
            append_line(resolved.known_hosts[0], resolved.key_name, key_type, text, hashed=resolved.hash_known_hosts)
            self._context.report(
                phrase(
                    "saved its new {key_type} key in {file}",
                    key_type=key_type,
                    file=resolved.known_hosts[0],
                )
            )
        except OSError as error:
            self._context.report(
                phrase(
                    "its new key could not be saved in {file}: {reason}",
                    file=resolved.known_hosts[0],
                    reason=str(error.strerror),
                )
            )

    # -- keys ---------------------------------------------------------------------------------------

    async def first_key(self) -> bytes | None:
        """The public key to begin the login with, by a signature, in place of asking what the server would take.

        None where it is better to ask: signing would ask somebody, the person wants another method first, or the
        server would lose patience before all keys were offered, should this one be wrong.
        """
        resolved = self._context.resolved
        if not resolved.publickey or resolved.preferred[:1] != ("publickey",):
            return None
        ordered = await self._ordered()
        if not ordered:
            return None
        likely = ordered[0].here and len(ordered) < MOST_OFFERED
        return ordered[0].blob if likely or ordered[0].blob == self._context.worked else None

    async def _ordered(self) -> list[Candidate]:
        context = self._context
        if self._candidates is None:
            self._agent, pairs = await agent_keys(context.resolved.agent)
            self._candidates = await candidates(
                context.resolved,
                context.keys,
                pairs,
                context.worked,
                self._ask_passphrase,
                self._locked,
                self.record.problems.append,
            )
        return self._candidates

    async def public_key_auth_requested(self) -> Sequence[asyncssh.SSHKeyPair] | None:
        context = self._context
        self._begin("publickey")
        ordered = await self._ordered()
        self.record.last = None
        if self._offered == MOST_OFFERED < len(ordered):
            self.record.problems.append(
                phrase(
                    "only {some} of {all} keys were offered: name the right one as `identity`",
                    some=MOST_OFFERED,
                    all=len(ordered),
                )
            )
        if self._offered >= min(MOST_OFFERED, len(ordered)):
            return None
        candidate = self.record.last = ordered[self._offered]
        self._offered += 1
        self._tried("publickey")
        self.record.keys.append(candidate.label)
        context.report(phrase("authenticating with {method}", method=printable(candidate.label)))
        return [candidate.pair]

    async def _ask_passphrase(self, file: KeyFile, attempt: int) -> str | None:
        if self.record.unanswered:
            return None
        question = SecretQuestion(
            self._context.resolved.name, SecretKind.PASSPHRASE, phrase("Passphrase of the key"),
            detail=printable(file.path), attempt=attempt,
        )  # fmt: skip
        return await self._ask(question)

    def _locked(self, file: KeyFile) -> None:
        self.record.unanswered = phrase("the passphrase of {file}", file=clean(file.path))

    # -- passwords and questions ---------------------------------------------------------------------

    @property
    def _account(self) -> tuple[str, str, int]:
        resolved = self._context.resolved
        return resolved.user, resolved.hostname, resolved.port

    async def password_auth_requested(self) -> str | None:
        if not self._may_ask():
            return None
        self._begin("password")
        resolved = self._context.resolved
        prompt = phrase(
            "Password of {user} on {address}", user=printable(resolved.user), address=printable(resolved.hostname)
        )
        answer = await self._password(SecretQuestion(resolved.name, SecretKind.PASSWORD, prompt))
        if answer is not None:
            self._tried("password")
        return answer

    def kbdint_auth_requested(self) -> str | None:
        # A server that offers this method and then asks nothing (sshd without PAM) fails it for ever.
        if not self._may_ask() or not self._challenged:
            return None
        self._challenged = False
        self._begin("keyboard-interactive")
        return ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        detail = "\n".join(printable(line) for line in f"{name}\n{instructions}".splitlines() if line.strip())[:2000]
        answers = []
        self._challenged = True
        for text, echo in prompts[:16]:
            kind = (
                SecretKind.ONE_TIME_CODE
                if _CODE.search(text)
                else SecretKind.PASSWORD
                if _PASSWORD.search(text) and not echo
                else SecretKind.INTERACTIVE
            )
            question = SecretQuestion(self._context.resolved.name, kind, clean(text), detail, echo, self._attempts + 1)
            if kind is SecretKind.PASSWORD:
                answer = await self._password(question)
            else:
                self._attempts += 1
                answer = await self._ask(question)
            if answer is None:
                self.record.unanswered = self.record.unanswered or clean(text).rstrip(": ") or phrase("an answer")
                return None
            answers.append(answer)
        if answers:
            self._tried("keyboard-interactive")
        return answers

    def _may_ask(self) -> bool:
        return not self.record.unanswered and self._attempts < self._context.resolved.prompts

    async def _password(self, question: SecretQuestion) -> str | None:
        secrets = self._context.secrets
        kept = secrets.get(self._account)
        if kept is not None and not self._kept_used:
            self._kept_used = True
            self._given = kept
            return kept
        secrets.drop(self._account)
        self._attempts += 1
        answer = await self._ask(
            SecretQuestion(
                question.host, question.kind, question.prompt, question.detail, question.echo, self._attempts
            )
        )
        if answer is None:
            self.record.unanswered = phrase("a password")
        self._given = answer
        return answer

    async def _ask(self, question: SecretQuestion) -> str | None:
        context = self._context
        context.asked()
        context.report(phrase("asking for {what}", what=_WHAT[question.kind]))
        # A task of its own: when the server loses patience and hangs up, the person may go on typing.
        self._asking = asyncio.get_running_loop().create_task(context.prompts.secret(question))
        try:
            with context.deadline.paused():
                return await asyncio.shield(self._asking)
        except asyncio.CancelledError:
            if question.kind is not SecretKind.PASSWORD:
                self._asking.cancel()
            raise

    def _begin(self, method: str) -> None:
        if method != "publickey" and method not in self.record.begun:
            self._context.report(phrase("authenticating with {method}", method=method))
        self.record.method = method
        self.record.begun.add(method)

    def _tried(self, method: str) -> None:
        if method not in self.record.tried:
            self.record.tried.append(method)


_WHAT = {
    SecretKind.PASSWORD: phrase("the password"),
    SecretKind.ONE_TIME_CODE: phrase("a one-time code"),
    SecretKind.PASSPHRASE: phrase("the passphrase of a key"),
    SecretKind.INTERACTIVE: phrase("an answer"),
}
