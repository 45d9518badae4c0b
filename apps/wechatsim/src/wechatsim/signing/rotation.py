"""Platform certificate rotation: the new one is listed at once, signs from a moment on, the old one lingers
for at least 24 hours (wechat-pay-v3.md §1.3). Rotated keys live in the store."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from wechatsim.clock import Clock
from wechatsim.signing import pki
from wechatsim.signing.keyring import Merchant
from wechatsim.signing.pki import SigningKey
from wechatsim.store import Store

OVERLAP_S = 86400


def load(store: Store, clock: Clock, merchant: Merchant) -> None:
    """Give `merchant` the rotated certificates that the store remembers."""
    merchant.clock = clock
    for row in store.all("SELECT * FROM platform_key WHERE mchid = ? ORDER BY signs_at", merchant.mchid):
        _append(merchant, replace(pki.signing_key(row["key_pem"], row["cert_pem"]), signs_at=row["signs_at"]))


def make() -> tuple[str, str]:
    """(key, certificate) as PEM, fresh; costs a key generation, so keep it off the event loop."""
    key = pki.new_key()
    start = dt.datetime.fromtimestamp(Clock.real() - 300, dt.UTC)
    return pki.key_pem(key), pki.new_certificate(key, "Tenpay.com sign (wechatsim)", start=start)


def install(store: Store, clock: Clock, merchant: Merchant, made: tuple[str, str], after: float = 0.0) -> None:
    """List the new certificate now; let it sign `after` seconds of sandbox time from now."""
    signing = replace(pki.signing_key(*made), signs_at=clock.now() + after)
    store.insert(
        "platform_key",
        serial=signing.serial,
        mchid=merchant.mchid,
        key_pem=made[0],
        cert_pem=made[1],
        signs_at=signing.signs_at,
    )
    _append(merchant, signing)


def _append(merchant: Merchant, made: SigningKey) -> None:
    retired = replace(merchant.certificates[-1], retires_at=made.signs_at + OVERLAP_S)
    merchant.certificates[-1:] = [retired, made]
