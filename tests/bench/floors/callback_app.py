"""The floor of a callback: a bare ASGI app that verifies, decrypts, settles and answers, on payment's own tables.

It keeps the promises that cost time (signature, one durable transaction for payment, transition and event, what arrives
together settled together) and none of the others: no misfits, no reviews, no bounds, no log, no metric.
`python -m tests.bench.floors.callback_app PORT`, with stack.env in the environment.
"""

import asyncio
import base64
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SETTLE = """
with verdict as (
  select * from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[])
    as v(sn, transaction_id, total_fen, pay_time, event_id)),
locked as (
  select p.id, v.* from third_payment p join verdict v using (sn)
   where p.pay_status = 0 and p.total_fen = v.total_fen order by p.id for update of p),
paid as (
  update third_payment p set pay_status = 1, version = p.version + 1, trade_state = 'SUCCESS', bank_type = 'OTHERS',
         transaction_id = l.transaction_id, pay_time = l.pay_time, updated_at = now()
    from locked l where p.id = l.id returning p.id, p.version, p.sn, p.order_sn, l.event_id),
written as (
  insert into payment_transition (payment_id, seq, from_status, to_status, source)
  select id, version, 0, 1, 'callback' from paid),
told as (
  insert into outbox (event_id, topic, partition_key, event, published_at)
  select event_id, 'bench-floor', order_sn, jsonb_build_object('id', event_id, 'orderSn', order_sn), now() from paid)
select sn from paid
"""


class Floor:
    def __init__(self) -> None:
        pem = Path(os.environ["WXPAY_PLATFORM_CERT_OR_PUBKEY_FILE"]).read_bytes()
        certificate = b"CERTIFICATE" in pem
        self.key: Any = (
            x509.load_pem_x509_certificate(pem).public_key() if certificate else serialization.load_pem_public_key(pem)
        )
        self.aead = AESGCM(os.environ["WXPAY_APIV3_KEY"].encode())
        self.waiting: list[tuple[tuple[Any, ...], asyncio.Future[bool]]] = []
        self.arrived = asyncio.Event()

    async def start(self) -> None:
        self.connection = await asyncpg.connect(os.environ["PAYMENT_DATABASE_URL"].replace("+psycopg", ""))
        self.task = asyncio.create_task(self.settle_for_ever())

    async def settle_for_ever(self) -> None:
        while True:
            await self.arrived.wait()
            batch, self.waiting = self.waiting[:256], self.waiting[256:]
            if not self.waiting:
                self.arrived.clear()
            rows = await self.connection.fetch(SETTLE, *map(list, zip(*(row for row, _ in batch), strict=True)))
            settled = {row[0] for row in rows}
            for row, answer in batch:
                answer.set_result(row[0] in settled)

    async def take(self, headers: dict[bytes, bytes], body: bytes) -> bool:
        signed = headers[b"wechatpay-timestamp"] + b"\n" + headers[b"wechatpay-nonce"] + b"\n" + body + b"\n"
        signature = base64.b64decode(headers[b"wechatpay-signature"])
        self.key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        sealed = json.loads(body)["resource"]
        nonce, extra = sealed["nonce"].encode(), sealed["associated_data"].encode()
        said = json.loads(self.aead.decrypt(nonce, base64.b64decode(sealed["ciphertext"]), extra))
        total, paid_at = said["amount"]["total"], datetime.fromisoformat(said["success_time"])
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        row = (said["out_trade_no"], said["transaction_id"], total, paid_at, str(uuid4()))
        self.waiting.append((row, answer))
        self.arrived.set()
        return await answer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while (message := await receive()).get("more_body") or not body:
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        settled = await self.take(dict(scope["headers"]), body)
        await send({"type": "http.response.start", "status": 204 if settled else 409, "headers": []})
        await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(Floor(), port=int(sys.argv[1]), log_level="warning", access_log=False, loop="uvloop", http="httptools")
