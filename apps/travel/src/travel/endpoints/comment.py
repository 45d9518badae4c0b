"""Endpoints for comments: `/travel/v1/homestayComment/…`. Reading is public; the guest of a used order writes one."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import CurrentUser
from servicekit.errors import PeerUnavailable
from servicekit.idempotency import IdempotencyInFlight, IdempotencyMismatch, OnceOnly
from servicekit.problems import declared
from servicekit.schemas import Ok
from travel.comments import Comments
from travel.endpoints.language import Translate
from travel.errors import AlreadyCommented, HomestayNotFound, NotCommentable, OrderNotFound
from travel.schemas import AddComment, CommentAdded, CommentListRequest, CommentOut, Listed

router = APIRouter(prefix="/travel/v1/homestayComment", tags=["homestayComment"])

TheComments = Annotated[Comments, Depends(provided(Comments))]


@router.post("/commentList")
async def list_comments(
    body: CommentListRequest, comments: TheComments, translate: Translate
) -> Ok[Listed[CommentOut]]:
    """Newest first, below `lastId`; authors are anonymous while usercenter is unavailable."""
    found = await comments.page(body.homestay_id, body.last_id, body.page_size)
    anonymous = translate("anonymous-guest")
    return Ok(data=Listed(list=[CommentOut.of(comment, author, anonymous) for comment, author in found]))


@router.post(
    "/addComment",
    responses=declared(
        OrderNotFound,
        HomestayNotFound,
        NotCommentable,
        AlreadyCommented,
        IdempotencyMismatch,
        IdempotencyInFlight,
        PeerUnavailable,
    ),
)
async def add_comment(body: AddComment, user: CurrentUser, comments: TheComments, once: OnceOnly) -> Ok[CommentAdded]:
    """For an own order after check-in."""

    async def add() -> CommentAdded:
        stars = body.star.model_dump()
        added = await comments.add(user.user_id, order_sn=body.order_sn, content=body.content, stars=stars)
        return CommentAdded(id=added)

    return Ok(data=await once(user.user_id, body, CommentAdded, add))
