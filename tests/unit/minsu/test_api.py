"""A command's own session: refreshed when it is time, and signed out at its end."""

import pytest

from minsu.api import LOGIN, LOGOUT, REFRESH, Api
from minsu.errors import CommandFailed
from minsu.settings import Account
from tests.unit.minsu.conftest import ok, problem

DETAIL, FAR = "/usercenter/v1/user/detail", 4_000_000_000


@pytest.fixture
def usercenter(world):
    def tokens(number, refresh_after):
        return ok({"accessToken": f"t{number}", "refreshToken": f"r{number}", "refreshAfter": refresh_after})

    world.answers |= {
        LOGIN: lambda _: tokens(1, 0),
        REFRESH: lambda _: tokens(2, FAR),
        DETAIL: lambda _: ok({}),
        LOGOUT: lambda _: ok({}),
    }
    return world


def sent(world):
    return [(path, body, headers.get("authorization", "")) for path, body, headers in world.asked]


def test_tokens_are_refreshed_when_it_is_time_and_the_session_ends_with_the_command(usercenter):
    with Api("http://minsu", transport=usercenter.transport) as api:
        api.sign_in(Account("13800000001", "secret-1234"))
        for _ in range(2):
            api.call(DETAIL)
    assert [path for path, _, _ in sent(usercenter)] == [LOGIN, REFRESH, DETAIL, DETAIL, LOGOUT]
    assert sent(usercenter)[1][1] == {"refreshToken": "r1"}
    assert {bearer for _, _, bearer in sent(usercenter)[2:]} == {"Bearer t2"}


def test_a_sign_out_that_fails_does_not_fail_what_was_done(usercenter):
    usercenter.answers[LOGOUT] = lambda _: problem(503, type="/problems/unavailable", msg="later")
    with Api("http://minsu", transport=usercenter.transport) as api:
        api.sign_in(Account("13800000001", "secret-1234"))
    assert usercenter.paths() == [LOGIN, LOGOUT]


def test_who_never_signed_in_does_not_sign_out(usercenter):
    usercenter.answers[LOGIN] = lambda _: problem(401, type="/problems/wrong-credentials", msg="wrong")
    with pytest.raises(CommandFailed), Api("http://minsu", transport=usercenter.transport) as api:
        api.sign_in(Account("13800000001", "secret-1234"))
    assert usercenter.paths() == [LOGIN]
