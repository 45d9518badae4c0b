"""The OpenAPI document of each service, as its code makes it. `make contracts` writes them to contracts/openapi/."""

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import FastAPI

import notification.main
import notification.settings
import order.main
import order.settings
import payment.main
import payment.settings
import travel.main
import travel.settings
import usercenter.main
import usercenter.settings
from servicekit.testing import APP_TOKEN
from tests.service.payment.wechat import pem_of_private

FOLDER = Path(__file__).resolve().parents[2] / "contracts" / "openapi"
COMMON = {"APP_API_TOKEN": APP_TOKEN, "database_url": "postgresql://nobody@127.0.0.1:1/none"}
WXMA = {"wxma_base_url": "https://api.weixin.qq.com", "wxma_appid": "wx0000000000000000"}


def apps() -> dict[str, FastAPI]:
    """Every service that has an API, composed but never started."""
    key = pem_of_private(rsa.generate_private_key(65537, 2048))
    notify = "https://minsu.example/payment/v1/thirdPayment/"
    wxpay = {
        "wxpay_mchid": "1900000109",
        "wxpay_appid": WXMA["wxma_appid"],
        "wxpay_mch_serial": "7" * 40,
        "wxpay_notify_url": notify + "thirdPaymentWxPayCallback",
        "wxpay_refund_notify_url": notify + "thirdPaymentWxRefundCallback",
    }
    return {
        "usercenter": usercenter.main.create_app(usercenter.settings.Settings(**COMMON, **WXMA)),
        "travel": travel.main.create_app(travel.settings.Settings(**COMMON)),
        "order": order.main.create_app(order.settings.Settings(**COMMON)),
        "payment": payment.main.create_app(
            payment.settings.Settings(**COMMON, **wxpay),
            {"wxpay-mch-private-key": key, "wxpay-apiv3-key": "k" * 32},
        ),
        "notification": notification.main.create_app(
            notification.settings.Settings(**COMMON, **WXMA, template_paid="p" * 43, template_arrival="a" * 43)
        ),
    }


def document(app: FastAPI) -> str:
    described: dict[str, Any] = app.openapi()
    return json.dumps(described, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, app in apps().items():
        (FOLDER / f"{name}.json").write_text(document(app))
