"""The operator's session between two commands. An authenticator's code is good once, so a command takes the session of the
one before, from a file that only its owner reads; who signs in anew is asked for a code, unless a secret computes it."""

import fcntl
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyotp

from minsu.api import Api
from minsu.errors import CommandFailed, Refused
from minsu.settings import Account

STEP_SECONDS = 30
SECOND_FACTOR_WRONG, TOO_OLD = "second-factor-wrong", "reauthentication-required"
ATTEMPTS = 3
WHAT_IS_MISSING = {
    "password": ("the operator's password is too short or too common", "change it, then sign in again"),
    "enrolment": ("this operator has no second factor yet", "minsu ops enrol, or sign in to the console"),
}


@dataclass(kw_only=True)
class OperatorSession:
    """`totp_secret` of an operator without a phone, as on a laptop; empty: `ask` returns a code that was typed."""

    url: str
    account: Account
    file: Path
    totp_secret: str = field(default="", repr=False)
    ask: Callable[[], str]
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def enter(self, api: Api, *, at_most_old: float = math.inf) -> None:
        """Let `api` speak as the operator: by the session in the file, unless it began more than `at_most_old` seconds ago,
        else by a new one. Raises CommandFailed."""
        with self._locked():
            kept, now = self._kept(), self.now()
            is_young = now - kept.get("begunAt", 0) < at_most_old
            if is_young and kept.get("refreshAfter", 0) > now:
                api.token = kept["accessToken"]
            elif not (is_young and self._refreshed(api, kept)):
                self._sign_in(api, kept)
        api.renew = self.renew

    def renew(self, api: Api, refused: Refused) -> None:
        """New tokens where the present one has expired; a new session where that is too old for what is asked, or over.
        Raises CommandFailed."""
        with self._locked():
            kept = self._kept()
            if kept.get("accessToken", api.token) != api.token:  # another command was faster
                api.token = kept["accessToken"]
            elif refused.slug == TOO_OLD or not self._refreshed(api, kept):
                self._sign_in(api, kept)

    def _refreshed(self, api: Api, kept: dict[str, Any]) -> bool:
        """Whether the session in the file goes on, with new tokens. Raises CommandFailed without an answer."""
        if not kept.get("refreshToken"):
            return False
        try:
            self._keep({**kept, **api.refresh(kept["refreshToken"])})
        except Refused:
            return False
        return True

    def _sign_in(self, api: Api, kept: dict[str, Any]) -> None:
        step = kept.get("step", 0)
        for attempt in range(1, ATTEMPTS + 1):
            if self.totp_secret:
                step = self._next_step(step)
                code = pyotp.TOTP(self.totp_secret, interval=STEP_SECONDS).generate_otp(step)
            else:
                code = ""
            try:
                signed_in = api.sign_in(self.account, code)
                if signed_in.get("operatorNeeds") == "code":
                    signed_in = api.sign_in(self.account, self.ask())
                break
            except Refused as refused:  # a browser, or another machine, may have used this code
                if refused.slug != SECOND_FACTOR_WRONG or not self.totp_secret or attempt == ATTEMPTS:
                    raise
        if needs := signed_in.get("operatorNeeds"):
            raise CommandFailed(*WHAT_IS_MISSING.get(needs, (f"the operator role needs: {needs}", "")))
        self._keep({**signed_in, "step": step, "begunAt": self.now()})

    def _next_step(self, last: int) -> int:
        """The first time step after `last` that the server takes: it looks at one step before and after the present."""
        step = max(int(self.now()) // STEP_SECONDS, last + 1)
        wait = (step - 1) * STEP_SECONDS - self.now()
        if wait > 0:
            self.sleep(wait)
        return step

    def _kept(self) -> dict[str, Any]:
        try:
            kept = json.loads(self.file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        ours = {"url": self.url, "mobile": self.account.mobile}
        return kept if isinstance(kept, dict) and ours.items() <= kept.items() else {}

    def _keep(self, session: dict[str, Any]) -> None:
        names = ("accessToken", "refreshToken", "refreshAfter", "begunAt", "step")
        text = json.dumps({"url": self.url, "mobile": self.account.mobile, **{name: session[name] for name in names}})
        fresh = self.file.with_name(f".{self.file.name}.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as sink:
            sink.write(text)
        fresh.replace(self.file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Of commands that run at once, one signs in and the others take its session."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(f"{self.file}.lock", os.O_WRONLY | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
