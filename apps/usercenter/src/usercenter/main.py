"""The composition root of usercenter: the only place where its parts are put together."""

from datetime import timedelta
from typing import Any

from fastapi import FastAPI

from servicekit import app, secrets
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.messages import Catalogue
from servicekit.revocation import Revocations
from servicekit.sidecar import Sidecar
from usercenter.accounts import Accounts
from usercenter.codes import CodeLimits, MobileCodes, key_from
from usercenter.endpoints import internal, operations, user
from usercenter.housekeeping import Housekeeping
from usercenter.login import Login
from usercenter.passwords import Passwords
from usercenter.profiles import Profiles
from usercenter.registration import Newcomer, Registration
from usercenter.sessions import Sessions
from usercenter.settings import Settings
from usercenter.sms import TextMessages
from usercenter.tokens import SigningKeys, TokenIssuer
from usercenter.wechat.client import MiniProgram
from usercenter.wechat_login import WechatLogin


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
    held_secrets: dict[str, str] | None = None,
) -> FastAPI:
    """`held_secrets` stand in for the secret store: `jwt-private-key`, `wxma-secret`."""
    db = Database.of(settings)
    keys = SigningKeys()
    passwords = Passwords(threads=settings.password_threads, queue=settings.password_queue)
    wechat = MiniProgram(
        str(settings.wxma_base_url), settings.wxma_appid, timeout_seconds=settings.wxma_timeout_seconds
    )
    sidecar = sidecar or Sidecar.of(settings)
    catalogue = Catalogue("usercenter")
    newcomer = Newcomer(catalogue)
    codes = MobileCodes(db, TextMessages(sidecar, catalogue), clock, _limits(settings))
    issuer = TokenIssuer(keys, settings.access_token_seconds)
    sessions = Sessions(db, issuer, clock, longest_seconds=settings.session_seconds)
    window = settings.login_window_seconds

    async def take_secrets() -> None:
        held = held_secrets if held_secrets is not None else await secrets.fetch(settings, "usercenter")
        previous = secrets.read(held, "jwt-previous-public-key") if held.get("jwt-previous-public-key") else ""
        secrets.parsed(held, "jwt-private-key", lambda pem: keys.load(pem, previous))
        wechat.secret = secrets.read(held, "wxma-secret")
        codes.key = key_from(secrets.read(held, "jwt-private-key"))

    async def own_keys() -> dict[str, Any]:
        return keys.jwks()

    return app.build(
        "usercenter",
        settings,
        routers=[user.router, operations.router, internal.router],
        provides=[
            keys,
            Registration(db, passwords, newcomer, codes, clock, require_proof=settings.require_mobile_proof),
            Login(db, passwords, clock, failures=settings.login_failures, window_seconds=window),
            WechatLogin(db, wechat, newcomer, clock),
            sessions,
            codes,
            Profiles(db),
            Accounts(db, clock),
        ],
        sidecar=sidecar,
        verifier=verifier or TokenVerifier(own_keys, revocations=Revocations(sessions.revocations)),
        clock=clock,
        db=db,
        idempotency_keys=True,
        upkeep=[Housekeeping(db, clock, window_seconds=window).tidy],
        on_start=[take_secrets],
        on_stop=[wechat.close, passwords.close],
    )


def _limits(settings: Settings) -> CodeLimits:
    return CodeLimits(
        pause=timedelta(seconds=settings.code_pause_seconds),
        mobile_daily=settings.code_mobile_daily,
        address_hourly=settings.code_address_hourly,
        total_hourly=settings.code_total_hourly,
    )
