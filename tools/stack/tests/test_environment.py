"""What services are told: quoted for any shell, secrets apart, the caller's wishes passed on."""

import json
import subprocess
from pathlib import Path

import pytest

from stack import environment, layout, wechat
from stack.environment import Environment, External
from stack.vault import Vault

MERCHANT = {
    "key_mode": "cert",
    "mchid": "1600000001",
    "appid": "wx0123456789abcdef",
    "app_secret": "app-secret",
    "apiv3_key": "apiv3-key",
    "merchant_serial": "MERCHANT-SERIAL",
    "merchant_key_file": "apiclient_key.pem",
    "platform_serial": "PLATFORM-SERIAL",
    "platform_key_file": "platform_key.pem",
    "platform_cert_file": "platform_cert.pem",
    "public_key_id": "PUB_KEY_ID_1",
    "public_key_file": "pub_key.pem",
    "public_key_private_file": "pub_key_private.pem",
    "templates": [
        {"id": "T1", "title": "支付成功通知"},
        {"id": "T2", "title": "入住提醒"},
        {"id": "T3", "title": "退款成功通知"},
        {"id": "T4", "title": "退款申请提醒"},
    ],
}
PROMISED = """
GATEWAY_URL STOREFRONT_URL KAFKA_BROKERS WXPAY_BASE_URL WXPAY_MCHID WXPAY_APPID WXPAY_APIV3_KEY WXPAY_MCH_SERIAL
WXPAY_MCH_PRIVATE_KEY_FILE WXPAY_PLATFORM_CERT_OR_PUBKEY_FILE WXPAY_PLATFORM_SERIAL WXPAY_PLATFORM_PRIVATE_KEY_FILE
WXPAY_NOTIFY_URL WXPAY_OPENID WXMA_BASE_URL WXMA_APPID WXMA_SECRET BUYER_MOBILE BUYER_PASSWORD MERCHANT_MOBILE
MERCHANT_PASSWORD MERCHANT_OPENID OPERATOR_MOBILE OPERATOR_PASSWORD OPERATOR_TOTP_SECRET MINSU_SESSION_FILE
WECHATSIM_URL
"""


def build(run: Path, caller: dict[str, str], outside: External | None = None, *, key_mode: str = "cert") -> Environment:
    keys = run / "wechatsim"
    keys.mkdir(parents=True, exist_ok=True)
    for name, value in MERCHANT.items():
        if name.endswith("_file"):
            (keys / str(value)).write_text(f"-- {value} --\n")
    where = layout.plan({"MINSU_RUN_DIR": str(run)})
    merchant = wechat.Merchant(keys, MERCHANT | {"key_mode": key_mode})
    return Environment(where, Vault(run), merchant, outside or External(), caller)


@pytest.mark.parametrize("value", ["plain", "two words", "it's", 'a "b"', "$HOME `id` \\", "民宿", "", "a=b#c"])
def test_any_value_survives_a_shell(tmp_path: Path, value: str) -> None:
    file = tmp_path / "x.env"
    file.write_text(environment.dotenv({"VALUE": value}))
    told = subprocess.run(["sh", "-c", f'. {file}; printf %s "$VALUE"'], capture_output=True, text=True, check=True)
    assert told.stdout == value


def test_stack_env_has_every_promised_name(tmp_path: Path) -> None:
    stack = build(tmp_path, {}).stack()
    services = ["GATEWAY", "USERCENTER", "TRAVEL", "ORDER", "PAYMENT", "NOTIFICATION"]
    wanted = set(PROMISED.split()) | {*(f"{name}_URL" for name in services)}
    wanted |= {f"{name}_DAPR_HTTP_PORT" for name in services} | {f"{name}_DATABASE_URL" for name in services[1:]}
    assert wanted <= set(stack)
    assert all(stack[name] for name in wanted)
    assert not any("TOKEN" in name for name in stack)


@pytest.mark.parametrize(
    ("mode", "file", "serial", "key"),
    [
        ("cert", "platform_cert.pem", "PLATFORM-SERIAL", "platform_key.pem"),
        ("pubkey", "pub_key.pem", "PUB_KEY_ID_1", "pub_key_private.pem"),
    ],
)
def test_the_key_mode_chooses_whose_key_the_platform_lines_name(
    tmp_path: Path, mode: str, file: str, serial: str, key: str
) -> None:
    stack = build(tmp_path, {}, key_mode=mode).stack()
    assert Path(stack["WXPAY_PLATFORM_CERT_OR_PUBKEY_FILE"]).name == file
    assert stack["WXPAY_PLATFORM_SERIAL"] == serial
    assert Path(stack["WXPAY_PLATFORM_PRIVATE_KEY_FILE"]).name == key


