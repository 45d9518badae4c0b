"""Where the system is and who we are: the environment, else the nearest `.run/stack.env`, else defaults."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minsu.errors import CommandFailed

GATEWAY_URL = "http://127.0.0.1:8000"
WECHATSIM_URL = "http://127.0.0.1:8090"


@dataclass(frozen=True)
class Account:
    mobile: str
    password: str


@dataclass(frozen=True)
class Settings:
    values: Mapping[str, str]

    @property
    def gateway_url(self) -> str:
        return (self.values.get("GATEWAY_URL") or GATEWAY_URL).rstrip("/")

    @property
    def wechatsim_url(self) -> str:
        url = self.values.get("WECHATSIM_URL") or self.values.get("WXPAY_BASE_URL") or WECHATSIM_URL
        return url.rstrip("/")

    @property
    def jaeger_url(self) -> str:
        """Raises CommandFailed when it is not set."""
        if not (url := self.values.get("JAEGER_URL")):
            raise CommandFailed(
                "JAEGER_URL is not set", "`make up OBS=1` starts Jaeger and writes it to .run/stack.env"
            )
        return url.rstrip("/")

    @property
    def openid(self) -> str:
        return self.values.get("WXPAY_OPENID", "")

    @property
    def language(self) -> str:
        """The user's: the API's messages come in it."""
        locale = self.values.get("LC_ALL") or self.values.get("LC_MESSAGES") or self.values.get("LANG") or ""
        return "zh-CN" if locale.lower().startswith("zh") else "en"

    @property
    def operator_totp_secret(self) -> str:
        """Computes the operator's codes; `make up` gives one to the laptop's operator. Empty: codes are typed."""
        return self.values.get("OPERATOR_TOTP_SECRET", "")

    @property
    def session_file(self) -> Path:
        """Where the operator's session is kept between commands."""
        if file := self.values.get("MINSU_SESSION_FILE"):
            return Path(file)
        state = self.values.get("XDG_STATE_HOME")
        return (Path(state) if state else Path.home() / ".local" / "state") / "minsu" / "session.json"

    def account(self, who: str) -> Account:
        """`BUYER`, `MERCHANT` or `OPERATOR`. Raises CommandFailed when it is not set."""
        for name in (f"{who}_MOBILE", f"{who}_PASSWORD"):
            if not self.values.get(name):
                raise CommandFailed(
                    f"{name} is not set", "start the system with `make up`, which writes .run/stack.env"
                )
        return Account(self.values[f"{who}_MOBILE"], self.values[f"{who}_PASSWORD"])

    def knows(self, who: str) -> bool:
        return bool(self.values.get(f"{who}_MOBILE") and self.values.get(f"{who}_PASSWORD"))


def load(environment: Mapping[str, str] = os.environ, folder: Path | None = None) -> Settings:
    file = _stack_env(environment, folder or Path.cwd())
    return Settings({**(read(file) if file else {}), **{name: value for name, value in environment.items() if value}})


def _stack_env(environment: Mapping[str, str], folder: Path) -> Path | None:
    if run := environment.get("MINSU_RUN_DIR"):
        places = [folder / run]
    else:
        places = [parent / ".run" for parent in (folder, *folder.parents)]
    return next((found for place in places if (found := place / "stack.env").is_file()), None)


def read(file: Path) -> dict[str, str]:
    """`NAME=value` lines, quoted as a shell would; a line that is none is a clear error."""
    values = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        text = line.strip().removeprefix("export ").lstrip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise CommandFailed(f"{file}:{number}: {error}") from None
        if not equals or not name.isidentifier() or len(words) > 1:
            raise CommandFailed(f"{file}:{number}: not a NAME=value line")
        values[name] = words[0] if words else ""
    return values
