"""The real process under load and at its end: bounded answers over capacity, nothing dropped after SIGTERM, a sidecar that
comes back."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import psycopg
import pytest

from servicekit.testing import APP_TOKEN, SIDECAR_HEADERS, called_by
from stack import children
from tests.service.order.support import paid
from tests.support.ports import free_port
from tests.support.postgres import as_owner
from tests.support.waiting import eventually

SN = "HSO2026112309302612345678"
READ = [
    f"{topic}{letters}"
    for topic in ("payment-update-paystatus-topic", "payment-refund-failed-topic")
    for letters in ("", ".order.dlq")
]
"""What order's sidecar reads: without it the service is not ready."""


class PlayedSidecar:
    """Answers health and bulk publishes; `holding` keeps the answer to a publish back until it is set free."""

    def __init__(self, port=0):
        played = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                played.connections.append(self.connection)

            def do_GET(self):
                if self.path == "/v1.0/metadata":
                    self._end(json.dumps({"subscriptions": [{"pubsubname": "pubsub", "topic": t} for t in READ]}))
                else:
                    self._end()

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                if "/publish/bulk/" in self.path:
                    played.asked.set()
                    played.free.wait(20)
                    played.published += [entry["event"]["data"] for entry in body]
                self._end()

            def _end(self, body=""):
                self.send_response(200 if body else 204)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                return

        self.asked, self.free, self.published = threading.Event(), threading.Event(), []
        self.connections = []
        self.free.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Door)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def go(self):
        """Listen no more; what is being answered goes on."""
        self._server.shutdown()
        self._server.socket.close()

    def die(self):
        self.go()
        for each in self.connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def sidecar():
    played = PlayedSidecar()
    yield played
    played.free.set()
    played.go()


@pytest.fixture
def start(order_database, sidecar, sql):
    running = contextlib.ExitStack()

    def run(**settings):
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "APP_PORT": str(port),
            "APP_API_TOKEN": APP_TOKEN,
            "DAPR_HTTP_PORT": str(sidecar.port),
            "DRAIN_SECONDS": "15",
            "ORDER_DATABASE_URL": order_database,
            **settings,
        }
        started = children.child(
            [sys.executable, "-m", "order"], env=environment, stdout=subprocess.DEVNULL, within=0.1
        )
        process = running.enter_context(started)
        http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, headers=SIDECAR_HEADERS)
        process.http = running.enter_context(http)
        eventually(lambda: alive(process.http), what="the service is up")
        return process

    with running:
        yield run


def alive(http):
    try:
        return http.get("/livez").status_code == 200
    except httpx.HTTPError:
        return False


def an_order(sql):
    sql.execute(
        "insert into homestay_order (created_at, version, sn, user_id, homestay_id, homestay_business_id, homestay_user_id,"
        " title, sub_title, cover, info, people_num, sold_by, food_info, food_price_fen, homestay_price_fen,"
        " market_homestay_price_fen, live_start_date, live_end_date, live_people_num, need_food, remark, order_total_fen,"
        " food_total_fen, homestay_total_fen, trade_state, close_at, due_at, tries)"
        " values (now(), 1, %s, 101, 7, 3, 201, 't', '', '', '', 4, 0, '', 0, 19900, 19900, current_date,"
        " current_date + 1, 2, false, '', 19900, 0, 19900, 0, now() + interval '1 hour', now() + interval '1 hour', 0)",
        (SN,),
    )
    sql.execute(
        "insert into order_transition (order_id, seq, to_state, cause, created_at) values (1, 1, 0, 'c', now())"
    )


class Locked:
    """Locks the orders against every other transaction meanwhile."""

    def __init__(self, url):
        self._url = url

    def __enter__(self):
        self._connection = psycopg.connect(as_owner(self._url))
        self._connection.execute("lock table homestay_order in access exclusive mode")
        return self

    def waiting(self):
        """How many requests and events wait for the table; what is measured now and then (`select min`) does not count."""
        with psycopg.connect(as_owner(self._url), autocommit=True) as look:
            query = (
                "select count(*) from pg_locks join pg_stat_activity using (pid)"
                " where not granted and relation = 'homestay_order'::regclass"
                " and (query like 'SELECT homestay_order.%' or query like '%for update of o skip locked%')"
            )
            return look.execute(query).fetchone()[0]

    def __exit__(self, *_):
        self._connection.rollback()
        self._connection.close()


def payable(process):
    return process.http.post("/internal/payable", json={"orderSn": SN}, headers=called_by("payment"))


