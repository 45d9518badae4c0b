"""A merchant's folder of keys: `create` writes it once, `update` adds new templates, `load` reads it.

Existing files are never overwritten."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from wechatsim.clock import Clock
from wechatsim.signing import crypto, pki
from wechatsim.signing.pki import SigningKey

MERCHANT_FILE = "merchant.json"
KEY_MODES = ("cert", "pubkey")
_TEMPLATES: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "支付成功通知",
        {
            "character_string6": "character_string",
            "thing1": "thing",
            "amount2": "amount",
            "time4": "time",
            "time5": "time",
        },
    ),
    (
        "入住提醒",
        {"date2": "date", "date3": "date", "character_string4": "character_string", "thing1": "thing"},
    ),
    (
        "退款成功通知",
        {
            "character_string1": "character_string",
            "thing2": "thing",
            "amount3": "amount",
            "time4": "time",
            "thing5": "thing",
        },
    ),
    (
        "退款申请提醒",
        {
            "character_string1": "character_string",
            "thing2": "thing",
            "amount3": "amount",
            "time4": "time",
            "thing5": "thing",
        },
    ),
)


class KeyringError(Exception):
    """The folder cannot be used; the message says why and what to do."""


@dataclass(slots=True)
class Merchant:
    """One merchant with its mini program: ids, secrets, parsed keys. `public_key_signer` signs in public-key mode."""

    mchid: str
    appid: str
    app_secret: str
    apiv3_key: str
    key_mode: str
    serial: str
    public_key: RSAPublicKey
    certificates: list[SigningKey]
    public_key_signer: SigningKey
    users: list[dict[str, str]]
    templates: dict[str, dict[str, Any]]
    summary: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    def signer(self, requested: str = "") -> SigningKey:
        """The key that signs: the one `requested` by serial if it is active, else the mode's (wechat-pay-v3.md §1.1)."""
        found = self.platform_key_of(requested)
        if found is not None and (found is self.public_key_signer or found.signs_at <= self.clock.now()):
            return found
        return self.public_key_signer if self.key_mode == "pubkey" else self.current()

    def platform_key_of(self, serial: str) -> SigningKey | None:
        """This merchant's platform key of `serial`, or None."""
        known = [self.public_key_signer, *self.listed()]
        return next((key for key in known if key.serial == serial.upper()), None)

    def listed(self) -> list[SigningKey]:
        """The certificates that GET /v3/certificates shows now: those not yet retired."""
        now = self.clock.now()
        return [key for key in self.certificates if key.retires_at is None or key.retires_at > now]

    def current(self) -> SigningKey:
        """The newest certificate whose `signs_at` has passed."""
        now = self.clock.now()
        return next(key for key in reversed(self.certificates) if key.signs_at <= now)


