"""The documents that the code makes of itself: OpenAPI of each service, and every problem that a client may meet.

`make contracts` writes them to contracts/.
"""

import json
from collections.abc import Iterator
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
from servicekit.errors import Problem
from servicekit.messages import Catalogue
from servicekit.testing import APP_TOKEN
from tests.service.payment.wechat import pem_of_private

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
FOLDER = CONTRACTS / "openapi"
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
            notification.settings.Settings(
                **COMMON,
                **WXMA,
                template_paid="p" * 43,
                template_arrival="a" * 43,
                template_refunded="r" * 43,
                template_refund_asked="q" * 43,
            )
        ),
    }


def document(app: FastAPI) -> str:
    described: dict[str, Any] = app.openapi()
    return json.dumps(described, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def problems() -> str:
    """Every refusal: number, slug (the end of `type`), HTTP status, who says it, what the user reads."""
    apps()  # imports every service, and with it its errors
    found = []
    for kind in set(_subclasses(Problem)):
        service = kind.__module__.partition(".")[0]
        if service == "tests":
            continue
        catalogue = Catalogue(*([] if service == "servicekit" else [service]))
        found.append(
            {
                "code": kind.code,
                "slug": kind.slug,
                "status": kind.status,
                "said_by": service,
                "zh": catalogue.text(kind.slug, "zh"),
                "en": catalogue.text(kind.slug, "en"),
            }
        )
    found.sort(key=lambda each: (each["code"], each["slug"], each["said_by"]))
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _subclasses(kind: type[Problem]) -> Iterator[type[Problem]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, app in apps().items():
        (FOLDER / f"{name}.json").write_text(document(app))
    (CONTRACTS / "problems.json").write_text(problems())