def hear_of_the_payment(process):
    bulk = {"id": "b", "entries": [{"entryId": "1", "event": paid(SN), "metadata": {"__key": SN}}]}
    return process.http.post("/events/payment-status", json=bulk)


def test_requests_and_events_in_flight_are_finished_after_sigterm(start, sidecar, sql, order_database):
    an_order(sql)
    process = start()
    with ThreadPoolExecutor() as pool:
        with Locked(order_database) as locked:
            asked, heard = pool.submit(payable, process), pool.submit(hear_of_the_payment, process)
            eventually(lambda: locked.waiting() == 2, what="both wait for the database")
            process.send_signal(signal.SIGTERM)
            sidecar.go()
            time.sleep(0.7)  # the drain is over: from here only what is in flight keeps the process
            assert process.poll() is None
        assert (asked.result().status_code, asked.result().json()["orderSn"]) == (200, SN)
        assert heard.result().json() == {"statuses": [{"entryId": "1", "status": "SUCCESS"}]}
    assert process.wait(5) == 0
    assert sql.execute("select trade_state from homestay_order").fetchone() == (1,)


def test_what_never_ends_is_cut_in_bounded_time(start, sidecar, sql, order_database):
    process = start(ORDER_SHUTDOWN_SECONDS="1")
    with Locked(order_database) as locked, ThreadPoolExecutor() as pool:
        asked = pool.submit(payable, process)
        eventually(lambda: locked.waiting() == 1, what="the request waits for the database")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        sidecar.go()
        process.wait(8)
        assert time.monotonic() - began < 6
        with pytest.raises(httpx.HTTPError):
            asked.result().raise_for_status()


def test_a_batch_on_its_way_is_marked_before_the_process_ends(start, sidecar, sql):
    an_order(sql)
    process = start()
    sidecar.free.clear()
    assert hear_of_the_payment(process).json()["statuses"][0]["status"] == "SUCCESS"
    assert sidecar.asked.wait(10)
    process.send_signal(signal.SIGTERM)
    sidecar.go()
    time.sleep(0.7)
    assert process.poll() is None
    sidecar.free.set()
    assert process.wait(8) == 0
    assert len(sidecar.published) == 1
    assert sql.execute("select count(*) from outbox where published_at is null").fetchone() == (0,)


def test_over_capacity_the_answer_is_503_with_retry_after_in_bounded_time(start, sql, order_database):
    an_order(sql)
    process = start(
        ORDER_REQUEST_CONCURRENCY="4", ORDER_DATABASE_POOL_SIZE="1", ORDER_DATABASE_POOL_TIMEOUT_SECONDS="0.3"
    )
    with ThreadPoolExecutor(20) as pool, Locked(order_database) as locked:
        first = pool.submit(payable, process)

        def has_the_connection():
            nonlocal first
            if first.done():  # what is measured now and then had it before us
                first = pool.submit(payable, process)
            return locked.waiting() == 1

        eventually(has_the_connection, what="the pool's one connection is taken by a request")
        began = time.monotonic()
        others = [payable(process)]
        others += [each.result() for each in [pool.submit(payable, process) for _ in range(12)]]
        assert time.monotonic() - began < 3
        assert {answer.status_code for answer in others} == {503}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in others)
        slugs = {answer.json()["type"] for answer in others}
        assert slugs == {"/problems/database-unavailable", "/problems/unavailable"}
        assert alive(process.http)
    assert first.result().status_code == 200, first.result().text
    assert payable(process).status_code == 200


def test_a_sidecar_that_comes_back_gets_what_was_kept_for_it(start, sidecar, sql):
    an_order(sql)
    process = start()
    assert process.http.get("/readyz").status_code == 200
    sidecar.die()
    eventually(lambda: process.http.get("/readyz").status_code == 503, what="not ready without its sidecar")
    assert hear_of_the_payment(process).json()["statuses"][0]["status"] == "SUCCESS"
    waits = "select attempts, last_error from outbox where published_at is null"
    eventually(lambda: (sql.execute(waits).fetchone() or (0,))[0] > 0, what="the relay has tried")
    assert sql.execute(waits).fetchone()[1].startswith("sidecar: ")

    again = PlayedSidecar(sidecar.port)
    try:
        eventually(lambda: len(again.published) == 1, what="the event is published")
        assert process.http.get("/readyz").status_code == 200
        gone = "select count(*) from outbox where published_at is null"
        eventually(lambda: sql.execute(gone).fetchone() == (0,), what="it is marked")
        assert len(again.published) == 1
    finally:
        again.go()
