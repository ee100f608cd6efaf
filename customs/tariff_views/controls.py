"""What a code meets beside rates: supervision, licence, retail list, bans, quotas, and what has to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from core.money import plain
from customs.duty.requirements import quota_state
from customs.tariff import Tariff
from customs.tariff.tariff import STANDING_WORDS
from customs.tariff_views.facts import Fact, days, row_fact, source


def controls(law: Tariff, hs: str, origin: str | None, day: date) -> Iterator[Fact]:
    """Supervision codes, automatic import licence, place on the retail list, ban or conditions of the origin."""
    codes, inspection, row = law.controls(hs, day)
    if row is not None:
        yield row_fact(law, "supervision", row, codes=codes, inspection=inspection)
    licence = law.licence_required(hs, day)
    if licence is not None:
        yield row_fact(law, "automatic_import_licence", licence)
    listed = law.by_prefix("positive_list").find(hs[:8], day.toordinal())
    if listed is not None:
        cap = listed["cap_kg"]
        yield row_fact(law, "retail_positive_list", listed, edition=listed["edition"],
                       modes=[mode for mode in listed["modes"].split(";") if mode], remark=listed["remark"],
                       cap_kg=None if cap is None else plain(cap), cap_group=listed["cap_group"] or None)  # fmt: skip
    ban = law.import_ban(hs, origin, day) if origin else None
    if ban is not None:
        yield row_fact(law, ban["kind"], ban, text=ban["text"])


def quotas(law: Tariff, hs: str, origin: str | None, day: date) -> list[Fact]:
    """The country quota of a safeguard that the goods fall under, with what is known of its state (rule A7).

    `levied`: its surcharge is charged on the day; `known`: a fact not older than the month says where it stands.
    """
    state = quota_state(law, hs, origin, day)
    if state is None:
        return []
    quota = state.quota
    events = [row for row in law.tables["quota_events"] if row["quota"] == quota["id"]]
    return [
        row_fact(
            law,
            "safeguard_quota",
            quota,
            quota=quota["id"],
            measure=quota["measure"],
            country=quota["country"],
            tonnes=plain(quota["tonnes"]),
            rate_beyond=state.rate.text,
            levied=state.levied,
            known=state.known,
            as_of=state.as_of.isoformat() if state.as_of else None,
            share=state.share,
            events=[_event(law, row) for row in events],
        )
    ]


def _event(law: Tariff, row: dict[str, Any]) -> Fact:
    share = row["share"]
    return {"event": row["event"], "share": None if share is None else plain(share),
            **days(row["first_day"], row["last_day"]), "source": source(law, row["source"]),
            "standing": STANDING_WORDS[row["standing"]]}  # fmt: skip


def questions(law: Tariff, hs: str, day: date, in_force: list[Fact]) -> list[Fact]:
    """What only the importer can answer before the rates are settled; each names the rates that hang on it."""
    asked = [row_fact(law, "provisional", row, question="part_of_code", part=row["part_name"], rate=row["rate"].text)
             for row in law.by_prefix("provisional").all(hs, day.toordinal()) if row["part"]]  # fmt: skip
    proofs = [fact["agreement"] for fact in in_force if fact["kind"] == "agreement"]
    if proofs:
        asked.append({"question": "proof_of_origin", "agreements": proofs})
    exporters = sorted({fact["exporter"] for fact in in_force if fact.get("exporter")})
    if exporters:
        asked.append({"question": "exporter", "exporters": exporters})
    asked += [{"question": "unit_price", "from_price": fact["from_price"], "rate": fact["rate"],
               "rate_below": fact["rate_below"]} for fact in in_force if "from_price" in fact]  # fmt: skip
    hours = sorted({fact[name] for fact in in_force for name in ("from_time", "until_time") if name in fact})
    if hours:
        asked.append({"question": "instant", "hours": hours})
    return asked


def gap(law: Tariff, hs: str, origin: str | None, day: date) -> Fact | None:
    """The known gap of our reading that the question falls into."""
    found = law.gap(hs, origin, day)
    if found is None:
        return None
    return {"id": str(found["id"]), "note": str(found["note"]), "source": source(law, str(found["source"]))}
