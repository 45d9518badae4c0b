"""What order asks of other services, through the sidecars. Their words are read here and nowhere else.

Whatever is not a peer's clear answer is PeerUnavailable: the caller tries again, nothing is decided on a guess.
"""

from typing import Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from servicekit.errors import PeerUnavailable
from servicekit.sidecar import Sidecar

P = TypeVar("P", bound=BaseModel)
CLOSE_SECONDS = 11.0
"""payment asks WeChat meanwhile, and gives that nine seconds in all."""


class Said(BaseModel):
    """Parent of peers' answers: camelCase, more members than we know are fine."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Homestay(Said):
    """A homestay as it is sold today."""

    id: int
    title: str
    sub_title: str
    cover: str
    info: str
    people_num: int = Field(ge=0, le=2**31 - 1)
    row_type: Literal[0, 1]
    food_info: str
    food_price_fen: int = Field(ge=0, le=2**53)
    homestay_price_fen: int = Field(ge=0, le=2**53)
    market_homestay_price_fen: int = Field(ge=0, le=2**53)
    homestay_business_id: int
    homestay_user_id: int
    on_sale: bool


class CloseAnswer(Said):
    """What payment, and WeChat behind it, says of an order that must not be paid any more."""

    outcome: Literal["closed", "neverPaid", "paid"]
    payment_sn: str | None = None
    pay_time: AwareDatetime | None = None
    total_fen: int | None = None
    version: int | None = None


class PaymentOfOrder(Said):
    sn: str
    pay_type: str


class Travel:
    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def homestay(self, homestay_id: int) -> Homestay | None:
        return await _ask(self._sidecar, "travel", "homestaySnapshot", {"homestayId": homestay_id}, Homestay)


class Payment:
    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar

    async def close(self, order_sn: str, attempt: int) -> CloseAnswer:
        """Close the order's payments at WeChat. Each attempt has a key of its own: an earlier answer may be outdated."""
        body, key = {"orderSn": order_sn}, f"close-{order_sn}-{attempt}"
        answer = await _ask(
            self._sidecar, "payment", "close", body, CloseAnswer, key=key, timeout_seconds=CLOSE_SECONDS
        )
        if answer is None:
            raise PeerUnavailable("payment: 404 for close")
        return answer

    async def of_order(self, order_sn: str) -> PaymentOfOrder | None:
        return await _ask(self._sidecar, "payment", "paymentByOrder", {"orderSn": order_sn}, PaymentOfOrder)


async def _ask(
    sidecar: Sidecar,
    app_id: str,
    name: str,
    body: dict[str, Any],
    answer: type[P],
    *,
    key: str | None = None,
    timeout_seconds: float | None = None,
) -> P | None:
    """The peer's answer, or None for its 404."""
    headers = {"Idempotency-Key": key} if key else {}
    response = await sidecar.invoke(
        app_id, "POST", f"/internal/{name}", json=body, headers=headers, timeout_seconds=timeout_seconds
    )
    if response.status_code == 404:
        return None
    if not response.is_success:
        raise PeerUnavailable(f"{app_id}: {response.status_code} for {name}")
    try:
        return answer.model_validate_json(response.content)
    except ValidationError as error:
        raise PeerUnavailable(f"{app_id}: {name} answers something else: {error.errors()[0]['loc']}") from error
