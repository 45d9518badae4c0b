"""What WeChat answers at a sign-in is input from outside as well."""

import pytest

from usercenter.errors import WechatUnavailable
from usercenter.wechat.client import _session, refusal


@pytest.mark.parametrize("openid", ["", "o\x00", "\ud800" * 8, "o" * 65, "ö", 7, None, ["o"]])
def test_an_openid_that_no_table_could_hold_is_no_answer(openid):
    with pytest.raises(WechatUnavailable):
        _session({"openid": openid, "session_key": "k"})


@pytest.mark.parametrize("errcode", [[40029], {"a": 1}, "40029", 1.5])
def test_an_errcode_that_is_no_number_is_an_outage_of_wechat(errcode):
    assert isinstance(refusal(errcode), WechatUnavailable)
