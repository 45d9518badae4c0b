"""The app of usercenter: `Parts` behind its endpoints."""

from functools import partial
from typing import Any

from fastapi import FastAPI

from servicekit import app, secrets
from servicekit.auth import TokenVerifier
from servicekit.clock import Clock, utc_now
from servicekit.revocation import Revocations
from servicekit.rotation import Rotation
from servicekit.sidecar import Sidecar
from usercenter import jobs
from usercenter.endpoints import internal, operations, personal_data, second_factor, sessions, user
from usercenter.parts import Parts
from usercenter.settings import Settings


def create_app(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    sidecar: Sidecar | None = None,
    verifier: TokenVerifier | None = None,
    held_secrets: dict[str, str] | None = None,
) -> FastAPI:
    """`held_secrets` stand in for the secret store: `jwt-private-key`, `wxma-secret`, `totp-key`."""
    parts = Parts.of(settings, clock=clock, sidecar=sidecar)

    rotation = Rotation(read=partial(parts.sidecar.secret, settings.secret_store, "usercenter"), use=parts.use_secrets)

    async def take_secrets() -> None:
        rotation.begin(held_secrets if held_secrets is not None else await secrets.fetch(settings, "usercenter"))

    async def own_keys() -> dict[str, Any]:
        return parts.keys.jwks()

    return app.build(
        "usercenter",
        settings,
        routers=[
            user.router,
            sessions.router,
            second_factor.router,
            personal_data.router,
            operations.router,
            internal.router,
            jobs.router,
        ],
        provides=[
            parts.keys,
            parts.registration,
            parts.login,
            parts.known_devices,
            parts.second_factors,
            parts.reauthentication,
            parts.wechat_login,
            parts.sessions,
            parts.revocations,
            parts.password_change,
            parts.codes,
            parts.profiles,
            parts.accounts,
            parts.roles,
            parts.personal_data,
            parts.everyones_data,
            rotation,
        ],
        sidecar=parts.sidecar,
        verifier=verifier or TokenVerifier(own_keys, revocations=Revocations(parts.revocations.list)),
        clock=clock,
        db=parts.db,
        background=[rotation.loop()],
        idempotency_keys=True,
        upkeep=[parts.housekeeping.delete_expired],
        on_start=[take_secrets],
        on_stop=[parts.wechat.close, parts.passwords.close],
    )
