"""Raw bytes of a real server's responses."""

from __future__ import annotations

import json
import re
import socket
import time

import httpx
import pytest

from wechatsim.signing import crypto, pki

from .conftest import OPENID, LiveServer, MerchantClient

NAMES = ("Nonce", "Signature", "Timestamp", "Serial", "Signature-Type")


def raw(live: LiveServer, request: bytes) -> tuple[list[str], bytes]:
    """Send bytes, read until the server closes: (status line and header lines, body)."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=10) as connection:
        connection.sendall(request)
        response = b""
        while chunk := connection.recv(65536):
            response += chunk
    head, _, body = response.partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body


def request_bytes(merchant: MerchantClient, method: str, target: str, body: bytes = b"", **changed: str) -> bytes:
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        "Accept: application/json",
        "User-Agent: raw",
        f"Content-Length: {len(body)}",
        f"Authorization: {merchant.authorization(method, target, body, **changed)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_header_names_keep_their_case_and_the_signature_covers_the_body(live: LiveServer) -> None:
    merchant = MerchantClient(live_folder(live))
    head, body = raw(live, request_bytes(merchant, "GET", "/v3/certificates"))
    assert head[0].startswith("HTTP/1.1 200")
    headers = dict(line.split(": ", 1) for line in head[1:])
    assert {f"Wechatpay-{name}" for name in NAMES} | {
        "Request-ID",
        "Content-Type",
        "Cache-Control",
        "X-Content-Type-Options",
        "Content-Language",
        "Server",
        "Keep-Alive",
        "Date",
    } <= set(headers)
    assert headers["Server"] == "nginx"
    assert re.fullmatch(r"[0-9A-F]+-0", headers["Request-ID"])
    assert headers["Wechatpay-Serial"] == merchant.ids["platform_serial"]
    assert len(headers["Wechatpay-Nonce"]) == 32
    public = pki.certificate_key((merchant.folder / "platform_cert.pem").read_text())
    message = crypto.response_message(headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], body)
    assert crypto.verify(public, message, headers["Wechatpay-Signature"])


def live_folder(live: LiveServer) -> object:
    return live.server.config.app.state.sim.settings.keys[0]  # type: ignore[union-attr]


def test_a_204_is_signed_over_an_empty_body(live: LiveServer) -> None:
    merchant = MerchantClient(live_folder(live))
    body = json.dumps({"mchid": merchant.ids["mchid"]}).encode()
    target = "/v3/pay/transactions/out-trade-no/WIRE-0001/close"
    head, response = raw(live, request_bytes(merchant, "POST", target, body))
    assert head[0].startswith("HTTP/1.1 204")
    assert response == b""
    headers = dict(line.split(": ", 1) for line in head[1:])
    assert "content-length" not in headers
    # WxJava reads the type on every success, and fails without it.
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    public = pki.certificate_key((merchant.folder / "platform_cert.pem").read_text())
    message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n\n".encode()
    assert crypto.verify(public, message, headers["Wechatpay-Signature"])


def test_an_absolute_target_is_reduced_to_its_path(live: LiveServer) -> None:
    merchant = MerchantClient(live_folder(live))
    target = f"/v3/pay/transactions/out-trade-no/NO%7CBODY-01?mchid={merchant.ids['mchid']}"
    request = request_bytes(merchant, "GET", target)
    head, body = raw(live, request.replace(b"GET /", b"GET http://api.mch.weixin.qq.com/", 1))
    assert (head[0].split()[1], json.loads(body)["code"]) == ("404", "ORDER_NOT_EXIST")
    head, body = raw(live, b"GET http://api.mch.weixin.qq.com HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (head[0].split()[1], body) == ("404", b"")


def test_a_connection_is_kept_longer_than_the_header_promises(live: LiveServer) -> None:
    response = httpx.get(f"{live.url}/v3/certificates", trust_env=False)
    assert response.headers["Keep-Alive"] == "timeout=8"
    assert live.server.config.timeout_keep_alive > 8


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/v3/nowhere", 404),
        ("GET", "/v3/pay/transactions/jsapi", 405),
        ("POST", "/v3/certificates", 405),
        ("GET", "/v3/certificates/", 404),
    ],
)
def test_unknown_paths_and_wrong_methods_return_an_empty_body(
    live: LiveServer, method: str, target: str, status: int
) -> None:
    response = httpx.request(method, live.url + target, trust_env=False)
    assert (response.status_code, response.content) == (status, b"")
    assert not [name for name in response.headers if name.startswith("wechatpay-")]


def test_the_error_of_a_wrong_signature_is_detailed_and_unsigned(live: LiveServer) -> None:
    merchant = MerchantClient(live_folder(live))
    body = json.dumps(merchant.order("WIRE-0002", payer={"openid": OPENID})).encode()
    target = "/v3/pay/transactions/jsapi"
    stamp = str(int(time.time()))
    wrong = {"signature": "AAAA", "timestamp": stamp, "nonce_str": "N" * 32}
    head, response = raw(live, request_bytes(merchant, "POST", target, body, **wrong))
    assert head[0].startswith("HTTP/1.1 401")
    assert not [line for line in head if line.lower().startswith("wechatpay-")]
    shown = f"POST\n{target}\n{stamp}\n{'N' * 32}\n" + '{"appid"\n'
    length = len(f"POST\n{target}\n{stamp}\n{'N' * 32}\n\n") + len(body)
    assert json.loads(response) == {
        "code": "SIGN_ERROR",
        "detail": {
            "detail": {"issue": "sign not match"},
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": "POST",
                "sign_message_length": length,
                "truncated_sign_message": shown,
                "url": target,
            },
        },
        "message": "签名错误，请检查后再试",
    }
    assert httpx.get(f"{live.url}/_sim/books?out_trade_no=WIRE-0002", trust_env=False).json() == {"books": []}
