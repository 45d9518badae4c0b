"""The service's own PostgreSQL: explicit transactions, bounded waits, a wake-up for the outbox after the commit."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import asyncpg  # type: ignore[import-untyped]
from prometheus_client import Counter
from pydantic import PostgresDsn
from sqlalchemy import DateTime, MetaData, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import NullPool

from servicekit.arrays import ArrayTransaction
from servicekit.connections import Watch, keep_alive
from servicekit.errors import DatabaseUnavailable, Problem
from servicekit.settings import ProcessSettings

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
POOL_TIMEOUTS = Counter(
    "db_client_connection_timeouts_total", "Waits for a connection of the database pool that were in vain"
)
Transaction = AsyncSession
"""A session inside `Database.transaction()`: its user neither commits nor rolls back."""

_CLIENT_LIMITS: dict[str, Any] = {
    "command_timeout": 6,  # also when the server is frozen and its own time-outs with it
    "server_settings": {
        "statement_timeout": "5s",
        "lock_timeout": "4s",
        "idle_in_transaction_session_timeout": "15s",
        "timezone": "UTC",
        "jit": "off",
    },
}
_CLOSED = text("""
select exists (select from pg_class where relname = 'alembic_version' and relnamespace = 'public'::regnamespace
  and not has_table_privilege(oid, 'select'))""")
_UNREACHABLE = (PoolTimeout, InterfaceError, asyncpg.InterfaceError, ConnectionError, TimeoutError)
_TRANSIENT_SQLSTATES = ("08", "53", "57", "55P03", "40", "25006", "25P03", "28P01")
"""28P01, a wrong password: it is being replaced, here or there first."""


class Base(DeclarativeBase):
    """Parent of a service's own declarative base; every moment is stored with its zone."""

    __abstract__ = True
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 - SQLAlchemy's own protocol


def new_metadata() -> MetaData:
    return MetaData(naming_convention=NAMING)


def is_transient(error: BaseException) -> bool:
    """Whether trying again may help: the connection, the server's resources, a lock, a serialisation conflict, a business
    number that another request took in the same second."""
    if (isinstance(error, _UNREACHABLE) and not isinstance(error, ValueError)) or _is_number_clash(error):
        return True
    # What the driver meets while it connects reaches us as it is: a server that is starting up says 57P03 there.
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    if state is None:
        return isinstance(error, OperationalError) or (isinstance(error, DBAPIError) and error.connection_invalidated)
    return str(state).startswith(_TRANSIENT_SQLSTATES)


def _is_number_clash(error: BaseException) -> bool:
    """The unique constraint of a column called `…sn` refused it; all others are a matter of the use-case."""
    driver = error.orig.__cause__ if isinstance(error, IntegrityError) and error.orig else None
    name = getattr(driver, "constraint_name", None) or ""
    return bool(name.startswith("uq_") and name.endswith("_sn"))


