"""Photos of homestays: hosts add, order and remove them, guests see them.

The row comes before the files: first a row that is not shown (`writing`), then the files, then the row is shown
(`stored`). So every file has a row, and a job deletes what was never finished or was removed. No shown row lacks a file.
"""

import asyncio
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from servicekit.clock import Clock
from servicekit.db import Database, Transaction
from servicekit.due import side_by_side
from servicekit.errors import InvalidInput, Unavailable
from travel import photo_repository as repository
from travel import pictures
from travel.errors import HomestayNotFound, PhotoNotFound, TooManyPhotos
from travel.hosting import changes
from travel.hosting import repository as hosting
from travel.models import Homestay, HomestayPhoto
from travel.photo_store import PhotoStore

MOST = 20
WRITTEN_WITHIN = timedelta(minutes=10)
"""Much longer than the calls that write the files may take: after it they are not written any more."""
SERVED_AFTER_REMOVAL = timedelta(hours=1)
"""For pages that are still open, and for a list that the gateway keeps."""
LEASE = timedelta(minutes=1)
BATCH = 50


@dataclass(kw_only=True, eq=False)
class Photos:
    """Changes return the homestay's photos, the cover first, and leave an audit row. They raise HomestayNotFound for one
    that is not the host's."""

    db: Database
    clock: Clock
    store: PhotoStore
    _drawing: asyncio.Semaphore = field(init=False, default_factory=lambda: asyncio.Semaphore(1))

    async def of_homestays(self, ids: Collection[int]) -> dict[int, list[HomestayPhoto]]:
        """By homestay; one without photos is absent."""
        async with self.db.read() as session:
            return await repository.of_homestays(session, ids)

    async def add(self, host_id: int, homestay_id: int, image: str) -> Sequence[HomestayPhoto]:
        """`image`: base64. Raises also what pictures.of_base64 raises, TooManyPhotos, PeerUnavailable."""
        async with self.db.transaction() as tx:  # before the work: most refusals cost nothing
            await _require_room(tx, host_id, homestay_id)
        async with self._drawing:
            picture = await asyncio.to_thread(pictures.of_base64, image)
        key = secrets.token_hex(16)
        async with self.db.transaction() as tx:
            await _require_room(tx, host_id, homestay_id)
            size = {"width": picture.width, "height": picture.height}
            tx.add(HomestayPhoto(homestay_id=homestay_id, key=key, due_at=self.clock() + WRITTEN_WITHIN, **size))
        try:
            await self.store.write(key, picture.files)
        except Unavailable:
            async with self.db.transaction() as tx:
                await repository.abandon(tx, key)
            raise
        async with self.db.transaction() as tx:
            homestay, before = await _own(tx, host_id, homestay_id)
            if not await repository.mark_stored(tx, homestay_id, key):
                raise Unavailable("the photo was not written in time")
            return await self._record(tx, homestay, "addPhoto", before)

    async def reorder(self, host_id: int, homestay_id: int, ids: Sequence[int]) -> Sequence[HomestayPhoto]:
        """`ids`: each of the homestay's photos once. Raises InvalidInput for anything else."""
        async with self.db.transaction() as tx:
            homestay, before = await _own(tx, host_id, homestay_id)
            photos = {each.id: each for each in before}
            if sorted(ids) != sorted(photos):
                raise InvalidInput("must name each photo of the homestay once", field="ids")
            for place, photo_id in enumerate(ids, start=1):
                photos[photo_id].place = place
            await tx.flush()
            return await self._record(tx, homestay, "orderPhotos", before)

    async def remove(self, host_id: int, homestay_id: int, photo_id: int) -> Sequence[HomestayPhoto]:
        """Raises PhotoNotFound."""
        async with self.db.transaction() as tx:
            homestay, before = await _own(tx, host_id, homestay_id)
            if not await repository.mark_removed(tx, homestay_id, photo_id, self.clock() + SERVED_AFTER_REMOVAL):
                raise PhotoNotFound("no such photo of this homestay", field="id")
            return await self._record(tx, homestay, "removePhoto", before)

    async def file(self, key: str, size: str) -> bytes:
        """The WebP. Raises PhotoNotFound, PeerUnavailable."""
        async with self.db.read() as session:
            if not await repository.is_served(session, key):
                raise PhotoNotFound("no such photo", field="key")
        return await self.store.read(key, size)

    async def delete_due(self) -> int:
        """One run of the job: delete the files of removed photos and of those that were never finished, then their rows.
        Returns how many were claimed."""
        async with self.db.transaction() as tx:
            claimed = await repository.claim(tx, self.clock(), LEASE, BATCH)
        await side_by_side(claimed, self._delete, at_once=4, what="deletion of a photo")
        return len(claimed)

    async def _delete(self, key: str) -> None:
        for size in pictures.SIZES:
            await self.store.delete(key, size)
        async with self.db.transaction() as tx:
            await repository.forget(tx, key)

    async def _record(
        self, tx: Transaction, homestay: Homestay, action: str, before: Sequence[HomestayPhoto]
    ) -> Sequence[HomestayPhoto]:
        """Write the banner anew, for front ends that know no photos, and what changed; returns the photos."""
        photos = await repository.stored(tx, homestay.id)
        homestay.banner = ",".join(each.url("large") for each in photos)
        was, is_now = ({"photos": [each.id for each in some]} for some in (before, photos))
        if changes.record(
            tx, self.clock(), homestay.user_id, action, before=was, after=is_now, homestay_id=homestay.id
        ):
            homestay.version += 1
        return photos


async def _own(tx: Transaction, host_id: int, homestay_id: int) -> tuple[Homestay, Sequence[HomestayPhoto]]:
    """The homestay and its photos. Locked: changes of one homestay's photos come one after the other."""
    homestay = await hosting.own_homestay(tx, host_id, homestay_id, lock=True)
    if homestay is None:
        raise HomestayNotFound("no such homestay of this host", field="homestayId")
    return homestay, await repository.stored(tx, homestay_id)


async def _require_room(tx: Transaction, host_id: int, homestay_id: int) -> None:
    """Raises HomestayNotFound, TooManyPhotos. The homestay stays locked."""
    await _own(tx, host_id, homestay_id)
    if await repository.count(tx, homestay_id) >= MOST:
        raise TooManyPhotos(f"at most {MOST}", field="image", most=MOST)
