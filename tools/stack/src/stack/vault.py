"""What is generated once per run folder and stays: passwords, tokens, the seeded people, the key that signs logins."""

from __future__ import annotations

import base64
import json
import os
import secrets
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALPHABET = string.ascii_letters + string.digits
PEOPLE = {
    "buyer": ("13800000001", "小明"),
    "merchant": ("13800000002", "山房主人"),
    "operator": ("13800000003", "运营"),
}


@dataclass(frozen=True)
class Person:
    mobile: str
    password: str
    openid: str
    nickname: str


class Vault:
    """One JSON file that only its owner reads. Values are made when first asked for."""

    def __init__(self, run: Path) -> None:
        self._file = run / "state" / "vault.json"
        self._values: dict[str, Any] = json.loads(self._file.read_text()) if self._file.exists() else {}

    def token(self, name: str, length: int = 32) -> str:
        if name not in self._values:
            self._values[name] = "".join(secrets.choice(ALPHABET) for _ in range(length))
            self._save()
        return str(self._values[name])

    def person(self, role: str) -> Person:
        mobile, nickname = PEOPLE[role]
        password = self.token(f"{role}-password", 12)
        return Person(mobile, password, "o" + self.token(f"{role}-openid", 27), nickname)

    def totp_secret(self, role: str) -> str:
        """Of a seeded operator's authenticator, in base32: who has this file needs no phone."""
        name = f"{role}-totp-secret"
        if name not in self._values:
            self._values[name] = base64.b32encode(secrets.token_bytes(20)).decode()
            self._save()
        return str(self._values[name])

    def sealing_key(self, name: str) -> str:
        """32 bytes in base64."""
        if name not in self._values:
            self._values[name] = base64.b64encode(secrets.token_bytes(32)).decode()
            self._save()
        return str(self._values[name])

    def jwt_key(self) -> str:
        if "jwt-key" not in self._values:
            key = ec.generate_private_key(ec.SECP256R1())
            self._values["jwt-key"] = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            self._save()
        return str(self._values["jwt-key"])

    def _save(self) -> None:
        write_private(self._file, json.dumps(self._values, indent=1, ensure_ascii=False) + "\n")


def write_private(file: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only from the first moment."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as sink:
        sink.write(text)
    fresh.replace(file)