def test_a_setting_in_the_callers_environment_reaches_its_service_only(tmp_path: Path) -> None:
    made = build(tmp_path, {"ORDER_PAY_WINDOW_SECONDS": "3", "ORDER_URL": "http://x", "ORDER_DAPR_HTTP_PORT": "1"})
    assert made.service("order")["ORDER_PAY_WINDOW_SECONDS"] == "3"
    assert "ORDER_PAY_WINDOW_SECONDS" not in made.service("payment")
    assert not {"ORDER_URL", "ORDER_DAPR_HTTP_PORT"} & set(made.service("order"))


def test_the_callers_log_level_reaches_every_service_and_is_the_services_own_otherwise(tmp_path: Path) -> None:
    assert build(tmp_path, {"LOG_LEVEL": "DEBUG"}).service("order")["LOG_LEVEL"] == "DEBUG"
    assert "LOG_LEVEL" not in build(tmp_path, {}).service("order")


def test_an_app_gets_no_secret_and_a_sidecar_only_its_own(tmp_path: Path) -> None:
    made = build(tmp_path, {})
    made.write()
    payment = (tmp_path / "env" / "payment.env").read_text()
    assert "apiv3-key" not in payment
    assert "MINSU_SECRETS_FILE" not in payment
    assert json.loads((tmp_path / "secrets" / "payment.json").read_text()) == {
        "payment": {
            "wxpay-mch-private-key": "-- apiclient_key.pem --\n",
            "wxpay-apiv3-key": "apiv3-key",
            "wxpay-public-key": "-- pub_key.pem --\n",
        }
    }
    assert json.loads((tmp_path / "secrets" / "order.json").read_text()) == {"order": {}}
    private = [*(tmp_path / "env").iterdir(), *(tmp_path / "secrets").iterdir(), tmp_path / "stack.env"]
    assert {file.stat().st_mode & 0o777 for file in private} == {0o600}


def test_what_is_generated_stays(tmp_path: Path) -> None:
    first = build(tmp_path, {})
    order, secrets = first.service("order"), first.secrets("usercenter")
    again = build(tmp_path, {})
    assert again.service("order") == order
    assert again.secrets("usercenter") == secrets
    assert first.service("order")["APP_API_TOKEN"] != first.service("payment")["APP_API_TOKEN"]


def test_a_database_and_a_broker_of_the_callers_take_the_place_of_ours(tmp_path: Path) -> None:
    made = build(tmp_path, {})
    given = {"ORDER_DATABASE_URL": "postgresql://elsewhere/order", "KAFKA_BROKERS": "kafka.example:9092"}
    outside = environment.external(made.layout, made.vault, given)
    assert outside == External({"order": "postgresql://elsewhere/order"}, "kafka.example:9092")
    assert build(tmp_path, given, outside).migration("order") == {
        "ORDER_OWNER_DATABASE_URL": "postgresql://elsewhere/order",
        "ORDER_DATABASE_ROLE": "",
    }
    assert build(tmp_path, given, outside).service("order")["ORDER_DATABASE_URL"] == "postgresql://elsewhere/order"


def test_an_owner_of_the_callers_migrates_and_gives_its_rights_to_the_role_of_the_url(tmp_path: Path) -> None:
    given = {
        "ORDER_DATABASE_URL": "postgresql://worker:secret@elsewhere/order",
        "ORDER_OWNER_DATABASE_URL": "postgresql://owner:secret@elsewhere/order",
    }
    made = build(tmp_path, {})
    outside = environment.external(made.layout, made.vault, given)
    assert build(tmp_path, given, outside).migration("order") == {
        "ORDER_OWNER_DATABASE_URL": "postgresql://owner:secret@elsewhere/order",
        "ORDER_DATABASE_ROLE": "worker",
    }


def test_an_app_knows_neither_the_owner_of_its_tables_nor_a_password_of_the_demo(tmp_path: Path) -> None:
    made = build(tmp_path, {"USERCENTER_SEED_BUYER_PASSWORD": "of the caller"})
    told = made.service("usercenter")
    assert not [name for name in told if "SEED" in name or "OWNER" in name]
    assert "//minsu_usercenter_service:" in told["USERCENTER_DATABASE_URL"]
    assert made.seed("usercenter")["USERCENTER_SEED_BUYER_PASSWORD"] == "of the caller"
    assert made.seed("order") == {}
    assert "//minsu_usercenter:" in made.migration("usercenter")["USERCENTER_OWNER_DATABASE_URL"]
    assert made.migration("usercenter")["USERCENTER_DATABASE_ROLE"] == "minsu_usercenter_service"


def test_a_sourced_stack_env_does_not_turn_our_own_database_into_a_foreign_one(tmp_path: Path) -> None:
    made = build(tmp_path, {})
    assert environment.external(made.layout, made.vault, made.stack()) == External({}, "")
