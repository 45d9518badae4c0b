"""The faults and their magic amounts, in one table, `FAULTS`, which README, CLI and console print.

Where each takes effect, by the beginning of its name:
- `pay-`, `close-`: pay/orders.py
- `refund-`: pay/refunds.py, pay/refund_endings.py
- `bill-`: pay/bills.py, pay/bill_faults.py
- `api-`: pay/endpoint.py, for every v3 call
- `mini-`, `message-`: mini/
- `callback-`: `FaultRegistry.callbacks`, which notify/notifier.py calls when it writes the notification; they are kept with
  it. What is sent is changed in notify/prepared.py; whether and when (`-lost`, `-reordered`, `-late`, `-again`) in
  notify/notifier.py, how (`-doubled`, `-5xx`, `-slow`) in notify/attempt.py.

A fault is active until cleared, or for `times` uses; `match` limits it to subjects that contain that text (an
order number, a refund number, an event type, a path). A magic amount (the order's total in fen) activates the
fault for that order, always.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wechatsim.store import Store


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the table; `value` is its default number, in `unit`; `magic` its magic amount in fen."""

    name: str
    effect: str
    magic: int = 0
    value: float | None = None
    unit: str = ""


FAULTS: tuple[FaultKind, ...] = (
    FaultKind("pay-cancelled", "the user closes the cashier: nothing is paid", 777701),
    FaultKind("callback-lost", "the notification is never sent", 777702),
    FaultKind("callback-doubled", "each attempt is sent several times at once", 777703, 2, "copies"),
    FaultKind("callback-wrong-amount", "attempt 1 has amount.total + 1, correctly signed", 777704),
    FaultKind("callback-5xx", "attempts are not sent, as if the merchant had returned 502", 777705, 1, "attempts"),
    FaultKind("callback-slow", "the notification's body takes this long to arrive", 777706, 6, "seconds"),
    FaultKind("callback-late", "the first attempt is delayed by this long", 777707, 60, "seconds"),
    FaultKind("callback-again", "sent again, this long after it was accepted", 777708, 15, "seconds"),
    FaultKind("callback-bad-signature", "attempt 1 is signed by a key that is not the platform's", 777709),
    FaultKind("callback-bad-body", "attempt 1 has one byte changed after signing", 777710),
    FaultKind("callback-old-time", "attempt 1 is correctly signed, with a timestamp this old", 777711, 600, "seconds"),
    FaultKind("callback-wrong-serial", "attempt 1 names an unknown serial", 777712),
    FaultKind("callback-signtest", "attempt 1 has a WECHATPAY/SIGNTEST/ signature", 777713),
    FaultKind("callback-other-key", "signed in the other key mode (certificate or public key)", 777714),
    FaultKind("callback-wrong-mchid", "attempt 1 has another mchid, correctly signed", 777715),
    FaultKind("callback-wrong-appid", "attempt 1 has another appid, correctly signed", 777716),
    FaultKind("callback-wrong-currency", "attempt 1 has the currency USD, correctly signed", 777719),
    FaultKind("callback-unknown-order", "attempt 1 has an unknown order number, correctly signed", 777717),
    FaultKind("callback-bad-ciphertext", "attempt 1 is encrypted with another APIv3 key, correctly signed", 777718),
    FaultKind(
        "callback-reordered",
        "notifications are held until there are this many, then sent in reverse order",
        0,
        2,
        "held",
    ),
    FaultKind("pay-coupon", "a coupon pays this part: payer_total is below total", 777720, 100, "fen"),
    FaultKind("close-unknown", "a close returns 404 ORDER_NOT_EXIST, nothing changed"),
    FaultKind("close-closed", "a close returns 400 ORDER_CLOSED, and the order is closed"),
    FaultKind("close-paying", "a close returns 202 USERPAYING, nothing changed: the buyer types the password"),
    FaultKind("refund-processing", "the refund stays PROCESSING until `wechatsim refund --finish`", 777731),
    FaultKind("refund-abnormal", "the refund ends ABNORMAL", 777732),
    FaultKind("refund-closed", "the refund ends CLOSED", 777733),
    FaultKind("refund-not-enough", "a refund request returns 403 NOT_ENOUGH", 777734),
    FaultKind("refund-refused", "a refund request returns 403 USER_ACCOUNT_ABNORMAL, which is final", 777736),
    FaultKind("refund-at-once", "the response to a refund request already has the refund's end", 777738),
    FaultKind("refund-late", "the refund takes this long", 777735, 60, "seconds"),
    FaultKind(
        "refund-available", "the refund is paid from the available balance (AVAILABLE) and is on no trade bill", 777737
    ),
    FaultKind("api-5xx", "500 SYSTEM_ERROR, nothing changed", 0),
    FaultKind("api-5xx-after", "500 SYSTEM_ERROR after the request was carried out", 777741),
    FaultKind("api-drop-after", "the request is carried out, then the connection breaks during the response", 777742),
    FaultKind("api-429", "429 FREQUENCY_LIMITED, nothing changed", 0),
    FaultKind("api-slow", "the response takes this long", 777743, 6, "seconds"),
    FaultKind("api-signtest", "the response has a WECHATPAY/SIGNTEST/ signature", 777744),
    FaultKind("api-bad-signature", "the response's body does not match its signature", 777745),
    FaultKind("api-other-key", "the response is signed in the other key mode", 777746),
    FaultKind("bill-not-ready", "400 STATEMENT_CREATING", 0),
    FaultKind("bill-missing", "400 NO_STATEMENT_EXIST", 0),
    FaultKind("bill-bad-hash", "hash_value is not the SHA1 of the file", 0),
    FaultKind("bill-awkward", "name and remark contain commas, quotes, backticks and line breaks", 0),
    FaultKind("bill-unreadable", "a name makes the line ambiguous", 0),
    FaultKind("bill-foreign", "the trade bill also has this many payments of another app", 0, 2, "lines"),
    FaultKind("bill-other-day", "a payment is on the trade bill of the day before, and not on its own", 0),
    FaultKind("mini-busy", "errcode -1 from every mini-program API, nothing changed", 0),
    FaultKind("mini-bad-token", "errcode 40001 for any access_token", 0),
    FaultKind("message-refused", "43101 for a message, whatever the quota", 0),
    FaultKind("message-bad-openid", "40003 invalid openid for any message", 0),
    FaultKind("message-bad-template", "40037 invalid template_id for any message", 0),
    FaultKind("message-bad-page", "41030 invalid page for any message", 0),
    FaultKind("message-bad-argument", "47003 argument invalid for any message", 0),
    FaultKind("message-quota", "45009 daily quota for any message, nothing delivered", 0),
    FaultKind("message-slow", "the response to a message takes this long", 0, 3, "seconds"),
    FaultKind("message-unknown", "the message is delivered, then the connection breaks", 0),
)
FAULT_BY_NAME = {kind.name: kind for kind in FAULTS}
FAULT_BY_AMOUNT = {kind.magic: kind.name for kind in FAULTS if kind.magic}


