"""The parties file: customs codes and names of those the platform files for or with, checked before anything starts."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from customs.window.facts import Company, Parties

SANDBOX_PARTIES = "sandbox_parties.toml"
ROLES = ("platform", "payment", "logistics", "declarant", "transmitter")
GUARANTORS = ("platform", "merchant", "logistics")
_CODE = re.compile(r"[0-9A-Z]{10}(?:[0-9A-Z]{8})?\Z", re.ASCII)
_NAME_MAX, _DXP_MAX = 100, 16  # the envelope of the exchange gives a user number 16 characters


class PartiesInvalid(ValueError):
    """The file cannot be used; the message lists every fault, one a line."""


def load_parties(path: Path | None = None) -> Parties:
    """The parties of a TOML file, or the sandbox's without one. Raises PartiesInvalid with every fault."""
    name = str(path or SANDBOX_PARTIES)
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath(SANDBOX_PARTIES).read_text("utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise PartiesInvalid(f"{name}: {fault}") from fault
    faults = _faults(content)
    if faults:
        raise PartiesInvalid("\n".join(f"{name}: {fault}" for fault in faults))
    companies = {role: Company(content[role]["code"], content[role]["name"]) for role in ROLES}
    exchange = content["exchange"]
    return Parties(
        **companies,
        guarantor=content["guarantor"],
        dxp_id=exchange["dxp_id"],
        receiver_id=exchange["receiver_id"],
    )


def _faults(content: dict[str, Any]) -> list[str]:
    known = {*ROLES, "guarantor", "exchange"}
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
    return found


def _company_faults(role: str, company: object) -> list[str]:
    if not isinstance(company, dict):
        return [f"{role}: code and name are missing"]
    code, name = company.get("code"), company.get("name")
    found = []
    if not isinstance(code, str) or not _CODE.match(code):
        found.append(f"{role}.code: 10 or 18 digits and capital letters")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= _NAME_MAX:
        found.append(f"{role}.name: 1 to {_NAME_MAX} characters")
    return found
