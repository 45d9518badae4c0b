"""What guests say: one comment for a used order, read by anybody."""

from servicekit.clock import unix
from servicekit.db import Database
from servicekit.messages import Catalogue
from travel import repository
from travel.errors import AlreadyCommented, HomestayNotFound
from travel.models import HomestayComment
from travel.peers import Orders, Profile, Users
from travel.schemas import AddComment, CommentAdded, CommentOut, Stars


class Comments:
    def __init__(self, db: Database, users: Users, orders: Orders, catalogue: Catalogue) -> None:
        self._db, self._users, self._orders, self._catalogue = db, users, orders, catalogue

    async def page(self, homestay_id: int | None, last_id: int, page_size: int, language: str) -> list[CommentOut]:
        """The newest first. Whoever cannot be named in time is anonymous."""
        async with self._db.read() as session:
            comments = await repository.comments(session, homestay_id, last_id, page_size)
        profiles = await self._users.profiles([comment.user_id for comment in comments])
        anonymous = self._catalogue.text("anonymous-guest", language)
        return [shown(comment, profiles.get(comment.user_id), anonymous) for comment in comments]

    async def add(self, user_id: int, wanted: AddComment) -> CommentAdded:
        """Raises OrderNotFound, NotCommentable, AlreadyCommented; PeerUnavailable while order does not answer."""
        homestay_id = await self._orders.homestay_of_used(wanted.order_sn, user_id)
        async with self._db.transaction() as tx:
            if await repository.homestay_and_whether_on_sale(tx, homestay_id) is None:
                raise HomestayNotFound("the homestay of this order is gone", field="orderSn")
            added = await repository.add_comment(
                tx,
                homestay_id=homestay_id,
                user_id=user_id,
                order_sn=wanted.order_sn,
                content=wanted.content,
                **wanted.star.model_dump(),
            )
        if added is None:
            raise AlreadyCommented("this order has its comment", field="orderSn")
        return CommentAdded(id=added)


def shown(comment: HomestayComment, author: Profile | None, anonymous: str) -> CommentOut:
    stars = Stars(
        tidiness=comment.tidiness, traffic=comment.traffic, hospitality=comment.hospitality, value=comment.value
    )
    return CommentOut(
        id=comment.id,
        homestay_id=comment.homestay_id,
        content=comment.content,
        star=average(stars),
        user_id=comment.user_id,
        nickname=author.nickname if author else anonymous,
        avatar=author.avatar if author else "",
        stars=stars,
        create_time=unix(comment.created_at),
    )


def average(stars: Stars) -> float:
    """Quarters of a star, exact."""
    return (stars.tidiness + stars.traffic + stars.hospitality + stars.value) / 4
