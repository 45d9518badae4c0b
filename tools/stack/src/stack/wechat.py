"""wechatsim: the outside world. Its keys are made once; services reach it by URL only."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.errors import StackError
from stack.layout import Layout
from stack.vault import PEOPLE, Vault

KEY_MODES = ("cert", "pubkey")
PAID_TEMPLATE, ARRIVAL_TEMPLATE, REFUNDED_TEMPLATE = "支付成功通知", "入住提醒", "退款成功通知"
REFUND_ASKED_TEMPLATE = "退款申请提醒"
TEMPLATES = {PAID_TEMPLATE, ARRIVAL_TEMPLATE, REFUNDED_TEMPLATE, REFUND_ASKED_TEMPLATE}


@dataclass(frozen=True)
class Merchant:
    """merchant.json, with its files' places."""

    folder: Path
    content: dict[str, Any]

    def __getitem__(self, name: str) -> str:
        return str(self.content[name])

    def file(self, name: str) -> Path:
        return self.folder / self[f"{name}_file"]

    def template(self, title: str) -> str:
        return next(str(one["id"]) for one in self.content["templates"] if one["title"] == title)


def make_keys(layout: Layout, vault: Vault) -> Merchant:
    """Existing keys stay as they are; a folder made before a template came gets it. WXPAY_KEY_MODE=cert|pubkey, when set,
    is what the sandbox signs with from its next start; it begins with certificates."""
    layout.run.mkdir(parents=True, exist_ok=True)
    with (layout.run / "keys.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # `status` asks beside an `up`: what either adds is the other's too
        return _made(layout, vault)


def _made(layout: Layout, vault: Vault) -> Merchant:
    file = layout.keys / "merchant.json"
    if not file.exists():
        users = []
        for role in PEOPLE:
            person = vault.person(role)
            users += ["--user", f"{person.openid}:{person.mobile}:{person.nickname}"]
        _keys(layout, "new", *users)
    content = json.loads(file.read_text())
    if not {one["title"] for one in content["templates"]} >= TEMPLATES:
        _keys(layout, "update")
        content = json.loads(file.read_text())
    key_mode = os.environ.get("WXPAY_KEY_MODE") or content["key_mode"]
    if key_mode not in KEY_MODES:
        raise StackError(f"WXPAY_KEY_MODE={key_mode}: it is one of {', '.join(KEY_MODES)}")
    if content["key_mode"] != key_mode:
        content["key_mode"] = key_mode
        file.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    return Merchant(layout.keys, content)


def _keys(layout: Layout, verb: str, *words: str) -> None:
    argv = [str(layout.python.parent / "wechatsim"), "keys", verb, "--dir", str(layout.keys), "--json", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise StackError(f"wechatsim keys {verb} failed:\n{done.stdout}{done.stderr}")


def serve_argv(layout: Layout) -> list[str]:
    return [
        str(layout.python.parent / "wechatsim"), "serve", "--keys", str(layout.keys),
        "--port", str(layout.port("wechatsim")), "--store", str(layout.run / "wechatsim" / "store.db"),
        "--allow-local-notify",
    ]  # fmt: skip
