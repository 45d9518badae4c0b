"""`/travel/v1/homestayComment/…`: anybody reads, the guest of a used order writes, once."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import CurrentUser
from servicekit.idempotency import OnceOnly
from servicekit.schemas import Ok
from travel.comments import Comments
from travel.endpoints.language import Language
from travel.schemas import AddComment, CommentAdded, CommentListRequest, CommentOut, Listed

router = APIRouter(prefix="/travel/v1/homestayComment", tags=["homestayComment"])

TheComments = Annotated[Comments, Depends(provided(Comments))]


@router.post("/commentList")
async def list_comments(body: CommentListRequest, comments: TheComments, language: Language) -> Ok[Listed[CommentOut]]:
    """The newest first, below `lastId`; authors are anonymous while usercenter does not answer."""
    found = await comments.page(body.homestay_id, body.last_id, body.page_size, language)
    return Ok(data=Listed(list=found))


@router.post("/addComment")
async def add_comment(body: AddComment, user: CurrentUser, comments: TheComments, once: OnceOnly) -> Ok[CommentAdded]:
    """For one's own order after its check-in."""
    return Ok(data=await once(user.user_id, body, CommentAdded, lambda: comments.add(user.user_id, body)))
