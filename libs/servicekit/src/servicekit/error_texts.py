"""The text of an error where it is kept for people: in a table, on a page, in a log line, in an operator's response."""

from collections.abc import Iterator

import asyncpg  # type: ignore[import-untyped]
from pydantic import ValidationError
from sqlalchemy.exc import StatementError

LONGEST_ERROR = 300


def error_text(error: BaseException) -> str:
    """Type and text of `error`, at most 300 characters. The texts of the database and of pydantic quote what was stored or
    sent, such as a mobile number: of theirs only type, SQLSTATE and constraint, or place and rule."""
    if isinstance(error, StatementError | asyncpg.PostgresError | asyncpg.InterfaceError):
        text = ", ".join(_of_database(error))
    elif isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        text = f"{error.error_count()} errors, first {first['type']} at {'.'.join(map(str, first['loc']))}"
    else:
        text = str(error)
    name = type(error).__name__
    return (f"{name}: {text}" if text else name)[:LONGEST_ERROR]


def _of_database(error: BaseException) -> Iterator[str]:
    driver = error
    if isinstance(error, StatementError) and error.orig:
        driver = error.orig.__cause__ or error.orig  # SQLAlchemy's adapter raises its own error from asyncpg's
        yield type(driver).__name__
    if state := getattr(driver, "sqlstate", None):
        yield f"SQLSTATE {state}"
    if constraint := getattr(driver, "constraint_name", None):
        yield str(constraint)