@dataclass(slots=True)
class ActiveFault:
    """A fault that is switched on, with its options."""

    name: str
    match: str
    value: float | None
    times: int | None


class FaultRegistry:
    """The active faults: written to the store, read from memory."""

    def __init__(self, store: Store, *, magic: bool) -> None:
        self._store = store
        self._magic = magic
        self._active = {
            (row["name"], row["match"]): ActiveFault(row["name"], row["match"], row["value"], row["times"])
            for row in store.all("SELECT * FROM fault")
        }

    def set(self, name: str, *, match: str = "", value: float | None = None, times: int | None = None) -> ActiveFault:
        """Switch a fault on. Raises KeyError for an unknown name."""
        kind = FAULT_BY_NAME[name]
        active = ActiveFault(name, match, kind.value if value is None else value, times)
        self._active[name, match] = active
        self._store.run(
            "INSERT OR REPLACE INTO fault (name, match, value, times) VALUES (?, ?, ?, ?)",
            name,
            match,
            active.value,
            times,
        )
        return active

    def clear(self, name: str = "") -> int:
        """Switch `name` off, or all; returns how many were on."""
        gone = [key for key in self._active if not name or key[0] == name]
        for key in gone:
            self._drop(*key)
        return len(gone)

    def _drop(self, name: str, match: str) -> None:
        del self._active[name, match]
        self._store.run("DELETE FROM fault WHERE name = ? AND match = ?", name, match)

    def consume(self, name: str, subject: str = "", total: int = 0) -> float | None:
        """The fault's number if it applies to `subject` now (0.0 when it has none), else None. Counts as one use."""
        if self._magic and total and FAULT_BY_AMOUNT.get(total) == name:
            return FAULT_BY_NAME[name].value or 0.0
        if not self._active:
            return None
        for active in list(self._active.values()):
            if active.name == name and active.match in subject:
                if active.times is not None:
                    active.times -= 1
                    if active.times <= 0:
                        self._drop(active.name, active.match)
                    else:
                        self._store.run(
                            "UPDATE fault SET times = ? WHERE name = ? AND match = ?",
                            active.times,
                            active.name,
                            active.match,
                        )
                return active.value or 0.0
        return None

    def callbacks(self, subject: str, total: int) -> dict[str, float]:
        """Every callback-* fault that applies to a new notification about `subject`, with its number."""
        taken = {name: self.consume(name, subject, total) for name in FAULT_BY_NAME if name.startswith("callback-")}
        return {name: value for name, value in taken.items() if value is not None}

    def active(self) -> list[dict[str, Any]]:
        """The active faults as JSON."""
        return [{"name": a.name, "match": a.match, "value": a.value, "times": a.times} for a in self._active.values()]
