"""Endpoints for hosts, about the photos of their homestays: `/travel/v1/host/…`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from servicekit.app import provided
from servicekit.auth import Merchant
from servicekit.errors import InvalidInput, PeerUnavailable
from servicekit.idempotency import IdempotencyInFlight, IdempotencyMismatch, OnceOnly
from servicekit.problems import declared
from servicekit.schemas import Ok
from travel.errors import (
    HomestayNotFound,
    PhotoNotFound,
    PictureKindRefused,
    PictureTooLarge,
    TooManyPhotos,
    UnreadablePicture,
)
from travel.photo_schemas import AddPhoto, OrderPhotos, PhotosOut, RemovePhoto
from travel.photos import Photos

router = APIRouter(prefix="/travel/v1/host", tags=["host"])

ThePhotos = Annotated[Photos, Depends(provided(Photos))]


@router.post(
    "/addPhoto",
    responses=declared(
        HomestayNotFound,
        InvalidInput,
        PictureTooLarge,
        PictureKindRefused,
        UnreadablePicture,
        TooManyPhotos,
        IdempotencyMismatch,
        IdempotencyInFlight,
        PeerUnavailable,
    ),
)
async def add_photo(body: AddPhoto, host: Merchant, photos: ThePhotos, once: OnceOnly) -> Ok[PhotosOut]:
    """As the last one. It is stored anew in two sizes, upright and without metadata."""

    async def add() -> PhotosOut:
        return PhotosOut.of(await photos.add(host.user_id, body.homestay_id, body.image))

    return Ok(data=await once(host.user_id, body, PhotosOut, add))


@router.post("/orderPhotos", responses=declared(HomestayNotFound, InvalidInput))
async def order_photos(body: OrderPhotos, host: Merchant, photos: ThePhotos) -> Ok[PhotosOut]:
    return Ok(data=PhotosOut.of(await photos.reorder(host.user_id, body.homestay_id, body.ids)))


@router.post("/removePhoto", responses=declared(HomestayNotFound, PhotoNotFound))
async def remove_photo(body: RemovePhoto, host: Merchant, photos: ThePhotos) -> Ok[PhotosOut]:
    """It is in no list any more; its address works for another hour."""
    return Ok(data=PhotosOut.of(await photos.remove(host.user_id, body.homestay_id, body.id)))
