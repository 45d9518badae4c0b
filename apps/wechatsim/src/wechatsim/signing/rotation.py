"""Platform certificate rotation: the new certificate is listed at once and signs later; the old one stays listed
for 24 hours more (wechat-pay-v3.md §1.3). Rotated keys live in the store."""

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
    """Give `merchant` the rotated certificates of the store."""
    merchant.clock = clock
    for row in store.all("SELECT * FROM platform_key WHERE mchid = ? ORDER BY signs_at", merchant.mchid):
        _append(merchant, replace(pki.signing_key(row["key_pem"], row["cert_pem"]), signs_at=row["signs_at"]))


def make(clock: Clock) -> tuple[str, str]:
    """A new (key, certificate) as PEM. Takes about 100 ms: call it off the event loop."""
    key = pki.new_key()
    start = dt.datetime.fromtimestamp(clock.real() - 300, dt.UTC)
    return pki.key_pem(key), pki.new_certificate(key, "Tenpay.com sign (wechatsim)", start=start)


def install(store: Store, clock: Clock, merchant: Merchant, made: tuple[str, str], after: float = 0.0) -> None:
    """List the new certificate now; it signs from `after` sandbox seconds from now."""
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
