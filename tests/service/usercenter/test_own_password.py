"""A signed-in user gives the own password again: little is hashed for a thief with a stolen token."""

from datetime import timedelta

import pytest
from tests.service.usercenter.conftest import held

from servicekit.auth import Principal
from servicekit.errors import Forbidden, Unauthenticated
from usercenter.models import User
from usercenter.parts import Parts

USER = "/usercenter/v1/user"
PASSWORD = "correct horse"
NEW = {"oldPassword": PASSWORD, "newPassword": PASSWORD}


@pytest.fixture(autouse=True)
def _now(clock):
    yield
    clock.ahead = timedelta()


@pytest.fixture
async def parts(settings, clock, sidecar):
    made = Parts.of(settings, clock=clock, sidecar=sidecar)
    made.use_secrets(held())
    yield made
    await made.db.close()


@pytest.fixture
async def buyer(parts, mobile):
    """Signed in, by Parts alone: a service would know of an ended session by its list."""
    identity = await parts.registration.register(mobile, PASSWORD, None)
    await parts.sessions.open(identity, "")
    async with parts.db.read() as session:
        user = await session.get_one(User, identity.user_id)
    [opened] = await parts.sessions.of_user(Principal(user.id, frozenset({"buyer"}), user.token_generation))
    return Principal(user.id, frozenset({"buyer"}), user.token_generation, opened.id)


def failures(sql):
    return sql.execute("select coalesce(sum(failures), 0) from sign_in_failures").fetchone()


async def signed_in(http, mobile):
    answer = await http.post(f"{USER}/register", json={"mobile": mobile, "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json()['data']['accessToken']}"}


async def test_a_user_gives_the_password_ten_times_a_minute_whatever_for(http, mobile, clock):
    mine, other = await signed_in(http, mobile), await signed_in(http, f"138{mobile[3:]}")
    calls = [("reauthenticate", {"password": PASSWORD}), ("changePassword", NEW | {"oldPassword": "a guess"})]

    for number in range(10):
        name, body = calls[number % 2]
        answer = await http.post(f"{USER}/{name}", json=body, headers=mine)
        assert answer.status_code == (200, 422)[number % 2], answer.text
    for name, body in calls:
        refused = await http.post(f"{USER}/{name}", json=body, headers=mine)
        assert (refused.status_code, refused.json()["code"]) == (429, 100104)
        assert 1 <= int(refused.headers["retry-after"]) <= 60

    name, body = calls[0]
    assert (await http.post(f"{USER}/{name}", json=body, headers=other)).status_code == 200
    clock.ahead += timedelta(seconds=61)
    assert (await http.post(f"{USER}/{name}", json=body, headers=mine)).status_code == 200


async def test_a_session_that_is_over_gets_no_password_looked_at(parts, sql, buyer):
    await parts.sessions.sign_out(buyer)
    before = failures(sql)
    with pytest.raises(Unauthenticated, match="the session is over"):
        await parts.password_change.change(buyer, "a guess", "battery staple", None, "")
    with pytest.raises(Unauthenticated, match="the session is over"):
        await parts.reauthentication.again(buyer, "a guess", None, "")
    assert failures(sql) == before


async def test_an_enrolment_looks_at_the_role_before_the_password(parts, sql, buyer):
    before = failures(sql)
    with pytest.raises(Forbidden):
        await parts.reauthentication.enrol(buyer, "a guess", None, "")
    assert failures(sql) == before
