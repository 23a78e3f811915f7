"""``ssh -G``: OpenSSH reads its own configuration, and says what it would do for a host.

Include, Match, canonical names and patterns are thereby right by construction. A run costs 4 to 8 ms,
so that few run at once, hosts that must be answered alike share one (see :mod:`tui.fleet.blocks`), and
each answer is kept until :meth:`SshConfig.forget`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.phrases import phrase
from tui.fleet.blocks import Blocks, files_read, scan
from tui.fleet.faults import clean
from tui.fleet.resolved import DEFAULT_IDENTITIES, Local, Output, Resolved, build, parse_output

__all__ = ["SshConfig", "local_machine"]

_AT_ONCE = 4
_SCAN_S = 2.0
_SYSTEM = Path("/etc/ssh/ssh_config")
_LIMIT_S = 15.0


def local_machine(environment: Mapping[str, str]) -> Local:
    """This machine and account; the home directory is the account's, as for OpenSSH, not ``$HOME``."""
    try:
        account = pwd.getpwuid(os.getuid())
        user, home = account.pw_name, account.pw_dir
    except KeyError:
        user, home = environment.get("USER", str(os.getuid())), environment.get("HOME", "/")
    return Local(user, os.getuid(), home, socket.gethostname(), environment)


class SshConfig:
    """Resolves hosts. *config* is passed as ``ssh -F``; *ssh* is the program, found on the environment's PATH."""

    def __init__(
        self, config: Path | None = None, environment: Mapping[str, str] | None = None, ssh: str = "ssh"
    ) -> None:
        self._config = config
        self._environment = dict(os.environ if environment is None else environment)
        self._local = local_machine(self._environment)
        self._program = shutil.which(ssh, path=self._environment.get("PATH", os.defpath))
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._kept: dict[HostSpec, asyncio.Task[Resolved]] = {}
        self._blocks: tuple[float, Blocks | None] | None = None
        self._alike: dict[tuple[int, ...], asyncio.Task[Output | None]] = {}

    async def resolve(self, spec: HostSpec) -> Resolved:
        """What to do for *spec*. Raises HostFaultError (``config``)."""
        task = self._kept.get(spec)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._resolve(spec))
            self._kept[spec] = task
            task.add_done_callback(lambda done: self._drop_failed(spec, done))
        # One caller that gives up must not take the answer from another who waits for the same.
        return await asyncio.shield(task)

    def forget(self, spec: HostSpec) -> None:
        """Ask again next time: the files may have changed."""
        self._kept.pop(spec, None)
        self._blocks = None

    async def close(self) -> None:
        """End what still runs."""
        tasks: list[asyncio.Task[Resolved] | asyncio.Task[Output | None]] = [*self._kept.values()]
        tasks += self._alike.values()
        self._kept.clear()
        self._alike.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _drop_failed(self, spec: HostSpec, task: asyncio.Task[Resolved]) -> None:
        if (task.cancelled() or task.exception() is not None) and self._kept.get(spec) is task:
            del self._kept[spec]

    async def _resolve(self, spec: HostSpec) -> Resolved:
        try:
            if self._program is None:
                return self._without_ssh(spec)
            output = await self._answer(spec, self._program)
            if output.get("user").startswith("-") or output.get("hostname").startswith("-"):
                raise ValueError("a host or user name begins with a dash")
            return build(spec, output, self._local)
        except ValueError as error:
            message = phrase(
                "The settings for {host} cannot be used: {reason}.", host=spec.name, reason=clean(str(error))
            )
            raise HostFaultError(
                Fault(FaultKind.CONFIG, message, phrase("Correct ssh_config or the configuration."))
            ) from error

    async def _answer(self, spec: HostSpec, program: str) -> Output:
        blocks = self._scan()
        if blocks is not None:
            alike = blocks.of(spec.name)
            task = self._alike.get(alike.shared)
            if task is None:
                task = asyncio.get_running_loop().create_task(self._ask_for_all(spec.name, program, blocks))
                self._alike[alike.shared] = task
            answer = await asyncio.shield(task)
            if answer is not None:
                return answer.of(alike.hostname, alike.port or "22", alike.user or self._local.user)
        return parse_output((await self._run(spec, program))[0].decode("utf-8", "surrogateescape"))

    async def _ask_for_all(self, name: str, program: str, blocks: Blocks) -> Output | None:
        """The answer for all that are like *name*; None when each has to be asked for (to hear its own fault, too)."""
        try:
            out, err = await self._run(HostSpec(name), program, "-v")
        except HostFaultError:
            return None
        # It shows 200 bytes of a name.
        ours = tuple(os.fsencode(file)[:200].decode("utf-8", "surrogateescape") for file in blocks.files)
        return parse_output(out.decode("utf-8", "surrogateescape")) if files_read(err) == ours else None

    def _scan(self) -> Blocks | None:
        now = asyncio.get_running_loop().time()
        if self._blocks is None or now - self._blocks[0] > _SCAN_S:
            home = Path(self._local.home) / ".ssh"
            files = [(self._config, home)] if self._config else [(home / "config", home), (_SYSTEM, _SYSTEM.parent)]
            self._blocks = (now, scan(files))
            self._alike.clear()
        return self._blocks[1]

    def _without_ssh(self, spec: HostSpec) -> Resolved:
        if spec.address is None:
            raise HostFaultError(
                Fault(
                    FaultKind.CONFIG,
                    phrase(
                        "{host} has no `address` in the configuration, and without an `ssh` program on this "
                        "machine ssh_config cannot be read.",
                        host=spec.name,
                    ),
                    phrase(
                        "Install the OpenSSH client, or write `address` (and `user`, `identity`) for {host}.",
                        host=spec.name,
                    ),
                )
            )
        lines = ["userknownhostsfile ~/.ssh/known_hosts ~/.ssh/known_hosts2",
                 "globalknownhostsfile /etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
                 *(f"identityfile {path}" for path in DEFAULT_IDENTITIES)]  # fmt: skip
        return build(spec, parse_output("\n".join(lines)), self._local)

    async def _run(self, spec: HostSpec, program: str, *options: str) -> tuple[bytes, bytes]:
        argv = [program, "-G", *options]
        if self._config is not None:
            argv += ["-F", str(self._config)]
        # The overrides go in, so that `Match host`, `Match user` and tokens see them.
        if spec.address is not None:
            argv += ["-o", f"HostName={spec.address}"]
        if spec.port is not None:
            argv += ["-p", str(spec.port)]
        if spec.user is not None:
            argv += ["-l", spec.user]
        argv += ["--", spec.name]
        async with self._gate:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                start_new_session=True,
            )
            try:
                async with asyncio.timeout(_LIMIT_S):
                    out, err = await process.communicate()
            except TimeoutError:
                message = phrase(
                    "`ssh -G {host}` did not end within {seconds} s.", host=spec.name, seconds=f"{_LIMIT_S:g}"
                )
                raise HostFaultError(
                    Fault(FaultKind.CONFIG, message, phrase("See what a `Match exec` of ssh_config waits for."))
                ) from None
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, 9)
                    await process.wait()
        if process.returncode:
            said = clean(err.decode("utf-8", "surrogateescape").strip() or f"exit status {process.returncode}")
            raise HostFaultError(
                Fault(
                    FaultKind.CONFIG,
                    phrase("ssh cannot read its configuration for {host}: {said}", host=spec.name, said=said),
                    phrase("Correct ssh_config; `ssh -G {host}` shows the same message.", host=spec.name),
                )
            )
        return out, err
