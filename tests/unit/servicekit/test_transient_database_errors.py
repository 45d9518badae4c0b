"""Which of the database's refusals are worth another try."""

import pytest
from asyncpg import exceptions
from sqlalchemy.exc import DBAPIError, IntegrityError

from servicekit.db import is_transient


@pytest.mark.parametrize(
    "error",
    [
        exceptions.CannotConnectNowError("the database system is starting up"),
        exceptions.TooManyConnectionsError("sorry, too many clients already"),
        exceptions.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        exceptions.InvalidPasswordError("password authentication failed"),  # it is being replaced
        ConnectionRefusedError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_happens_while_connecting_passes(error):
    """The driver's own errors: SQLAlchemy wraps only what a statement meets."""
    assert is_transient(error)


def test_a_full_disk_passes():
    assert is_transient(DBAPIError("insert", {}, exceptions.DiskFullError("could not extend file")))


def test_a_role_that_is_not_there_and_a_broken_rule_stay():
    assert not is_transient(exceptions.InvalidAuthorizationSpecificationError('role "absent" does not exist'))
    assert not is_transient(_violated("uq_user_mobile"))
    assert not is_transient(_violated("uq_homestay_order_user_id_request_key"))
    assert not is_transient(ValueError("our own mistake"))


@pytest.mark.parametrize("name", ["uq_third_payment_sn", "uq_refund_sn", "uq_order_payment_refund_request_sn"])
def test_a_number_that_was_taken_in_the_same_second_is_worth_another_try(name):
    assert is_transient(_violated(name))


def _violated(constraint):
    """As the driver tells it, one exception inside another."""
    told = exceptions.UniqueViolationError("duplicate key")
    told.constraint_name = constraint
    adapted = Exception(str(told))
    adapted.__cause__ = told
    return IntegrityError("insert", {}, adapted)
