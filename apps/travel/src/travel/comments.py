"""Guests' comments: public, one per used order."""

from collections.abc import Mapping
from dataclasses import dataclass

from servicekit.db import Database
from travel import repository
from travel.errors import AlreadyCommented, HomestayNotFound
from travel.models import HomestayComment
from travel.peers import OrderPeer, Profile, UserPeer


@dataclass(kw_only=True, eq=False)
class Comments:
    db: Database
    users: UserPeer
    orders: OrderPeer

    async def page(
        self, homestay_id: int | None, last_id: int, page_size: int
    ) -> list[tuple[HomestayComment, Profile | None]]:
        """Newest first, each with its author; None for an author whose profile cannot be had in time."""
        async with self.db.read() as session:
            comments = await repository.comments(session, homestay_id, last_id, page_size)
        profiles = await self.users.profiles([comment.user_id for comment in comments])
        return [(comment, profiles.get(comment.user_id)) for comment in comments]

    async def add(self, user_id: int, *, order_sn: str, content: str, stars: Mapping[str, int]) -> int:
        """The new comment's id. `stars` by the columns of HomestayComment. Raises OrderNotFound, NotCommentable,
        AlreadyCommented; PeerUnavailable while order does not answer."""
        homestay_id = await self.orders.homestay_of_used(order_sn, user_id)
        async with self.db.transaction() as tx:
            if await repository.homestay_and_whether_on_sale(tx, homestay_id) is None:
                raise HomestayNotFound("the homestay of this order is gone", field="orderSn")
            added = await repository.add_comment(
                tx, homestay_id=homestay_id, user_id=user_id, order_sn=order_sn, content=content, **stars
            )
        if added is None:
            raise AlreadyCommented("this order has its comment", field="orderSn")
        return added
