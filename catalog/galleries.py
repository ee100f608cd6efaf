"""The pictures of a listing: added, taken away, put into another order. The first is the card's."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, BinaryIO

from catalog import listings, pictures
from core.database import end_read
from core.errors import NOT_FOUND, Problem, declare, invalid

FULL = declare("images_full", 409, "A listing has at most 8 pictures")

MOST = 8


def add(actor: str, merchant_id: uuid.UUID, listing_id: uuid.UUID, stream: BinaryIO) -> dict[str, Any]:
    """Put a picture behind the others; one that is there already stays where it is.

    Raises Problem `not_found`, `images_full`, `image_refused`, `storage_full`.
    """
    if len(listings.managed(merchant_id, listing_id)["images"]) >= MOST:
        raise Problem(FULL)  # told before anything is decoded; decided under the lock
    end_read()  # decoding takes its time, and stands in a queue
    picture = pictures.keep(stream).to_json()

    def change(there: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if picture in there:
            return there
        if len(there) >= MOST:
            raise Problem(FULL)
        return [*there, picture]

    return listings.repicture(actor, merchant_id, listing_id, change)


def remove(actor: str, merchant_id: uuid.UUID, listing_id: uuid.UUID, digest: str) -> dict[str, Any]:
    """Take a picture away; versions that had it keep it. Raises Problem `not_found`."""

    def change(there: list[dict[str, Any]]) -> list[dict[str, Any]]:
        left = [entry for entry in there if entry["digest"] != digest]
        if len(left) == len(there):
            raise Problem(NOT_FOUND, "the listing has no such picture")
        return left

    return listings.repicture(actor, merchant_id, listing_id, change)


def reorder(actor: str, merchant_id: uuid.UUID, listing_id: uuid.UUID, order: Sequence[str]) -> dict[str, Any]:
    """Show the pictures in an order of their digests. Raises Problem `not_found`, `invalid_input`."""

    def change(there: list[dict[str, Any]]) -> list[dict[str, Any]]:
        by_digest = {entry["digest"]: entry for entry in there}
        if sorted(order) != sorted(by_digest):
            raise invalid("order", "must name each picture of the listing once")
        return [by_digest[digest] for digest in order]

    return listings.repicture(actor, merchant_id, listing_id, change)
