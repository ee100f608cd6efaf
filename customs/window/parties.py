"""The parties file: customs codes and names of those the platform files for or with, checked before anything starts."""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stdnum.cn import uscc

from customs.window.facts import Company, Parties, PaymentService
from customs.window.tables import SUBSCRIBERS_MAX

SANDBOX_PARTIES = "sandbox_parties.toml"
ROLES = ("platform", "payment", "logistics", "declarant", "transmitter")
GUARANTORS = ("platform", "merchant", "logistics")
SCOPES = ("ALL", "DATA", "RET")
ADAPTERS = ("antom",)
PROVINCES = (*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66))
_REGISTRATION = re.compile(r"[0-9]{4}[0-9A-Z]{6}\Z", re.ASCII)
_NAME_MAX, _DXP_MAX = 100, 16  # the envelope of the exchange gives a user number 16 characters
_DAYS = ("first_day", "last_day")
_SERVICE = ("adapter", "url", "client_id", "key_file", "provider_key_file")


class PartiesInvalid(ValueError):
    """The file cannot be used; the message lists every fault, one a line."""


def load_parties(path: Path | None = None) -> Parties:
    """The parties of a TOML file, or the sandbox's without one. Raises PartiesInvalid with every fault.

    A registration that is over is none: the shop goes on, and what would name the enterprise is not filed.
    """
    name = str(path or SANDBOX_PARTIES)
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath(SANDBOX_PARTIES).read_text("utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise PartiesInvalid(f"{name}: {fault}") from fault
    folder = path.parent if path else Path()
    faults = _faults(content, folder)
    if faults:
        raise PartiesInvalid("\n".join(f"{name}: {fault}" for fault in faults))
    exchange = content["exchange"]
    return Parties(
        **{role: _company(content[role]) for role in ROLES},
        guarantor=content["guarantor"],
        dxp_id=exchange["dxp_id"],
        receiver_id=exchange["receiver_id"],
        payment_service=_service(content.get("payment_service"), folder),
        subscribers=tuple((each["scope"], each["dxp_id"]) for each in content.get("subscriber", ())),
    )


def code_fault(code: object) -> str | None:
    """What is wrong with an enterprise's code: a customs registration of 10, or a credit code of 18 characters.

    A registration begins with the four digits of the place that gave it; a credit code holds its own check character.
    """
    if not isinstance(code, str) or len(code) not in (10, 18):
        return "10 characters of a customs registration, or 18 of a unified social credit code"
    if len(code) == 18:
        return None if uscc.is_valid(code) and uscc.compact(code) == code else "no valid unified social credit code"
    if not _REGISTRATION.match(code) or int(code[:2]) not in PROVINCES:
        return "a customs registration is four digits of a place and six digits or capital letters"
    return None


def _company(given: dict[str, Any]) -> Company:
    return Company(given["code"], given["name"], given.get("first_day"), given.get("last_day"))


def _service(given: dict[str, Any] | None, folder: Path) -> PaymentService | None:
    if given is None:
        return None
    keys = folder / given["key_file"], folder / given["provider_key_file"]
    return PaymentService(given["adapter"], given["url"], given["client_id"], *keys)


def _faults(content: dict[str, Any], folder: Path) -> list[str]:
    known = {*ROLES, "guarantor", "exchange", "payment_service", "subscriber"}
    found = [f"{name}: not a party" for name in content if name not in known]
    for role in ROLES:
        found += _company_faults(role, content.get(role))
    if content.get("guarantor") not in GUARANTORS:
        found.append(f"guarantor: must be {', '.join(GUARANTORS[:-1])} or {GUARANTORS[-1]}")
    exchange = content.get("exchange")
    for name in ("dxp_id", "receiver_id"):
        value = exchange.get(name) if isinstance(exchange, dict) else None
        if not isinstance(value, str) or not 1 <= len(value.strip()) <= _DXP_MAX:
            found.append(f"exchange.{name}: 1 to {_DXP_MAX} characters")
    found += _subscriber_faults(content.get("subscriber", []))
    return found + _service_faults(content.get("payment_service"), folder)


def _subscriber_faults(given: object) -> list[str]:
    """Who else receives copies: `[[subscriber]]` tables of scope and user number on the exchange."""
    if not isinstance(given, list) or len(given) > SUBSCRIBERS_MAX:
        return [f"subscriber: at most {SUBSCRIBERS_MAX} tables"]
    found = []
    for at, each in enumerate(given, 1):
        scope, number = (each.get(name) for name in ("scope", "dxp_id")) if isinstance(each, dict) else (None, None)
        if scope not in SCOPES:
            found.append(f"subscriber {at}: scope must be {', '.join(SCOPES[:-1])} or {SCOPES[-1]}")
        if not isinstance(number, str) or not 1 <= len(number.strip()) <= _DXP_MAX:
            found.append(f"subscriber {at}: dxp_id: 1 to {_DXP_MAX} characters")
    return found


def _company_faults(role: str, company: object) -> list[str]:
    if not isinstance(company, dict):
        return [f"{role}: code and name are missing"]
    fault, name = code_fault(company.get("code")), company.get("name")
    found = [f"{role}.code: {fault}"] if fault else []
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _NAME_MAX:
        found.append(f"{role}.name: 1 to {_NAME_MAX} characters")
    days = [company.get(day) for day in ("first_day", "last_day")]
    bad = [day is not None and (not isinstance(day, date) or isinstance(day, datetime)) for day in days]
    found += [f"{role}.{name}: a day such as 2026-11-23" for name, is_bad in zip(_DAYS, bad, strict=True) if is_bad]
    if not any(bad) and None not in days and days[0] > days[1]:  # type: ignore[operator]
        found.append(f"{role}.last_day: not before first_day")
    return found + [f"{role}.{name}: not known" for name in company if name not in ("code", "name", *_DAYS)]


def _service_faults(service: object, folder: Path) -> list[str]:
    if service is None:
        return []
    if not isinstance(service, dict):
        return ["payment_service: a table"]
    found = [f"payment_service.{name}: not known" for name in service if name not in _SERVICE]
    given = {name: service.get(name) for name in _SERVICE}
    empty = [name for name, value in given.items() if not isinstance(value, str) or not value.strip()]
    found += [f"payment_service.{name}: is missing" for name in empty]
    if empty:
        return found
    if given["adapter"] not in ADAPTERS:
        found.append(f"payment_service.adapter: one of {', '.join(ADAPTERS)}")
    if urlsplit(str(given["url"])).scheme not in ("http", "https"):
        found.append("payment_service.url: a URL of http or https")
    keys = ("key_file", "provider_key_file")
    return found + [
        f"payment_service.{name}: no file at {folder / str(given[name])}"
        for name in keys
        if not (folder / str(given[name])).is_file()
    ]
