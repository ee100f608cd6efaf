"""The parties file: everything that is wrong with it at once, and what is right."""

from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from customs.window.facts import Company
from customs.window.parties import PartiesInvalid, code_fault, load_parties

ROLES = ("platform", "payment", "logistics", "declarant", "transmitter")


def file_of(folder: Path, extra: str = "", **changes: str) -> Path:
    text = 'guarantor = "logistics"\n[exchange]\ndxp_id = "D"\nreceiver_id = "R"\n'
    for at, role in enumerate(ROLES):
        text += f"[{role}]\n" + changes.get(role, f'code = "46019600{at:02d}"\nname = "某公司"') + "\n"
    file = folder / "parties.toml"
    file.write_text(text + extra, "utf-8")
    return file


def faults(file: Path) -> str:
    with pytest.raises(PartiesInvalid) as refused:
        load_parties(file)
    return str(refused.value)


def valid_uscc() -> str:
    from stdnum.cn import uscc

    front = "91460100MA5T1A2B3"
    return next(front + mark for mark in "0123456789ABCDEFGHJKLMNPQRTUWXY" if uscc.is_valid(front + mark))


@pytest.mark.parametrize("code", ["4601960A01", "312226T001", "4403169D3W", "4404840022"])
def test_registrations_as_customs_gives_them(code: str) -> None:
    assert code_fault(code) is None


def test_a_credit_code_holds_its_own_check() -> None:
    good = valid_uscc()
    assert code_fault(good) is None
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")
    assert code_fault(wrong) == "no valid unified social credit code"
    assert code_fault(good.lower()) is not None


@pytest.mark.parametrize(
    "code", ["", "460196", "46019600000", "X601960A01", "9901960A01", "4601960a01", "４601960A01", None]
)
def test_other_codes_are_none(code: object) -> None:
    assert code_fault(code) is not None


def test_days_bound_a_registration(tmp_path: Path) -> None:
    days = 'code = "4601960001"\nname = "某公司"\nfirst_day = 2024-01-01\nlast_day = 2026-11-23'
    payment = load_parties(file_of(tmp_path, payment=days)).payment
    assert payment == Company("4601960001", "某公司", date(2024, 1, 1), date(2026, 11, 23))
    told = [payment.registered_on(date(*day)) for day in ((2023, 12, 31), (2024, 1, 1), (2026, 11, 23), (2026, 11, 24))]
    assert told == [False, True, True, False]
    assert Company("4601960001", "x").registered_on(date(2000, 1, 1))


def test_every_fault_is_said_at_once(tmp_path: Path) -> None:
    said = faults(
        file_of(
            tmp_path,
            platform='code = "12"\nname = ""',
            payment='code = "4601960001"\nname = "x"\nfirst_day = "soon"',
            logistics='code = "4601960001"\nname = "x"\nfirst_day = 2026-01-02\nlast_day = 2026-01-01',
            declarant='code = "4601960001"\nname = "x"\ncolour = "red"',
            extra='[payment_service]\nadapter = "nobody"\nurl = "ftp://x"\nclient_id = "c"\nkey_file = "a"\n'
            'provider_key_file = "b"\n[stranger]\n',
        )
    )
    for part in (
        "platform.code",
        "platform.name",
        "payment.first_day",
        "logistics.last_day",
        "declarant.colour: not known",
        "payment_service.adapter",
        "payment_service.url",
        "payment_service.key_file: no file",
        "payment_service.provider_key_file: no file",
        "stranger: not a party",
    ):
        assert part in said
    assert len(said.splitlines()) == 10


def test_a_payment_service_names_its_keys_beside_the_file(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "ours.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    theirs = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "theirs.pem").write_bytes(theirs)
    service = '[payment_service]\nadapter = "antom"\nurl = "https://pay.example"\nclient_id = "C1"\n'
    file = file_of(tmp_path, service + 'key_file = "ours.pem"\nprovider_key_file = "theirs.pem"\n')
    found = load_parties(file).payment_service
    assert found is not None
    assert (found.adapter, found.key_file) == ("antom", tmp_path / "ours.pem")
    assert "provider_key_file: is missing" in faults(file_of(tmp_path, service + 'key_file = "ours.pem"\n'))
