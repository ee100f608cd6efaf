"""Pictures: what may come in, what is left of it, and how it is served."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from catalog import pictures
from core import config
from core.database import db
from tests.catalog import builders
from tests.catalog.builders import Seller

MANAGE = "/api/v1/catalog/manage/listings"


def picture(form: str = "JPEG", size: tuple[int, int] = (900, 600), colour: str = "teal", **options: Any) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, form, **options)
    return out.getvalue()


def send(client: Any, seller: Seller, listing: Any, data: bytes, name: str = "goods.jpg") -> Any:
    files = {"file": (BytesIO(data), name)}
    path = f"{MANAGE}/{listing}/images"
    return client.post(path, data=files, headers=seller.bearer, content_type="multipart/form-data")


def test_a_picture_becomes_three_and_is_the_cards(client: Any, seller: Seller) -> None:
    listing = builders.publish(seller, builders.retail())
    answer = send(client, seller, listing, picture())
    assert answer.status_code == 201, answer.get_json()
    (entry,) = answer.get_json()["images"]
    assert (entry["width"], entry["height"]) == (900, 600)
    card = client.get(f"/api/v1/catalog/listings/{listing}").get_json()
    assert card["image"] == entry["small"]
    assert card["images"] == [entry]
    for size, side in pictures.SIZES.items():
        served = client.get(entry[size])
        assert (served.status_code, served.content_type) == (200, "image/webp")
        assert "immutable" in served.headers["Cache-Control"]
        assert "max-age=31536000" in served.headers["Cache-Control"]
        assert served.headers["X-Content-Type-Options"] == "nosniff"
        with Image.open(BytesIO(served.data)) as shown:
            assert max(shown.size) == min(side, 900)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_three_forms_are_taken_whatever_they_are_called(client: Any, seller: Seller, form: str) -> None:
    listing = builders.draft(seller, builders.retail())
    assert send(client, seller, listing, picture(form), "goods.exe").status_code == 201


def test_nothing_of_the_file_stays(client: Any, seller: Seller) -> None:
    exif = Image.Exif()
    exif[0x010F] = "MAKER-SECRET"
    exif[0x0112] = 6  # stored lying, shown upright
    exif.get_ifd(0x8825)[2] = (31.0, 14.0, 0.0)
    raw = picture("JPEG", (600, 400), exif=exif.tobytes(), comment=b"COMMENT-SECRET", icc_profile=b"PROFILE-SECRET")
    assert b"MAKER-SECRET" in raw
    listing = builders.draft(seller, builders.retail())
    entry = send(client, seller, listing, raw).get_json()["images"][0]
    assert (entry["width"], entry["height"]) == (400, 600)
    for size in pictures.SIZES:
        data = client.get(entry[size]).data
        assert b"SECRET" not in data
        assert b"EXIF" not in data
        with Image.open(BytesIO(data)) as shown:
            assert not shown.getexif()
            assert "icc_profile" not in shown.info


def test_the_text_of_a_png_does_not_stay(client: Any, seller: Seller) -> None:
    told = PngInfo()
    told.add_text("Author", "AUTHOR-SECRET")
    listing = builders.draft(seller, builders.retail())
    entry = send(client, seller, listing, picture("PNG", pnginfo=told)).get_json()["images"][0]
    assert b"SECRET" not in client.get(entry["large"]).data


def test_what_cameras_put_behind_a_picture_is_left_out(client: Any, seller: Seller) -> None:
    """A JPEG with a preview behind it (MPO), as many cameras and telephones write."""
    out = BytesIO()
    preview = Image.new("RGB", (200, 150), "blue")
    Image.new("RGB", (800, 600), "red").save(out, "MPO", save_all=True, append_images=[preview])
    listing = builders.draft(seller, builders.retail())
    answer = send(client, seller, listing, out.getvalue())
    assert answer.status_code == 201, answer.get_json()
    (entry,) = answer.get_json()["images"]
    with Image.open(BytesIO(client.get(entry["large"]).data)) as shown:
        red, _, blue = shown.convert("RGB").getpixel((400, 300))
        assert (shown.size, red > 200, blue < 50) == ((800, 600), True, True)


def test_a_picture_cut_off_by_a_power_cut_is_written_again(client: Any, seller: Seller) -> None:
    listing = builders.draft(seller, builders.retail())
    raw = picture(colour="olive", size=(700, 500))
    (entry,) = send(client, seller, listing, raw).get_json()["images"]
    path = pictures._path(entry["digest"], "large")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    send(client, seller, builders.draft(seller, builders.retail()), raw)
    assert path.read_bytes() == whole


def test_no_connection_is_held_while_a_picture_is_drawn(
    client: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = []
    real = pictures._drawn
    monkeypatch.setattr(pictures, "_drawn", lambda raw: (held.append(db.session().in_transaction()), real(raw))[1])
    assert send(client, seller, builders.draft(seller, builders.retail()), picture()).status_code == 201
    assert held == [False]


def bomb() -> bytes:
    """50,000 x 50,000 pixels in few bytes."""
    data = bytearray(picture("PNG", (8, 8)))
    data[16:24] = (50_000).to_bytes(4) * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4)
    return bytes(data)


def moving() -> bytes:
    out = BytesIO()
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    return out.getvalue()


def gif() -> bytes:
    out = BytesIO()
    Image.new("P", (20, 20)).save(out, "GIF")
    return out.getvalue()


BAD = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "gif": gif(),
    "empty": b"",
    "cut short": picture("PNG")[:200],
    "jpeg cut short": picture("JPEG", (900, 600))[:400],
    "only a beginning": b"\xff\xd8\xff" + b"<script>" * 20,
    "riff of sound": b"RIFF\x24\x00\x00\x00WAVEfmt ",
    "bomb": bomb(),
    "moving": moving(),
    "noise": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture_is_refused_whatever_it_says_it_is(client: Any, seller: Seller, name: str) -> None:
    listing = builders.draft(seller, builders.retail())
    answer = send(client, seller, listing, BAD[name], "goods.png")
    assert (answer.status_code, answer.get_json()["code"]) == (422, "image_refused"), answer.get_json()
    assert list(answer.get_json()["errors"]) == ["file"]
    assert client.get(f"{MANAGE}/{listing}", headers=seller.bearer).get_json()["images"] == []


def test_too_large_a_file_is_refused_before_it_is_read(client: Any, seller: Seller) -> None:
    listing = builders.draft(seller, builders.retail())
    answer = send(client, seller, listing, picture() + os.urandom(pictures.SIZE_MOST + (1 << 20)))
    assert answer.status_code == 413
    assert send(client, seller, listing, picture() + bytes(pictures.SIZE_MOST)).status_code == 422


def test_exactly_one_file_is_needed(client: Any, seller: Seller) -> None:
    listing = builders.draft(seller, builders.retail())
    answer = client.post(f"{MANAGE}/{listing}/images", data={"other": "x"}, headers=seller.bearer)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, ["file"])


def test_eight_at_most_in_any_order_and_each_once(client: Any, seller: Seller) -> None:
    listing = builders.draft(seller, builders.retail())
    colours = ["red", "green", "blue", "gold", "black", "white", "pink", "gray"]
    for colour in colours:
        answer = send(client, seller, listing, picture(size=(40, 30), colour=colour))
    digests = [entry["digest"] for entry in answer.get_json()["images"]]
    assert len(set(digests)) == 8
    more = send(client, seller, listing, picture(size=(40, 30), colour="navy"))
    assert (more.status_code, more.get_json()["code"]) == (409, "images_full")
    path = f"{MANAGE}/{listing}/images"
    for order in (digests[:7], [*digests, digests[0]], ["0" * 64, *digests[1:]]):
        assert client.put(path, json={"order": order}, headers=seller.bearer).status_code == 422
    turned = client.put(path, json={"order": digests[::-1]}, headers=seller.bearer).get_json()
    assert [entry["digest"] for entry in turned["images"]] == digests[::-1]
    assert turned["image"] == turned["images"][0]["small"]
    left = client.delete(f"{path}/{digests[7]}", headers=seller.bearer).get_json()
    assert [entry["digest"] for entry in left["images"]] == digests[6::-1]
    assert client.delete(f"{path}/{digests[7]}", headers=seller.bearer).status_code == 404
    assert client.get(turned["images"][0]["large"]).status_code == 200, "what a version shows is never removed"


def test_the_same_picture_twice_is_once(client: Any, seller: Seller) -> None:
    listing = builders.draft(seller, builders.retail())
    first = send(client, seller, listing, picture()).get_json()
    again = send(client, seller, listing, picture()).get_json()
    assert (again["images"], again["version"]) == (first["images"], first["version"])


def test_without_pictures_the_drawing_is_shown(client: Any, seller: Seller) -> None:
    listing = builders.publish(seller, builders.retail())
    digest = send(client, seller, listing, picture()).get_json()["images"][0]["digest"]
    bare = client.delete(f"{MANAGE}/{listing}/images/{digest}", headers=seller.bearer).get_json()
    assert bare["image"] == "/api/v1/catalog/art/lobster.svg"
    assert client.get(f"/api/v1/catalog/listings/{listing}").get_json()["image"] == bare["image"]


def test_anothers_listing_takes_no_picture(client: Any, seller: Seller, other_seller: Seller) -> None:
    listing = builders.draft(seller, builders.retail())
    digest = send(client, seller, listing, picture()).get_json()["images"][0]["digest"]
    assert send(client, other_seller, listing, picture(colour="red")).status_code == 404
    path = f"{MANAGE}/{listing}/images"
    assert client.delete(f"{path}/{digest}", headers=other_seller.bearer).status_code == 404
    assert client.put(path, json={"order": [digest]}, headers=other_seller.bearer).status_code == 404


@pytest.mark.parametrize(
    "name",
    ["0" * 64 + "-small", "..%2f..%2fsecret-small", "A" * 64 + "-small", "0" * 63 + "-large", "0" * 64 + "-huge"],
)
def test_an_address_names_a_picture_or_nothing(client: Any, name: str) -> None:
    assert client.get(f"/api/v1/catalog/images/{name}.webp").status_code == 404


def test_a_full_disk_refuses_politely(client: Any, seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 0

    listing = builders.draft(seller, builders.retail())
    monkeypatch.setattr(pictures.shutil, "disk_usage", lambda _: Full)
    answer = send(client, seller, listing, picture(colour="orange"))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "storage_full")
    assert not [path for path in (Path(config.current().var) / "pictures").rglob("tmp*")]