def _write_new(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _key_file(path: Path) -> str:
    if not path.exists():
        _write_new(path, pki.key_pem(pki.new_key()))
    return path.read_text()


def _certificate_file(path: Path, key: str, name: str) -> str:
    if not path.exists():
        _write_new(path, pki.new_certificate(pki.load_key(key), name))
    return path.read_text()


def create(
    folder: Path,
    *,
    mchid: str = "",
    appid: str = "",
    secret: str = "",
    users: list[dict[str, str]] | None = None,
    key_mode: str = "cert",
) -> tuple[dict[str, Any], bool]:
    """Create what is missing in `folder`; returns (merchant.json's content, whether it was new).

    An existing merchant.json is returned as it is.
    """
    if (folder / MERCHANT_FILE).exists():
        return read(folder), False
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mchid = mchid or f"16{secrets.randbelow(10**8):08d}"
    merchant_key = _key_file(folder / "apiclient_key.pem")
    merchant_cert = _certificate_file(folder / "apiclient_cert.pem", merchant_key, mchid)
    platform_key = _key_file(folder / "platform_key.pem")
    platform_cert = _certificate_file(folder / "platform_cert.pem", platform_key, "Tenpay.com sign (wechatsim)")
    public_key_signer = pki.load_key(_key_file(folder / "pub_key_private.pem"))
    if not (folder / "pub_key.pem").exists():
        _write_new(folder / "pub_key.pem", pki.public_pem(public_key_signer.public_key()))
    content: dict[str, Any] = {
        "mchid": mchid,
        "appid": appid or "wx" + secrets.token_hex(8),
        "app_secret": secret.strip() or secrets.token_hex(16),
        "apiv3_key": crypto.token(32),
        "key_mode": key_mode,
        "merchant_serial": pki.certificate_serial(merchant_cert),
        "merchant_key_file": "apiclient_key.pem",
        "merchant_cert_file": "apiclient_cert.pem",
        "platform_serial": pki.certificate_serial(platform_cert),
        "platform_key_file": "platform_key.pem",
        "platform_cert_file": "platform_cert.pem",
        "public_key_id": f"PUB_KEY_ID_01{mchid}{secrets.randbelow(10**20):020d}",
        "public_key_file": "pub_key.pem",
        "public_key_private_file": "pub_key_private.pem",
        "users": users or [{"openid": "o" + crypto.token(27), "mobile": "13800000001", "nickname": "小明"}],
        "templates": _missing_templates(set()),
    }
    _write_new(folder / MERCHANT_FILE, _as_text(content))
    return content, True


def update(folder: Path) -> list[str]:
    """Add the message templates that the folder lacks; returns their titles. Nothing else changes. Raises KeyringError."""
    content = read(folder)
    try:
        new = _missing_templates({template["title"] for template in content["templates"]})
    except KeyError as error:
        raise KeyringError(f"{folder / MERCHANT_FILE} lacks {error}") from error
    if new:
        content["templates"] += new
        beside = folder / f"{MERCHANT_FILE}.new"
        beside.unlink(missing_ok=True)
        _write_new(beside, _as_text(content))
        beside.replace(folder / MERCHANT_FILE)
    return [template["title"] for template in new]


def _missing_templates(titles: Collection[str]) -> list[dict[str, Any]]:
    """The sandbox's templates that are not among `titles`, each with a new id."""
    return [
        {"id": crypto.token(43), "title": title, "fields": fields}
        for title, fields in _TEMPLATES
        if title not in titles
    ]


def _as_text(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def read(folder: Path) -> dict[str, Any]:
    """merchant.json of `folder`. Raises KeyringError when it is missing or no JSON object."""
    path = folder / MERCHANT_FILE
    try:
        content = json.loads(path.read_text())
    except OSError as error:
        raise KeyringError(
            f"{path} cannot be read ({error.strerror})\nhint: wechatsim keys new --dir {folder}"
        ) from error
    except ValueError as error:
        raise KeyringError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise KeyringError(f"{path} must hold a JSON object")
    return content


def _secret(content: dict[str, Any], name: str) -> str:
    """A secret without surrounding white space. Raises ValueError for white space within it, or when it is empty."""
    value = str(content[name]).strip()
    if not value or any(each.isspace() for each in value):
        raise ValueError(f"{name} is empty or has white space in it")
    return value


def load(folder: Path) -> Merchant:
    """The merchant of `folder` with its keys parsed. Raises KeyringError."""
    content = read(folder)
    try:
        files = {name: (folder / content[name]).read_text() for name in content if name.endswith("_file")}
        if content["key_mode"] not in KEY_MODES:
            raise KeyringError(f"key_mode must be one of {', '.join(KEY_MODES)}, not {content['key_mode']}")
        return Merchant(
            mchid=content["mchid"],
            appid=content["appid"],
            app_secret=_secret(content, "app_secret"),
            apiv3_key=_secret(content, "apiv3_key"),
            key_mode=content["key_mode"],
            serial=content["merchant_serial"],
            public_key=pki.certificate_key(files["merchant_cert_file"]),
            certificates=[pki.signing_key(files["platform_key_file"], files["platform_cert_file"])],
            public_key_signer=SigningKey(content["public_key_id"], pki.load_key(files["public_key_private_file"])),
            users=list(content["users"]),
            templates={template["id"]: template for template in content["templates"]},
            summary=content,
        )
    except KeyError as error:
        raise KeyringError(f"{folder / MERCHANT_FILE} lacks {error}") from error
    except OSError as error:
        raise KeyringError(f"{error.filename} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise KeyringError(f"a key in {folder} is not what it should be: {error}") from error
