"""The demo's users, with fixed ids that other services' seeds use. Idempotent."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from argon2.exceptions import VerifyMismatchError
from pydantic import PostgresDsn, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from servicekit import acts, secrets
from servicekit.clock import utc_now
from servicekit.db import Database, Transaction
from usercenter import proof
from usercenter.models import BUYER, BY_SEED, MERCHANT, OPERATOR, SYSTEM, WX_MINI, SecondFactor, User, UserAuth
from usercenter.passwords import HASHER
from usercenter.sealing import CannotOpen, Seal
from usercenter.second_factor import place

LOCK_ID = 7_301_003
OPERATOR_ID = 3


class SeedSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="USERCENTER_", frozen=True, extra="ignore")

    database_url: PostgresDsn
    seed_buyer_mobile: str
    seed_buyer_password: SecretStr
    seed_buyer_openid: str
    seed_merchant_mobile: str
    seed_merchant_password: SecretStr
    seed_merchant_openid: str = ""
    seed_operator_mobile: str
    seed_operator_password: SecretStr
    seed_operator_totp_secret: SecretStr = SecretStr("")
    """Of the laptop's operator, so that no phone is needed; sealed with the key in `seed_secrets_file`."""
    seed_secrets_file: Path | None = None
    wxma_appid: str = ""

    @classmethod
    def load(cls) -> Self:
        """Read the environment, or exit with one line per missing setting."""
        try:
            return cls()
        except ValidationError as error:
            for problem in error.errors():
                sys.stderr.write(f"setting USERCENTER_{str(problem['loc'][0]).upper()}: {problem['msg']}\n")
            raise SystemExit(2) from None


@dataclass(frozen=True)
class SeedUser:
    id: int
    nickname: str
    info: str
    sex: int
    roles: tuple[str, ...] = (BUYER,)
    mobile: str = ""
    password: str = ""
    openid: str = ""


def seed_users(settings: SeedSettings) -> list[SeedUser]:
    host = (BUYER, MERCHANT)
    return [
        SeedUser(
            1,
            "小满",
            "一年里总要有几次，去山里或海边住两天。",
            1,
            (BUYER,),
            settings.seed_buyer_mobile,
            settings.seed_buyer_password.get_secret_value(),
            settings.seed_buyer_openid,
        ),
        SeedUser(
            2,
            "洱海边的阿鹏",
            "土生土长的白族人，院子是爷爷留下的，扎染和烤乳扇都会一点。",
            0,
            host,
            settings.seed_merchant_mobile,
            settings.seed_merchant_password.get_secret_value(),
            settings.seed_merchant_openid,
        ),
        SeedUser(
            OPERATOR_ID,
            "民宿运营小助手",
            "订单、退款与账单的问题都可以找我。",
            0,
            (BUYER, OPERATOR),
            settings.seed_operator_mobile,
            settings.seed_operator_password.get_secret_value(),
        ),
        SeedUser(4, "莫干山竹海老周", "辞了上海的设计工作，回山里盖了三栋房子。", 0, host),
        SeedUser(5, "鼓浪屿听潮", "在厦门住了二十年，最懂哪条巷子的沙茶面好吃。", 1, host),
        SeedUser(6, "乌镇枕河人家", "祖孙三代守着一座临河老宅。", 1, host),
        SeedUser(7, "背包去远方", "去过二十六个省，最爱住有院子的地方。", 0),
        SeedUser(8, "豆豆妈妈", "带娃旅行达人，专挑孩子能撒欢的民宿。", 1),
        SeedUser(9, "爱拍照的林北", "胶片摄影，日出必起。", 0),
        SeedUser(10, "周末逃跑计划", "上班族，两天一夜专家。", 1),
        SeedUser(11, "老陈慢旅行", "退休以后和老伴慢慢走。", 0),
        SeedUser(12, "青柠不加糖", "住过一百家民宿，只说真话。", 1),
    ]


