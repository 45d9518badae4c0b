"""The route table is data, and says exactly what the outside world may reach."""

import re

from gateway.routes import PUBLIC, Who
from tests.support.services import WITH_API


def test_every_public_path_is_exact_unique_and_lies_under_its_service():
    paths = [route.path for route in PUBLIC]
    assert len(set(paths)) == len(paths)
    for route in PUBLIC:
        assert route.app_id in WITH_API
        assert re.fullmatch(rf"/{route.app_id}/v1/[A-Za-z]+/[A-Za-z]+", route.path)


def test_no_path_of_the_inside_is_public():
    assert not [
        route for route in PUBLIC if re.search(r"/(internal|events|jobs|dapr|metrics|livez|readyz)\b", route.path)
    ]


def test_only_wechat_callbacks_and_what_a_visitor_may_read_are_open():
    assert {route.path for route in PUBLIC if route.who is Who.WECHAT} == {
        "/payment/v1/thirdPayment/thirdPaymentWxPayCallback",
        "/payment/v1/thirdPayment/thirdPaymentWxRefundCallback",
    }
    assert {route.path for route in PUBLIC if route.who is Who.ANYONE} == {
        "/usercenter/v1/user/register",
        "/usercenter/v1/user/login",
        "/usercenter/v1/user/sendMobileCode",
        "/usercenter/v1/user/wxMiniAuth",
        "/usercenter/v1/user/refreshToken",
        "/travel/v1/homestay/homestayList",
        "/travel/v1/homestay/businessList",
        "/travel/v1/homestay/guessList",
        "/travel/v1/homestay/homestayDetail",
        "/travel/v1/homestay/search",
        "/travel/v1/homestay/cityList",
        "/travel/v1/homestay/homestayCalendar",
        "/travel/v1/homestayBussiness/goodBoss",
        "/travel/v1/homestayBussiness/homestayBussinessList",
        "/travel/v1/homestayBussiness/homestayBussinessDetail",
        "/travel/v1/homestayComment/commentList",
        "/order/v1/homestayOrder/quoteHomestayOrder",
    }
