"""`check-wechat`: each thing that is wrong is named, with its remedy."""

from datetime import timedelta

import httpx
import pytest
from pydantic import HttpUrl

from payment.main import create_app
from payment.preflight import check, check_notify_url, secrets_of_files
from servicekit.clock import utc_now
from servicekit.secrets import BadSecret
from servicekit.testing import client
from tests.service.payment.support import secrets_of
from wechatsim.signing import pki


async def findings(settings, wechat, *, secrets=None, clock=utc_now):
    held = secrets if secrets is not None else secrets_of(wechat)
    return [each async for each in check(settings, held, clock, transport=wechat)]


def wrong(found):
    return [str(each) for each in found if not each.ok]


async def test_all_is_well_in_public_key_mode_and_nothing_was_ordered(settings, wechat):
    found = await findings(settings, wechat)

    assert wrong(found) == []
    assert str(found[-1]) == "✓ WeChat's answers are signed by a key that we hold"
    assert {request.url.path.rpartition("/")[2] for request in wechat.requests} == {"certificates", "close"}


async def test_all_is_well_in_certificate_mode(settings, wechat):
    serial = wechat.use_certificates()

    found = await findings(settings.model_copy(update={"wxpay_public_key_id": ""}), wechat)

    assert wrong(found) == []
    assert f"✓ the APIv3 key opens the platform certificates: {serial}" in map(str, found)


async def test_a_wrong_api_v3_key_is_named(settings, wechat):
    wechat.use_certificates()

    found = await findings(settings, wechat, secrets=secrets_of(wechat) | {"wxpay-apiv3-key": "x" * 32})

    assert "wxpay-apiv3-key" in wrong(found)[0]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"wxpay-apiv3-key": "short"}, "secret wxpay-apiv3-key cannot be used: the APIv3 key must have 32 bytes"),
        ({"wxpay-apiv3-key": "0123456789abcde\n0123456789abcdef"}, "secret wxpay-apiv3-key has white space in it"),
        ({"wxpay-apiv3-key": "\n"}, "secret wxpay-apiv3-key is empty"),
        ({"wxpay-mch-private-key": "no-pem"}, "secret wxpay-mch-private-key cannot be used"),
        ({"wxpay-public-key": "no-pem"}, "secret wxpay-public-key cannot be used"),
    ],
)
async def test_a_key_of_the_wrong_form_is_named_by_the_check_and_at_start(settings, wechat, change, named):
    held = secrets_of(wechat) | change

    found = await findings(settings, wechat, secrets=held)

    assert named in wrong(found)[0]
    assert wechat.requests == []
    with pytest.raises(BadSecret, match=named):
        create_app(settings, held, wechat_transport=wechat)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", " \n\n"])
async def test_a_line_end_after_each_secret_matters_neither_to_the_check_nor_at_start(settings, wechat, line_end):
    held = {name: value + line_end for name, value in secrets_of(wechat).items()}

    assert wrong(await findings(settings, wechat, secrets=held)) == []
    async with client(create_app(settings, held, wechat_transport=wechat)) as http:
        assert (await http.get("/livez")).status_code == 200


async def test_a_missing_secret_is_named(settings, wechat):
    assert "wxpay-public-key" in wrong(await findings(settings, wechat, secrets={"wxpay-apiv3-key": "k" * 32}))[0]


async def test_another_public_key_than_wechats_is_named(settings, wechat):
    another = pki.public_pem(pki.new_key().public_key())

    found = await findings(settings, wechat, secrets=secrets_of(wechat) | {"wxpay-public-key": another})

    assert "wxpay-public-key" in wrong(found)[0]


@pytest.mark.parametrize(
    ("changes", "key", "ahead", "message", "remedy"),
    [
        (
            {"wxpay_mch_serial": "8" * 40},
            None,
            0,
            "商户证书序列号有误。请使用签名私钥匹配的证书序列号",
            "PAYMENT_WXPAY_MCH_SERIAL is not",
        ),
        ({}, None, 301, "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟", "NTP"),
        ({}, pki.new_key, 0, "签名错误，请检查后再试", "do not belong together"),
    ],
    ids=["serial", "clock", "key"],
)
async def test_a_refused_signature_says_what_does_not_belong_together(
    settings, wechat, changes, key, ahead, message, remedy
):
    secrets = secrets_of(wechat) | ({"wxpay-mch-private-key": pki.key_pem(key())} if key else {})

    checked = settings.model_copy(update=changes)

    found = wrong(await findings(checked, wechat, secrets=secrets, clock=lambda: utc_now() + timedelta(seconds=ahead)))

    assert len(found) == (2 if ahead else 1), "a clock that is off is named as well"
    assert message in found[-1]
    assert remedy in found[-1]


async def test_a_clock_that_is_off_is_named_by_its_seconds(settings, wechat):
    wechat.use_certificates()

    found = await findings(settings, wechat, clock=lambda: utc_now() + timedelta(seconds=90))

    assert "our clock differs from WeChat's by +9" in wrong(found)[0]


async def test_a_wechat_that_does_not_answer_is_named(settings, wechat):
    wechat.fail_with = [httpx.ConnectError("refused")]

    assert "does not answer: ConnectError" in wrong(await findings(settings, wechat))[0]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://minsu.example.com/callback", "https"),
        ("https://127.0.0.1/callback", "public"),
        ("https://10.0.0.7/callback", "public"),
        ("https://gateway/callback", "public"),
        ("https://minsu.example.com/callback?a=1", "query"),
        ("https://minsu.example.com/", "path"),
        ("https://minsu.example.com/" + "a" * 255, "255"),
    ],
)
def test_an_address_that_wechat_would_not_call_is_refused(url, why):
    found = check_notify_url("wxpay_notify_url", HttpUrl(url), sandbox=False)

    assert not found.ok
    assert why in found.fix
    assert "PAYMENT_WXPAY_NOTIFY_URL" in found.fix


def test_the_sandbox_may_call_this_machine():
    assert check_notify_url("wxpay_notify_url", HttpUrl("http://127.0.0.1:8000/callback"), sandbox=True).ok


def test_secrets_are_read_from_the_files_that_are_named(tmp_path):
    (tmp_path / "key").write_text("k" * 32 + "\n")

    assert secrets_of_files({"PAYMENT_WXPAY_APIV3_KEY_FILE": str(tmp_path / "key")}) == {"wxpay-apiv3-key": "k" * 32}