async def seed(settings: SeedSettings) -> int:
    """Insert or update the users; returns how many. Existing names, roles and pictures stay; mobiles, passwords and
    openids are set from the environment."""
    db = Database(settings.database_url, pool_size=1)
    users = seed_users(settings)
    try:
        async with db.transaction() as tx:
            await tx.execute(text("select pg_advisory_xact_lock(:id)"), {"id": LOCK_ID})
            for seeded in users:
                await _put(tx, seeded, settings.wxma_appid)
            if secret := settings.seed_operator_totp_secret.get_secret_value():
                await _put_factor(tx, OPERATOR_ID, secret, _seal(settings))
            await tx.execute(text("""select setval('user_id_seq', greatest(1000, (select max(id) from "user")))"""))
    finally:
        await db.close()
    return len(users)


async def _put(tx: Transaction, seeded: SeedUser, appid: str) -> None:
    mobile = seeded.mobile or f"1{seeded.id:010d}"  # not a valid mobile number: never collides
    user = await tx.scalar(select(User).where(User.id == seeded.id))
    if user is None:
        user = User(
            id=seeded.id,
            nickname=seeded.nickname,
            info=seeded.info,
            sex=seeded.sex,
            roles=list(seeded.roles),
            avatar=f"/static/avatars/{seeded.id}.svg",
        )
        tx.add(user)
        for role in set(seeded.roles) - {BUYER}:
            await _record(tx, user, "role-grant", f"{role}; by the seed")
    user.mobile = mobile
    if user.mobile_proven_at is None:
        user.mobile_proven_at, user.mobile_proven_by = utc_now(), BY_SEED
    if seeded.password and not _matches(user.password_hash, seeded.password):
        user.password_hash = HASHER.hash(seeded.password)
        await _record(tx, user, "password-set", "by the seed")
    await tx.flush()
    if seeded.password:
        await _put_auth(tx, seeded.id, SYSTEM, mobile, "")
    if seeded.openid:
        await tx.execute(
            update(UserAuth)
            .where(UserAuth.user_id == seeded.id, UserAuth.auth_type == WX_MINI, UserAuth.appid == "")
            .values(appid=appid)
        )
        await _put_auth(tx, seeded.id, WX_MINI, seeded.openid, appid)


async def _record(tx: Transaction, user: User, act: str, note: str) -> None:
    await acts.record(tx, utc_now(), proof.SYSTEM_ACTOR, act, proof.subject(user), note=note)


def _seal(settings: SeedSettings) -> Seal:
    """With the key that the service reads from its secret store: the file behind the local one."""
    seal = Seal()
    if settings.seed_secrets_file is None:
        raise SystemExit("USERCENTER_SEED_OPERATOR_TOTP_SECRET needs USERCENTER_SEED_SECRETS_FILE")
    held = json.loads(settings.seed_secrets_file.read_text("utf-8"))["usercenter"]
    secrets.parsed(held, "totp-key", seal.load)
    return seal


async def _put_factor(tx: Transaction, user_id: int, secret: str, seal: Seal) -> None:
    """In force at once; which codes were used is not forgotten."""
    factor = await tx.get(SecondFactor, user_id)
    if factor is None:
        factor = SecondFactor(user_id=user_id)
        tx.add(factor)
    if factor.secret is None or not _opens_to(secret, factor.secret, user_id, seal):
        factor.secret, factor.confirmed_at = seal.seal(secret, place(user_id)), utc_now()
    await tx.flush()


def _opens_to(secret: str, sealed: bytes, user_id: int, seal: Seal) -> bool:
    try:
        return seal.open(sealed, place(user_id)) == secret
    except CannotOpen:
        return False


async def _put_auth(tx: Transaction, user_id: int, auth_type: str, key: str, appid: str) -> None:
    statement = insert(UserAuth).values(user_id=user_id, auth_type=auth_type, auth_key=key, appid=appid)
    same = [UserAuth.user_id, UserAuth.auth_type, UserAuth.appid]
    await tx.execute(statement.on_conflict_do_update(index_elements=same, set_={"auth_key": key}))


def _matches(kept: str | None, password: str) -> bool:
    try:
        return kept is not None and HASHER.verify(kept, password)
    except VerifyMismatchError:
        return False
