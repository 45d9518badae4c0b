"""One-time codes of a second factor (RFC 6238, 30 seconds, six digits) and recovery codes: rules, without a database."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

import pyotp

from servicekit.clock import unix

ISSUER = "Minsu"
STEP_SECONDS = 30
DRIFT = 1
"""How many steps a phone's clock may differ, either way."""
FREE_FAILURES = 5
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)

RECOVERY_CODES = 10
RECOVERY_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what is mistaken for another: I, O, 0, 1."""
RECOVERY_LENGTH, RECOVERY_GROUP = 24, 4


def new_secret() -> str:
    """160 random bits in base32, as RFC 4226 recommends."""
    return pyotp.random_base32()


def uri(secret: str, account: str) -> str:
    """What an authenticator app reads from a QR code; `account` is shown beside the issuer."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(name=account, issuer_name=ISSUER)


def accepted_step(secret: str, code: str, now: datetime, last_step: int | None) -> int | None:
    """The time step whose code this is, within DRIFT of `now` and after `last_step`, the last one that was used; None for
    a wrong, an old or a used code."""
    totp, current, found = pyotp.TOTP(secret, interval=STEP_SECONDS), unix(now) // STEP_SECONDS, None
    for step in range(current - DRIFT, current + DRIFT + 1):
        matches = hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        if matches and (last_step is None or step > last_step):
            found = step
    return found


def pause_after(failures: int) -> timedelta:
    """How long no code is looked at after so many wrong ones in a row: nothing for the first four, then 30 seconds, twice
    as long each time, up to an hour. That leaves 24 guesses a day of a million."""
    if failures < FREE_FAILURES:
        return timedelta()
    doubled = FIRST_PAUSE * (1 << min(failures - FREE_FAILURES, 16))
    return min(doubled, LONGEST_PAUSE)


def new_recovery_codes() -> list[str]:
    """Ten of 120 random bits, six groups of four: too many for guessing, so that a plain digest keeps them."""
    return [_new_recovery_code() for _ in range(RECOVERY_CODES)]


def recovery_digest(user_id: int, code: str) -> str:
    """What is stored of a recovery code, however it was typed: with or without dashes, in either case."""
    typed = code.upper().replace("-", "").replace(" ", "")
    return hashlib.sha256(f"minsu recovery code:{user_id}:{typed}".encode()).hexdigest()


def _new_recovery_code() -> str:
    code = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(RECOVERY_LENGTH))
    return "-".join(code[at : at + RECOVERY_GROUP] for at in range(0, RECOVERY_LENGTH, RECOVERY_GROUP))