class Database:
    """Engine and sessions of one service.

    `transaction()` commits at the end and rolls back on any exception; `read()` is for queries alone. Both turn an
    unreachable or overloaded server into `DatabaseUnavailable`. After a commit that wrote to the outbox, each
    `on_outbox` callback is called.
    """

    def __init__(
        self,
        url: PostgresDsn | str | None,
        *,
        pool_size: int = 10,
        pool_timeout: float = 2.0,
        connect_seconds: float = 3.0,
        password_file: Path | None = None,
    ) -> None:
        if url is None:
            msg = "this service keeps state: its DATABASE_URL must be set"
            raise ValueError(msg)
        self.url = make_url(str(url)).set(drivername="postgresql+asyncpg")
        secret = {"password": partial(_password, password_file)} if password_file else {}
        self.engine: AsyncEngine = create_async_engine(
            self.url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            pool_pre_ping=False,
            pool_recycle=1800,
            hide_parameters=True,
            connect_args={**_CLIENT_LIMITS, "timeout": connect_seconds, **secret},
        )
        self._unpooled = create_async_engine(
            self.url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args={"timeout": 3, "command_timeout": 6, **secret},
        )
        self.on_outbox: list[Callable[[], None]] = []
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=True)
        self._autocommitting = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
        )
        event.listen(self.engine.sync_engine, "handle_error", _drop_pool_when_server_left)
        self._watch = Watch(self.engine)

    @classmethod
    def of(cls, settings: ProcessSettings) -> Self:
        return cls(
            settings.database_url,
            pool_size=settings.database_pool_size,
            pool_timeout=settings.database_pool_timeout_seconds,
            connect_seconds=settings.database_connect_seconds,
            password_file=settings.database_password_file,
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        with _unavailable_for_now():
            async with self._sessions() as session:
                async with session.begin():
                    yield session
                info = session.info
        self._after(info)

    @asynccontextmanager
    async def arrays(self, *, lock_timeout_ms: int | None = None) -> AsyncIterator[ArrayTransaction]:
        """`transaction()` on asyncpg's own connection. A refusal of the use-case (a Problem) rolls it back; after any other
        error its connection is closed, never asked to roll back: one that does not respond would hold the next batch up.
        `lock_timeout_ms`: how long a statement waits for what another transaction holds; None: as in every transaction."""
        async with self._raw_connection() as raw:
            await raw.execute(
                "begin" if lock_timeout_ms is None else f"begin; set local lock_timeout = {lock_timeout_ms}"
            )
            tx = ArrayTransaction(raw)
            try:
                yield tx
            except Problem:
                await raw.execute("rollback")
                raise
            if await raw.execute("commit") != "COMMIT":  # a statement failed, and its error was caught within
                raise RuntimeError("the transaction was rolled back")
        self._after(tx.info)

    async def run_alone(self, statement: str, *parameters: object) -> list[Any]:
        """The rows of one statement on asyncpg's own connection, a transaction of its own: one round trip."""
        async with self._raw_connection() as raw:
            rows: list[Any] = await raw.fetch(statement, *parameters)
        return rows

    @asynccontextmanager
    async def _raw_connection(self) -> AsyncIterator[Any]:
        with _unavailable_for_now():
            async with self.engine.connect() as connection:
                raw: Any = (await connection.get_raw_connection()).driver_connection
                try:
                    yield raw
                except Problem:
                    raise
                except BaseException as error:
                    raw.terminate()
                    self._watch.on_raw_error(error)
                    await connection.invalidate()
                    raise

    def _after(self, info: Mapping[Any, Any]) -> None:
        """What a transaction noted in `info` for the time after its commit."""
        if info.get("outbox", False):
            for callback in self.on_outbox:
                callback()
        for callback in info.get("after_commit", ()):
            callback()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One statement, or several that need not agree with one another: autocommit, no transaction to hold open."""
        with _unavailable_for_now():
            async with self._autocommitting() as session:
                yield session

    statement = read
    """One statement that writes and is a transaction by itself: committed when it returns, without the round trips of
    `begin` and `commit`."""

    async def ping(self) -> None:
        """Raises DatabaseUnavailable unless the server answers within two seconds and its tables, if there are any, are
        open to this role: `migrate` opens them."""
        try:
            async with asyncio.timeout(2), self.read() as session:
                is_closed = await session.scalar(_CLOSED)
        except TimeoutError as error:
            raise DatabaseUnavailable("no answer within two seconds") from error
        if is_closed:
            raise DatabaseUnavailable("this role has no rights on the tables yet: migrate has not run")

    @asynccontextmanager
    async def own_connection(self, *, silent_seconds: int = 0) -> AsyncIterator[AsyncConnection]:
        """A connection outside the pool's budget, for an advisory lock that is held for long. The server ends one that is
        idle for `silent_seconds` (0: never), and the lock with it: it does not notice a lost node or a frozen process."""
        async with self._unpooled.connect() as connection:
            keep_alive((await connection.get_raw_connection()).driver_connection)
            await connection.execute(text(f"set idle_session_timeout = '{silent_seconds}s'"))
            yield connection

    async def close(self) -> None:
        self._watch.terminate_used()
        await self.engine.dispose()


def mark_outbox(tx: Transaction | ArrayTransaction) -> None:
    """Remember that this transaction left something to publish."""
    tx.info["outbox"] = True


def after_commit(tx: Transaction, callback: Callable[[], None]) -> None:
    """Call it once this transaction is committed; never where it is rolled back."""
    tx.info.setdefault("after_commit", []).append(callback)


def _password(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()


@contextmanager
def _unavailable_for_now() -> Iterator[None]:
    """Raises DatabaseUnavailable for what trying again may help."""
    try:
        yield
    except Exception as error:
        if isinstance(error, PoolTimeout):
            POOL_TIMEOUTS.inc()
        if is_transient(error):
            raise DatabaseUnavailable(type(error).__name__) from error
        raise


def _drop_pool_when_server_left(context: object) -> None:
    """A restarted server leaves dead connections behind: discard the whole pool at the first sign."""
    original = getattr(context, "original_exception", None)
    state = getattr(original, "sqlstate", None)
    if state in {"57P01", "57P02", "57P03"}:
        context.is_disconnect = True  # type: ignore[attr-defined]  # SQLAlchemy's ExceptionContext, set by design


__all__ = ["Base", "Database", "Session", "Transaction", "after_commit", "is_transient", "mark_outbox", "new_metadata"]
