"""Requests and responses about photos."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from servicekit.schemas import ApiModel, RowId
from travel.models import HomestayPhoto
from travel.photos import MOST
from travel.pictures import MOST_BYTES

Image = Annotated[
    str,
    StringConstraints(min_length=1, max_length=-(-MOST_BYTES // 3) * 4),
    Field(description=f"JPEG, PNG or WebP as base64, at most {MOST_BYTES} bytes before that", repr=False),
]


class PhotoOut(ApiModel):
    id: int
    url: str = Field(description="A path at the gateway: WebP, at most 1600 pixels long")
    thumb_url: str = Field(description="The same, at most 480 pixels")
    width: int = Field(description="Of `url`, in pixels")
    height: int

    @classmethod
    def of(cls, photo: HomestayPhoto) -> Self:
        return cls(
            id=photo.id,
            url=photo.url("large"),
            thumb_url=photo.url("thumb"),
            width=photo.width,
            height=photo.height,
        )


class AddPhoto(ApiModel):
    homestay_id: RowId
    image: Image


class OrderPhotos(ApiModel):
    homestay_id: RowId
    ids: Annotated[list[RowId], Field(max_length=MOST, description="Each of its photos once; the first is the cover")]


class RemovePhoto(ApiModel):
    homestay_id: RowId
    id: RowId


class PhotosOut(ApiModel):
    photos: list[PhotoOut] = Field(description="The first is the cover")

    @classmethod
    def of(cls, photos: Sequence[HomestayPhoto]) -> Self:
        return cls(photos=[PhotoOut.of(each) for each in photos])


class PhotoFile(ApiModel):
    key: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
    size: Literal["thumb", "large"]
