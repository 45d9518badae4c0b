"""`python -m payment reconcile` as a shell sees it."""

import asyncio
import csv
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from tests.service.payment import bill as bills
from tests.service.payment.books import OURS, World
from tests.service.payment.support import rows, secrets_of
from tests.service.payment.wechat import APPID, MCHID, MERCHANT_SERIAL, SERIAL

UNKNOWN = "PMT2026112210000099999999"


@pytest.fixture
def listening(wechat):
    """The tests' WeChat at a port; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            request = httpx.Request("GET", f"https://api.mch.weixin.qq.com{self.path}", headers=dict(self.headers))
            wechat.requests.append(request)
            answer = wechat.fail_with[0] if wechat.fail_with else asyncio.run(wechat.respond(request))
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_):
            """The output is the command's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def paid(wechat, number, fen):
    """A payment that WeChat holds the money of; its transaction id."""
    wechat.prepaid(number, fen)
    return wechat.pay(number)


@pytest.fixture
def reconcile(database_url, wechat, listening, tmp_path):
    files = {}
    for name, secret in secrets_of(wechat).items():
        file = tmp_path / f"{name}.secret"
        file.write_text(secret)
        files[f"PAYMENT_{name.upper().replace('-', '_')}_FILE"] = str(file)

    def run(*arguments):
        environment = {
            "PATH": os.environ["PATH"],
            "PAYMENT_DATABASE_URL": database_url,
            "PAYMENT_WXPAY_BASE_URL": listening,
            "PAYMENT_WXPAY_MCHID": MCHID,
            "PAYMENT_WXPAY_APPID": APPID,
            "PAYMENT_WXPAY_MCH_SERIAL": MERCHANT_SERIAL,
            "PAYMENT_WXPAY_PUBLIC_KEY_ID": SERIAL,
            "PAYMENT_WXPAY_NOTIFY_URL": "https://minsu.example/pay",
            "PAYMENT_WXPAY_REFUND_NOTIFY_URL": "https://minsu.example/refund",
            **files,
        }
        command = [sys.executable, "-m", "payment", "reconcile", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    return run


async def test_the_report_is_all_of_the_output_and_progress_is_json_lines(db, reconcile, wechat, tmp_path):
    world = World(db)
    waiting = await world.payment(1, status=0)
    lines = [bills.sale(waiting, 19900, paid(wechat, waiting, 19900), **OURS), bills.sale(UNKNOWN, 1, "T9", **OURS)]
    file = bills.write(tmp_path / "bill.csv", *lines)

    done = reconcile("--date", "2026-11-22", "--bill", str(file), "--format", "json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [(row["kind"], row["outcome"]) for row in document["differences"]] == [
        ("state", "settled"),
        ("missing_here", "review"),
    ]
    phases = [json.loads(line)["phase"] for line in done.stderr.splitlines()]
    assert (phases[0], phases[-1], set(phases)) == ("read", "repair", {"read", "compare", "repair"})
    assert len(await rows(db, "outbox")) == 1

    again = reconcile("--date", "2026-11-22", "--bill", str(file), "--format", "json")
    assert again.stdout == done.stdout
    table = list(
        csv.DictReader(io.StringIO(reconcile("--date", "2026-11-22", "--bill", str(file), "--format", "csv").stdout))
    )
    assert [row["number"] for row in table] == [waiting, UNKNOWN]
    assert reconcile("--date", "2026-11-22", "--bill", str(file)).stdout.startswith("Reconciliation of 2026-11-22\n")
    assert len(await rows(db, "outbox")) == 1


async def test_another_days_bill_is_one_line_of_error(db, reconcile, tmp_path):
    file = bills.write(tmp_path / "bill.csv", bills.sale("PMT1", 1, "T1", **OURS))
    done = reconcile("--date", "2026-11-21", "--bill", str(file))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "error: 1 of 1 payments of the bill are not of 2026-11-21"
    assert await rows(db, "reconciliation_difference") == []


async def test_a_forged_bill_settles_nothing_and_who_brought_it_is_written_down(db, reconcile, wechat, tmp_path):
    world = World(db)
    waiting = await world.payment(1, status=0)
    wechat.prepaid(waiting, 19900)
    file = bills.write(tmp_path / "forged.csv", bills.sale(waiting, 19900, "T1", **OURS))

    done = reconcile("--date", "2026-11-22", "--bill", str(file), "--by", "王小明")

    assert done.returncode == 0, done.stderr
    [payment] = await rows(db, "third_payment")
    assert (payment["pay_status"], payment["version"]) == (0, 2)
    assert await rows(db, "outbox") == []
    assert [row["reason"] for row in await rows(db, "provider_notice")] == ["bill_unconfirmed"]
    [act] = await rows(db, "operator_act")
    assert (act["operator_id"], act["act"], act["subject"]) == (0, "reconcile", "day:2026-11-22")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert act["note"].startswith("王小明 (")
    assert act["note"].endswith(f"@{socket.gethostname()}): forged.csv sha256 {digest}")


async def test_while_wechat_is_away_the_command_settles_nothing_and_the_day_waits(db, reconcile, wechat, tmp_path):
    world = World(db)
    waiting = await world.payment(1, status=0)
    file = bills.write(tmp_path / "bill.csv", bills.sale(waiting, 19900, paid(wechat, waiting, 19900), **OURS))
    wechat.fail_with = [httpx.Response(503)]

    done = reconcile("--date", "2026-11-22", "--bill", str(file))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "error: 1 differences stay open: WeChat could not be asked"
    assert [row["pay_status"] for row in await rows(db, "third_payment")] == [0]
    assert [(row["state"], row["finished_at"]) for row in await rows(db, "reconciliation")] == [("wanted", None)]

    wechat.fail_with = []
    assert reconcile("--date", "2026-11-22", "--bill", str(file)).returncode == 0
    assert [row["pay_status"] for row in await rows(db, "third_payment")] == [1]
    assert [row["state"] for row in await rows(db, "reconciliation")] == ["done"]


@pytest.mark.parametrize(
    "arguments", [["--date", "yesterday"], ["--bill", "/nowhere.csv"], ["--format", "xml"], ["--date", "2026-02-30"]]
)
def test_wrong_options_are_refused_with_usage(reconcile, arguments):
    done = reconcile(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage" in done.stderr
