"""The operator's session between commands: one code, one session, many commands."""

import stat
from dataclasses import dataclass, field

import pyotp
import pytest

from minsu.api import Api
from minsu.errors import CommandFailed, Refused
from minsu.operator_session import OperatorSession
from minsu.settings import Account, Settings
from tests.unit.minsu.conftest import ok, problem

LOGIN, REFRESH = "/usercenter/v1/user/login", "/usercenter/v1/user/refreshToken"
ACTS = "/payment/v1/ops/actList"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
START = 1_700_000_010.0
"""The last third of a time step."""


@dataclass
class Time:
    at: float = START
    slept: list[float] = field(default_factory=list)

    def __call__(self):
        return self.at

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def now():
    return Time()


@pytest.fixture
def usercenter(world, now):
    """Takes a code once, like the real one; `typed` is what a person types."""
    used = set()

    def login(body):
        step = int(now.at) // 30
        known = {pyotp.TOTP(SECRET).generate_otp(n): n for n in (step - 1, step, step + 1)}
        code = body.get("totpCode")
        needs = "code" if code is None else None
        if code is not None and (code not in known or code in used):
            return problem(401, type="/problems/second-factor-wrong", msg="wrong code")
        used.add(code)
        token = f"token-{len(world.asked)}"
        return ok(tokens(token, now) | {"operatorNeeds": needs})

    def refresh(body):
        if body["refreshToken"] in used:
            return problem(401, type="/problems/session-over", msg="over")
        used.add(body["refreshToken"])
        return ok(tokens(f"token-{len(world.asked)}", now))

    world.answers[LOGIN], world.answers[REFRESH] = login, refresh
    return used


def tokens(token, now):
    """For 15 minutes, to be refreshed half-way."""
    times = {"accessExpire": int(now.at) + 900, "refreshAfter": int(now.at) + 450}
    return {"accessToken": token, "refreshToken": f"refresh-{token}", **times}


def session(world, now, file, *, secret=SECRET, ask=None, mobile="13800000003"):
    return OperatorSession(
        url="http://minsu",
        account=Account(mobile, "p" * 10),
        file=file,
        totp_secret=secret,
        ask=ask or (lambda: pytest.fail("no one is asked to type")),
        now=now,
        sleep=now.sleep,
    )


def entered(world, now, file, **options):
    api = Api("http://minsu", transport=world.transport)
    session(world, now, file, **options).enter(api)
    return api.token


def codes(world):
    return [body.get("totpCode") for path, body, _ in world.asked if path == LOGIN]


def test_a_second_command_takes_the_session_of_the_first(world, now, usercenter, tmp_path):
    file = tmp_path / "run" / "session.json"
    first = entered(world, now, file)
    assert entered(world, now, file) == first
    assert codes(world) == [pyotp.TOTP(SECRET).at(int(START))]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert SECRET not in file.read_text()


def test_a_later_command_goes_on_with_new_tokens_and_without_a_code(world, now, usercenter, tmp_path):
    seen = [entered(world, now, tmp_path / "s")]
    for _ in range(3):
        now.at += 451
        seen.append(entered(world, now, tmp_path / "s"))
    assert len(set(seen)) == 4
    assert len(codes(world)) == 1
    refreshed = [body["refreshToken"] for path, body, _ in world.asked if path == REFRESH]
    assert refreshed == [f"refresh-{token}" for token in seen[:3]]


def test_a_session_that_is_over_is_begun_anew_with_the_next_code(world, now, usercenter, tmp_path):
    first = entered(world, now, tmp_path / "s")
    usercenter.add(f"refresh-{first}")
    now.at += 881
    assert entered(world, now, tmp_path / "s") != first
    assert codes(world)[1] == pyotp.TOTP(SECRET).at(int(START) + 881)


def test_a_session_that_is_too_old_for_what_follows_is_not_refreshed_but_begun_anew(world, now, usercenter, tmp_path):
    entered(world, now, tmp_path / "s")
    now.at += 600
    session(world, now, tmp_path / "s").enter(Api("http://minsu", transport=world.transport), at_most_old=540)
    assert (len(codes(world)), world.paths().count(REFRESH)) == (2, 0)


def test_another_operator_or_another_system_does_not_take_it(world, now, usercenter, tmp_path):
    first = entered(world, now, tmp_path / "s")
    assert entered(world, now, tmp_path / "s", mobile="13800000004") != first
    assert len(codes(world)) >= 2


def test_a_code_that_a_browser_has_used_is_followed_by_the_next(world, now, usercenter, tmp_path):
    usercenter.update(pyotp.TOTP(SECRET).generate_otp(int(START) // 30 + n) for n in (0, 1))
    entered(world, now, tmp_path / "s")
    assert [int(seconds) for seconds in now.slept] == [int((int(START) // 30 + 1) * 30 - START)]
    assert codes(world) == [pyotp.TOTP(SECRET).generate_otp(int(START) // 30 + n) for n in (0, 1, 2)]


def test_without_a_secret_a_code_is_asked_for_only_when_it_is_needed(world, now, usercenter, tmp_path):
    typed = pyotp.TOTP(SECRET).at(int(START))
    entered(world, now, tmp_path / "s", secret="", ask=lambda: typed)
    assert codes(world) == [None, typed]


def test_a_wrong_code_that_was_typed_is_said_and_nothing_is_kept(world, now, usercenter, tmp_path):
    with pytest.raises(Refused, match="wrong code"):
        entered(world, now, tmp_path / "s", secret="", ask=lambda: "000000")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("needs", "said"), [("enrolment", "no second factor yet"), ("password", "too short or too")])
def test_what_an_operator_lacks_is_said_with_what_to_do(world, now, tmp_path, needs, said):
    world.answers[LOGIN] = lambda _: ok(tokens("t", now) | {"operatorNeeds": needs})
    with pytest.raises(CommandFailed, match=said) as failed:
        entered(world, now, tmp_path / "s")
    assert failed.value.hint


@pytest.mark.parametrize(
    ("status", "slug", "sign_ins"), [(401, "unauthenticated", 1), (403, "reauthentication-required", 2)]
)
def test_a_token_that_has_expired_is_refreshed_one_too_old_renewed_by_a_code_and_the_call_made_once_more(
    world, now, usercenter, tmp_path, status, slug, sign_ins
):
    bearers = []

    def acts(_):
        bearers.append(world.asked[-1][2]["authorization"])
        return problem(status, type=f"/problems/{slug}", msg="no") if len(bearers) == 1 else ok({"list": []})

    world.answers[ACTS] = acts
    api = Api("http://minsu", transport=world.transport)
    session(world, now, tmp_path / "s").enter(api)
    assert api.call(ACTS) == {"list": []}
    assert (len(set(bearers)), len(codes(world))) == (2, sign_ins)


def test_another_refusal_is_not_tried_again(world, now, usercenter, tmp_path):
    world.answers[ACTS] = lambda _: problem(403, type="/problems/forbidden", msg="no")
    api = Api("http://minsu", transport=world.transport)
    session(world, now, tmp_path / "s").enter(api)
    with pytest.raises(Refused):
        api.call(ACTS)
    assert world.paths().count(ACTS) == 1


def test_the_file_lies_where_the_settings_say(tmp_path):
    assert Settings({"MINSU_SESSION_FILE": "/run/s.json"}).session_file.as_posix() == "/run/s.json"
    state = Settings({"XDG_STATE_HOME": str(tmp_path)})
    assert state.session_file == tmp_path / "minsu" / "session.json"
    assert state.operator_totp_secret == ""
