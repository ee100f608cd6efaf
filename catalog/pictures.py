"""Pictures of goods: what somebody sends is decoded, cut to three sizes and written anew, so nothing of the file stays.

A picture is named by the digest of its largest size and lies under LANDFALL_VAR, which all hosts share. It is never
changed and never removed: versions of listings, and with them orders, show it for good.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, ImageOps

from core import config
from core.errors import NOT_FOUND, Problem, declare
from core.file_room import FULL, RESERVE
from core.web import API_PREFIX

REFUSED = declare("image_refused", 422, "The file is not a picture that can be shown")

SIZE_MOST = 10 << 20  # bytes of a file
PIXELS_MOST = 25_000_000  # decoded at most 100 MB, 230 MB while a transparent one is made smaller; one at a time
SIZES = {"small": 400, "medium": 800, "large": 1600}  # the longer side, never enlarged
_FORMATS = ("JPEG", "PNG", "WEBP")
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF")
_one_at_a_time = threading.Semaphore(1)


@dataclass(frozen=True, slots=True)
class Picture:
    """A kept picture; `width` and `height` are those of its largest size."""

    digest: str
    width: int
    height: int

    def to_json(self) -> dict[str, Any]:
        return {"digest": self.digest, "width": self.width, "height": self.height}


def keep(stream: BinaryIO) -> Picture:
    """Take a picture in. Raises Problem `image_refused`, `storage_full`."""
    raw = stream.read(SIZE_MOST + 1)
    if len(raw) > SIZE_MOST:
        raise _refused(f"must have at most {SIZE_MOST >> 20} MB")
    if not raw.startswith(_BEGINNINGS):
        raise _refused("must be a JPEG, PNG or WebP picture")
    with _one_at_a_time:
        sizes, (width, height) = _drawn(raw)
    digest = hashlib.sha256(sizes["large"]).hexdigest()
    for size, data in sizes.items():
        _write(_path(digest, size), data)
    return Picture(digest, width, height)


def _refused(rule: str) -> Problem:
    return Problem(REFUSED, f"file: {rule}", errors={"file": [rule]})


def _drawn(raw: bytes) -> tuple[dict[str, bytes], tuple[int, int]]:
    """The picture in each size as WebP, and the measures of the largest."""
    try:
        with Image.open(BytesIO(raw), formats=_FORMATS) as given:
            if given.width * given.height > PIXELS_MOST:
                raise _refused(f"must have at most {PIXELS_MOST // 1_000_000} million pixels")
            if given.format != "MPO" and getattr(given, "n_frames", 1) > 1:  # cameras put a preview behind
                raise _refused("must be one picture, not several in turn")
            whole = _plain(given)
    except Problem:
        raise
    except Exception:  # a decoder of foreign bytes fails in many ways, and none of them is ours
        raise _refused("cannot be read as a picture") from None
    return {size: _encoded(whole, side) for size, side in SIZES.items()}, _fitted(whole, SIZES["large"]).size


def _plain(given: Image.Image) -> Image.Image:
    """Upright, at most as large as shown, on white; without profile, EXIF or comment."""
    given.draft("RGB", (SIZES["large"], SIZES["large"]))  # a large JPEG is decoded at a fraction of its size
    given.thumbnail((SIZES["large"], SIZES["large"]))
    coloured = ImageOps.exif_transpose(given).convert("RGBA")
    ground = Image.new("RGB", coloured.size, "white")
    ground.paste(coloured, mask=coloured.getchannel("A"))
    return ground


def _fitted(whole: Image.Image, side: int) -> Image.Image:
    copy = whole.copy()
    copy.thumbnail((side, side))
    return copy


def _encoded(whole: Image.Image, side: int) -> bytes:
    out = BytesIO()
    _fitted(whole, side).save(out, "WEBP", quality=82, method=4)
    return out.getvalue()


def _write(path: Path, data: bytes) -> None:
    """All of the file or none, whoever else writes the same."""
    if path.exists() and path.stat().st_size == len(data):
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shutil.disk_usage(path.parent).free < RESERVE:
        raise Problem(FULL, headers={"Retry-After": "600"})
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # the address is told for good, so the bytes must be there after a power cut
    Path(name).replace(path)


def _path(digest: str, size: str) -> Path:
    return config.current().var / "pictures" / digest[:2] / f"{digest}-{size}.webp"


def read(digest: str, size: str) -> bytes:
    """One size of a picture. Raises Problem `not_found`."""
    known = len(digest) == 64 and not set(digest) - set("0123456789abcdef") and size in SIZES
    try:
        if known:
            return _path(digest, size).read_bytes()
    except FileNotFoundError:
        pass
    raise Problem(NOT_FOUND, "no such picture")


def address_of(digest: str, size: str) -> str:
    """The address of one size; what is there never changes."""
    return f"{API_PREFIX}/catalog/images/{digest}-{size}.webp"


def told(entry: dict[str, Any]) -> dict[str, Any]:
    """A picture of a listing as clients see it: its digest, measures and the address of each size."""
    return {**entry, **{size: address_of(entry["digest"], size) for size in SIZES}}
