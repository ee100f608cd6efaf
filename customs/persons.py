"""Identity of buyers: one person is one identity card number, however typed and on however many accounts.

The number is checked (18 characters, birthday, check character; GB 11643, ISO 7064 MOD 11-2), sealed, and found again
by a keyed hash. It never stands in a log, an error, the audit or an answer; only the filing opens it (I16).
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session
from stdnum.cn import ric

from core import audit, clock
from core.database import db, new_id, transaction
from core.errors import Problem, declare, invalid
from customs import allowance, identity_hash, sealing
from customs.models import AccountPerson, Person
from customs.window.values import is_identity

IDENTITY_IN_USE = declare(
    "identity_in_use", 409, "Orders of this account are under way with the identity it has; it changes after them"
)

_SEPARATORS = re.compile(r"[\s\-‐-―·.]+")
_MODERN = re.compile(r"[0-9]{17}[0-9X]\Z", re.ASCII)
_OLD = re.compile(r"[0-9]{15}\Z", re.ASCII)
_PHONE = re.compile(r"\+?[0-9]{7,20}\Z", re.ASCII)
_EARLIEST_YEAR = 1900


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an account buys for; the number only ever masked."""

    person_id: uuid.UUID
    name: str
    id_number: str
    phone: str
    verified: bool

    def as_answer(self) -> dict[str, object]:
        return {"name": self.name, "id_number": self.id_number, "verified": self.verified}


def normal_number(typed: str) -> str:
    """The 18 characters behind any spelling: full width, lower case x, spaces, the 15 digits of before 1999.

    Raises Problem `invalid_input` naming `id_number`, without repeating what was typed.
    """
    text = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)).upper()
    if _OLD.match(text):
        text = f"{text[:6]}19{text[6:]}"
        text += ric.calc_check_digit(text + "0")
    if not _MODERN.match(text):
        raise invalid("id_number", "must have 18 characters: 17 digits and a digit or X")
    if not _is_birthday(text[6:14]):
        raise invalid("id_number", "holds a birthday that does not exist or lies in the future")
    if ric.calc_check_digit(text) != text[17]:
        raise invalid("id_number", "the check character is wrong")
    return text


def _is_birthday(digits: str) -> bool:
    try:
        born = datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007 - a birthday has no time
    except ValueError:
        return False
    return born.year >= _EARLIEST_YEAR and born <= clock.today()


def masked(number: str) -> str:
    return number[:3] + "*" * 11 + number[14:]


_DIGITS_18 = re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")


def veiled(text: str) -> str:
    """Somebody else's text with every identity card number in it masked, and nothing else."""
    return _DIGITS_18.sub(lambda m: masked(m[0]) if is_identity(m[0].upper()) else m[0], text)


def set_identity(account_id: uuid.UUID, name: str, id_number: str, phone: str) -> dict[str, object]:
    """Say who the account buys for; returns `{name, id_number (masked), verified}`.

    Raises Problem `invalid_input` naming the field, or `identity_in_use` when another person's number is given while
    orders of this account hold the allowance of the present one.
    """
    number, buyer, reach = normal_number(id_number), _name(name), _phone(phone)
    with transaction() as session:
        person_id = _person(session, number)
        _connect(session, account_id, person_id, buyer, reach)
        audit.record(session, str(account_id), "identity_set", "person", person_id)
    return Identity(person_id, buyer, masked(number), reach, True).as_answer()


def _name(typed: str) -> str:
    name = " ".join(unicodedata.normalize("NFKC", typed).split())
    if not 1 <= len(name) <= 60:
        raise invalid("name", "must have 1 to 60 characters, as on the identity card")
    return name


def same_name(one: str, other: str) -> bool:
    """Whether two spellings are one name: width, case and spaces do not count."""
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _phone(typed: str) -> str:
    phone = _SEPARATORS.sub("", unicodedata.normalize("NFKC", typed)).replace("(", "").replace(")", "")
    if not _PHONE.match(phone):
        raise invalid("phone", "must be a telephone number of 7 to 20 digits")
    return phone


def _person(session: Session, number: str) -> uuid.UUID:
    digest = identity_hash.digest(session, number)
    fresh = upsert(Person).values(
        id=new_id(),
        id_hash=digest,
        id_number_sealed=sealing.seal(number),
        id_number_masked=masked(number),
        created_at=clock.now(),
    )
    session.execute(fresh.on_conflict_do_nothing(index_elements=[Person.id_hash]))
    return session.scalars(select(Person.id).where(Person.id_hash == digest)).one()


def _connect(session: Session, account_id: uuid.UUID, person_id: uuid.UUID, name: str, phone: str) -> None:
    query = select(AccountPerson).where(AccountPerson.account_id == account_id)
    known = session.scalars(query.with_for_update()).first()
    if known is not None and known.person_id != person_id and allowance.has_open_holds(session, account_id):
        raise Problem(IDENTITY_IN_USE)
    facts = {
        "person_id": person_id,
        "name_sealed": sealing.seal(name),
        "phone_sealed": sealing.seal(phone),
        "changed_at": clock.now(),
    }
    statement = upsert(AccountPerson).values(account_id=account_id, **facts)
    session.execute(statement.on_conflict_do_update(index_elements=[AccountPerson.account_id], set_=facts))


def identity_of(account_id: uuid.UUID) -> Identity | None:
    """Who the account buys for, or None when it has not said."""
    query = select(AccountPerson, Person.id_number_masked).join(Person).where(AccountPerson.account_id == account_id)
    row = db.session.execute(query).first()
    if row is None:
        return None
    known, number = row
    name, phone = (sealing.unseal(sealed).decode() for sealed in (known.name_sealed, known.phone_sealed))
    return Identity(known.person_id, name, number, phone, True)


def filing_person(session: Session, person_id: uuid.UUID, account_id: uuid.UUID) -> tuple[str, str, str]:
    """Name, identity number and telephone in clear, for a filing and nothing else. Raises LookupError."""
    query = select(AccountPerson, Person.id_number_sealed).join(Person)
    row = session.execute(
        query.where(AccountPerson.account_id == account_id, AccountPerson.person_id == person_id)
    ).first()
    if row is None:
        raise LookupError("the account no longer buys for this person")
    known, number = row
    clear = [sealing.unseal(sealed).decode() for sealed in (known.name_sealed, number, known.phone_sealed)]
    return clear[0], clear[1], clear[2]
