"""Rate limits of a strict sandbox, per merchant, counted in real time (wechat-pay-v3.md §5)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from wechatsim.errors import PayError
from wechatsim.pay.routes import FAILED_REFUNDS_PER_S, REFUND_QUERIES_PER_S
from wechatsim.rate_limit import RateLimiter

from .conftest import in_process
from .refunds import REFUNDS, body


def test_the_limit_is_per_merchant_and_lasts_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("wechatsim.rate_limit.time", SimpleNamespace(monotonic=lambda: now[0]))
    limiter = RateLimiter(enabled=True)
    for _ in range(REFUND_QUERIES_PER_S):
        limiter.check("1", "query", REFUND_QUERIES_PER_S)
        limiter.count("1", "query")
    with pytest.raises(PayError) as refused:
        limiter.check("1", "query", REFUND_QUERIES_PER_S)
    assert (refused.value.status, refused.value.code) == (429, "FREQUENCY_LIMITED")
    limiter.check("2", "query", REFUND_QUERIES_PER_S)
    now[0] += 1.0
    limiter.check("1", "query", REFUND_QUERIES_PER_S)


@pytest.mark.parametrize(("strict", "last"), [(True, 429), (False, 404)])
async def test_after_six_failing_refunds_the_seventh_is_rate_limited(
    keys: Path, monkeypatch: pytest.MonkeyPatch, strict: bool, last: int
) -> None:
    # On a slow machine the second would pass.
    monkeypatch.setattr("wechatsim.rate_limit.time", SimpleNamespace(monotonic=lambda: 100.0))
    async with in_process(keys, strict=strict) as (merchant, _):
        statuses = []
        for n in range(FAILED_REFUNDS_PER_S + 1):
            response = await merchant.send("POST", REFUNDS, body(merchant, "NO-SUCH-ORDER", f"R-{n}", 1))
            statuses.append(response.status_code)
    assert statuses == [404] * FAILED_REFUNDS_PER_S + [last]
