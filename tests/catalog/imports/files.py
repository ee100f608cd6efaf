"""Files of listings as merchants send them."""

from __future__ import annotations

import csv
import io
import uuid
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.imports import job, service, xlsx_writer
from catalog.imports.service import Wanted
from core.database import new_id
from tests.catalog.builders import Seller

GOODS = {
    "sku": "G-1",
    "title_zh": "澳洲冷冻去骨牛肉",
    "title_en": "Australian frozen boneless beef",
    "category": "beef_boneless",
    "hs": "0202300090",
    "origin": "AU",
    "route": "general_trade",
    "unit": "kg",
    "price": "88.00",
    "net_weight_kg": "1",
    "brand": "Coolibah Plains",
    "specification": "20千克/箱",
    "establishment_no": "AU 0412",
    "cold_chain": "true",
}
LOBSTER = {
    "sku": "R-1",
    "title_zh": "加拿大冷冻龙虾 450克",
    "title_en": "Canadian frozen lobster, 450 g",
    "category": "lobster",
    "hs": "0306120000",
    "origin": "CA",
    "route": "cross_border_retail",
    "unit": "piece",
    "price": "168.00",
    "net_weight_kg": "0.45",
    "gross_weight_kg": "0.6",
    "brand": "Fundy Bay",
    "specification": "450克/只",
    "declaration_elements": "品牌类型=4; 制作或保存方法=冻; 状态=带壳; 拉丁名称=Homarus americanus; "
    "个体重量=450克/只; 包装规格=1只/袋",
    "unit1_quantity": "0.45",
    "net_content_quantity": "450",
    "net_content_unit": "g",
    "gtin": "无",
    "cold_chain": "是",
}


def rows_of(*rows: Mapping[str, str], columns: Sequence[str] = ()) -> list[list[str]]:
    """Header and rows; the columns are those that any row has."""
    names = [*columns] or [*dict.fromkeys(name for row in rows for name in row)]
    return [names, *([row.get(name, "") for name in names] for row in rows)]


def csv_of(*rows: Mapping[str, str], columns: Sequence[str] = ()) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows_of(*rows, columns=columns))
    return text.getvalue().encode()


def many(count: int, start: int = 0, **changes: str) -> bytes:
    """So many good rows, each a listing of its own."""
    return csv_of(
        *({**GOODS, "sku": f"N-{n}", "title_zh": f"牛肉 {n}", **changes} for n in range(start, start + count))
    )


def xlsx_of(*rows: Mapping[str, str]) -> bytes:
    return b"".join(xlsx_writer.workbook([("listings", rows_of(*rows))]))


def archive(parts: Mapping[str, bytes | str], like: bytes | None = None) -> bytes:
    """A zip archive of parts; those of another workbook that are not given again stay as they are."""
    given = dict(parts)
    if like is not None:
        with zipfile.ZipFile(io.BytesIO(like)) as other:
            given = {name: other.read(name) for name in other.namelist()} | given
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in given.items():
            made.writestr(name, text)
    return raw.getvalue()


def take(seller: Seller, raw: bytes, **wanted: bool) -> uuid.UUID:
    """A file taken in and not yet brought into the catalogue."""
    key = new_id()
    service.submit(seller.owner.id, seller.id, key, io.BytesIO(raw), len(raw), Wanted("listings.csv", **wanted))
    return key


def bring(seller: Seller, raw: bytes, **wanted: bool) -> Brought:
    """A file brought into the catalogue."""
    key = take(seller, raw, **wanted)
    job.run(str(key))
    return Brought(seller, key)


class Brought:
    """What came of a file."""

    def __init__(self, seller: Seller, key: uuid.UUID) -> None:
        self.key, self.told = key, service.one(seller.id, key)
        path, size = service.errors_of(seller.id, key)
        self.report = path.read_bytes()[:size].decode() if path.exists() else ""

    def __getattr__(self, name: str) -> Any:
        return self.told[name]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """(created, updated, unchanged, failed)"""
        return self.told["created"], self.told["updated"], self.told["unchanged"], self.told["failed"]

    @property
    def errors(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.report)))

    @property
    def faults(self) -> list[tuple[str, str, str]]:
        """(row, field, code) of each fault."""
        return [(line["row"], line["field"], line["code"]) for line in self.errors]


def lines(parts: Iterable[bytes]) -> list[list[str]]:
    """The rows of CSV that comes in parts."""
    return list(csv.reader(io.StringIO(b"".join(parts).decode("utf-8-sig"))))
