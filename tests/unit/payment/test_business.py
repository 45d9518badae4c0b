"""What may be paid for: one entry and one peer a business."""

from datetime import UTC, datetime

import pytest

from payment.errors import UnknownServiceType
from payment.paying.business import BusinessType, BusinessTypes
from payment.peers import Payable

DUE = Payable(
    order_sn="SHP2026112309302612345678",
    user_id=1,
    total_fen=500,
    payable=True,
    close_at=datetime(2026, 11, 23, tzinfo=UTC),
    title="茶杯",
)


class ShopPeer:
    """The peer of a shop: it knows what its order costs, and that is all that payment needs."""

    async def payable(self, order_sn: str) -> Payable:
        return DUE.model_copy(update={"order_sn": order_sn})


async def test_a_shop_is_one_entry_and_one_peer():
    types = BusinessTypes({"shop": BusinessType("商城订单", ShopPeer())})

    found = types.find("shop")

    assert found.label == "商城订单"
    assert (await found.owner.payable(DUE.order_sn)).total_fen == 500


@pytest.mark.parametrize("unknown", ["course", "Shop", "", "homestayOrder"])
def test_an_unknown_one_is_refused_by_name_with_what_there_is(unknown):
    types = BusinessTypes({"shop": BusinessType("商城订单", ShopPeer())})

    with pytest.raises(UnknownServiceType, match=f"{unknown!r} is not registered; known: shop") as refused:
        types.find(unknown)
    assert refused.value.field == "serviceType"
