"""What usercenter is made of, wired in one place: the app, commands and tests take their objects from here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from servicekit import secrets
from servicekit.clock import Clock, utc_now
from servicekit.db import Database
from servicekit.messages import Catalogue
from servicekit.personal_data import PersonalData
from servicekit.rate_limits import Counts, RateLimit
from servicekit.sidecar import Sidecar
from usercenter import personal_data
from usercenter.accounts import Accounts
from usercenter.codes import CodeLimits, MobileCodes, key_from
from usercenter.guessing import Guessing, GuessLimits
from usercenter.housekeeping import Housekeeping
from usercenter.known_devices import KnownDevices
from usercenter.login import Login
from usercenter.own_password import OwnPassword
from usercenter.password_change import PasswordChange
from usercenter.password_reset import PasswordReset
from usercenter.passwords import Passwords
from usercenter.peers import NotificationPeer, OrderPeer, PaymentPeer, TravelPeer
from usercenter.personal_data import EveryonesData
from usercenter.profiles import Profiles
from usercenter.reauthentication import Reauthentication
from usercenter.refresh_tokens import RefreshTokens
from usercenter.registration import NewUserDefaults, Registration
from usercenter.revocations import TokenRevocations
from usercenter.roles import Roles
from usercenter.sealing import Seal
from usercenter.second_factor import SecondFactors
from usercenter.sessions import Lifetime, Sessions
from usercenter.settings import Settings
from usercenter.sms import TextMessages
from usercenter.tokens import SigningKeys, TokenIssuer
from usercenter.wechat.client import MiniProgram
from usercenter.wechat_login import WechatLogin

OTHER_JWT_KEYS = ("jwt-next-public-key", "jwt-previous-public-key")
"""Published beside the one that signs: before it signs, and until the tokens that it has signed end."""


@dataclass(frozen=True, kw_only=True)
class CommandParts:
    """What commands act with: a database alone. Without sidecar and secret store a second factor can be forgotten here,
    never read."""

    db: Database
    passwords: Passwords
    password_reset: PasswordReset
    roles: Roles
    second_factors: SecondFactors

    @classmethod
    def of(cls, database_url: str, *, clock: Clock = utc_now) -> Self:
        db, passwords = Database(database_url, pool_size=1), Passwords(threads=1)
        return cls(
            db=db,
            passwords=passwords,
            password_reset=PasswordReset(db=db, passwords=passwords, clock=clock),
            roles=Roles(db=db, clock=clock),
            second_factors=SecondFactors(db=db, clock=clock, seal=Seal()),
        )

    async def close(self) -> None:
        await self.passwords.close()
        await self.db.close()


@dataclass(frozen=True, kw_only=True)
class Parts:
    settings: Settings
    clock: Clock
    db: Database
    sidecar: Sidecar
    keys: SigningKeys
    passwords: Passwords
    wechat: MiniProgram
    codes: MobileCodes
    registration: Registration
    login: Login
    second_factors: SecondFactors
    reauthentication: Reauthentication
    known_devices: KnownDevices
    wechat_login: WechatLogin
    sessions: Sessions
    revocations: TokenRevocations
    password_change: PasswordChange
    profiles: Profiles
    accounts: Accounts
    roles: Roles
    personal_data: PersonalData
    everyones_data: EveryonesData
    housekeeping: Housekeeping

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        clock: Clock = utc_now,
        sidecar: Sidecar | None = None,
        db: Database | None = None,
    ) -> Self:
        """Everything by `settings` but for what is handed in: a test's clock, sidecar or database."""
        db, sidecar = db or Database.of(settings), sidecar or Sidecar.of(settings)
        keys, catalogue = SigningKeys(), Catalogue("usercenter")
        passwords = Passwords(threads=settings.password_threads, queue=settings.password_queue)
        wechat = MiniProgram(
            base_url=str(settings.wxma_base_url),
            appid=settings.wxma_appid,
            timeout_seconds=settings.wxma_timeout_seconds,
        )
        defaults = NewUserDefaults(catalogue=catalogue)
        codes = MobileCodes(
            db=db, messages=TextMessages(sidecar=sidecar, catalogue=catalogue), clock=clock, limits=_limits(settings)
        )
        issuer = TokenIssuer(keys=keys, lifetime=timedelta(seconds=settings.access_token_seconds))
        own_data = PersonalData(
            db=db,
            clock=clock,
            holdings=personal_data.HOLDINGS,
            retentions=personal_data.retentions(settings.closed_accounts_keep_days),
        )
        guessing = Guessing(clock=clock, limits=_guess_limits(settings))
        known_devices = KnownDevices(clock=clock, lifetime=timedelta(days=settings.known_device_days))
        login = Login(db=db, passwords=passwords, guessing=guessing, devices=known_devices)
        sessions = Sessions(
            db=db,
            issuer=issuer,
            refresh_tokens=RefreshTokens(grace=timedelta(seconds=settings.refresh_grace_seconds)),
            clock=clock,
            lifetime=_lifetime(settings.session_idle_seconds, settings.session_seconds),
            operators=_lifetime(settings.operator_session_idle_seconds, settings.operator_session_seconds),
        )
        second_factors = SecondFactors(db=db, clock=clock, seal=Seal())
        own_password = OwnPassword(db=db, login=login, sessions=sessions, limit=_proofs_of_a_user(settings, clock))
        return cls(
            settings=settings,
            clock=clock,
            db=db,
            sidecar=sidecar,
            keys=keys,
            passwords=passwords,
            wechat=wechat,
            codes=codes,
            registration=Registration(
                db=db,
                passwords=passwords,
                defaults=defaults,
                codes=codes,
                clock=clock,
                require_proof=settings.require_mobile_proof,
            ),
            login=login,
            sessions=sessions,
            revocations=TokenRevocations(db=db, clock=clock, lifetime=issuer.lifetime),
            password_change=PasswordChange(
                db=db,
                own_password=own_password,
                second_factors=second_factors,
                passwords=passwords,
                sessions=sessions,
                clock=clock,
            ),
            known_devices=known_devices,
            second_factors=second_factors,
            reauthentication=Reauthentication(
                db=db, clock=clock, own_password=own_password, factors=second_factors, sessions=sessions
            ),
            wechat_login=WechatLogin(db=db, wechat=wechat, defaults=defaults, clock=clock),
            profiles=Profiles(db=db),
            accounts=Accounts(db=db, clock=clock),
            roles=Roles(db=db, clock=clock),
            personal_data=own_data,
            everyones_data=EveryonesData(
                db=db,
                clock=clock,
                catalogue=catalogue,
                own=own_data,
                orders=OrderPeer(sidecar=sidecar),
                payments=PaymentPeer(sidecar=sidecar),
                stays=TravelPeer(sidecar=sidecar),
                messages=NotificationPeer(sidecar=sidecar),
            ),
            housekeeping=Housekeeping(
                db=db, clock=clock, window=guessing.limits.window, session_idle=sessions.lifetime.idle
            ),
        )

    def use_secrets(self, held: Mapping[str, str]) -> None:
        """`held` by the names of the secret store; replaced ones too, while the service runs. Raises BadSecret."""
        others = [secrets.read(held, name) for name in OTHER_JWT_KEYS if held.get(name)]
        earlier = [secrets.read(held, "totp-previous-key")] if held.get("totp-previous-key") else []
        wxma_secret = secrets.read(held, "wxma-secret")
        secrets.parsed(held, "jwt-private-key", lambda pem: SigningKeys().load(pem, *others))  # raises before a change
        secrets.parsed(held, "totp-key", lambda key: self.second_factors.use_key(key, *earlier))
        private = secrets.read(held, "jwt-private-key")
        self.keys.load(private, *others)
        self.wechat.secret = wxma_secret
        self.codes.key = key_from(private, "mobile codes")
        self.login.guessing.key = key_from(private, "security log")
        self.known_devices.key = key_from(private, "known devices")
        self.sessions.refresh_tokens.key = key_from(private, "refresh tokens")


def _lifetime(idle_seconds: int, longest_seconds: int) -> Lifetime:
    return Lifetime(idle=timedelta(seconds=idle_seconds), longest=timedelta(seconds=longest_seconds))


def _guess_limits(settings: Settings) -> GuessLimits:
    return GuessLimits(
        window=timedelta(seconds=settings.login_window_seconds),
        of_device=settings.login_failures_of_device,
        of_address_and_mobile=settings.login_failures,
        of_address=settings.login_failures_of_address,
        contested=settings.login_failures_of_mobile,
    )


def _proofs_of_a_user(settings: Settings, clock: Clock) -> RateLimit:
    def now() -> float:
        return clock().timestamp()

    return RateLimit("passwords of a user", settings.proofs_per_user, Counts(now), now)


def _limits(settings: Settings) -> CodeLimits:
    return CodeLimits(
        pause=timedelta(seconds=settings.code_pause_seconds),
        mobile_daily=settings.code_mobile_daily,
        address_hourly=settings.code_address_hourly,
        total_hourly=settings.code_total_hourly,
    )
