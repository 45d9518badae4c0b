"""`minsu ops enrol`."""

import pyotp
import pytest
from typer.testing import CliRunner

from minsu import second_factor_cli
from minsu.api import Api
from minsu.cli import app
from minsu.errors import CommandFailed
from tests.unit.minsu.conftest import ok

USER = "/usercenter/v1/user"


@pytest.fixture
def run(world, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(second_factor_cli, "Api", lambda url, **more: Api(url, transport=world.transport, **more))
    environment = {"OPERATOR_MOBILE": "13800000003", "OPERATOR_PASSWORD": "p" * 10}

    def invoke(*arguments, typed):
        return CliRunner(env=environment).invoke(app, ["ops", "enrol", *arguments], input=typed)

    return invoke


@pytest.mark.parametrize(
    ("needs", "typed", "proof"),
    [
        ("enrolment", "123456\n", {"password": "p" * 10}),
        ("code", "111111\n123456\n", {"password": "p" * 10, "totpCode": "111111"}),
    ],
)
def test_it_shows_a_secret_takes_a_code_and_prints_recovery_codes(world, run, needs, typed, proof):
    times = {"accessExpire": 4_000_000_000, "refreshAfter": 4_000_000_000}
    signed_in = {"accessToken": "t", "refreshToken": "r", **times, "operatorNeeds": needs}
    world.answers[f"{USER}/login"] = lambda _: ok(signed_in)
    world.answers[f"{USER}/totpEnrol"] = lambda _: ok({"secret": "JBSWY3DP", "otpauthUri": "otpauth://totp/a?secret=b"})
    world.answers[f"{USER}/totpConfirm"] = lambda _: ok(
        {"recoveryCodes": ["ABCD-EFGH"], "token": {**signed_in, "accessToken": "new"}}
    )
    world.answers[f"{USER}/logout"] = lambda _: ok({})
    done = run("--json", typed=typed)
    assert done.exit_code == 0, done.output
    assert '"ABCD-EFGH"' in done.stdout
    assert "JBSWY3DP" in done.stderr
    assert [(path.rpartition("/")[2], body) for path, body, _ in world.asked[1:3]] == [
        ("totpEnrol", proof),
        ("totpConfirm", {"totpCode": "123456"}),
    ]
    assert world.asked[-1][2]["authorization"] == "Bearer new"  # one of before is void where a phone was replaced
    assert [path.rpartition("/")[2] for path, *_ in world.asked[3:]] == ["logout"]


def test_a_laptop_without_a_phone_prints_a_code(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    before = pyotp.TOTP(secret).now()
    printed = CliRunner(env={"OPERATOR_TOTP_SECRET": secret}).invoke(app, ["ops", "code"])
    assert (printed.exit_code, printed.output.strip() in {before, pyotp.TOTP(secret).now()}) == (0, True)
    with pytest.raises(CommandFailed, match="OPERATOR_TOTP_SECRET is not set"):
        CliRunner(env={"OPERATOR_TOTP_SECRET": ""}).invoke(app, ["ops", "code"], catch_exceptions=False)
