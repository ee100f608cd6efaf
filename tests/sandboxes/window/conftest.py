"""One window process for most tests, whose orders differ, and a maker for those that need their own."""

import itertools

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from customs.window.keys import load_signer
from tests.sandboxes.window.office import Listener, Office

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    return load_signer(tmp_path_factory.mktemp("signer"), "CERT0001")


@pytest.fixture(scope="session")
def trusted(signer, tmp_path_factory):
    file = tmp_path_factory.mktemp("trusted") / "trusted.pem"
    file.write_bytes(signer.certificate.public_bytes(Encoding.PEM))
    return str(file)


@pytest.fixture(scope="session")
def shared(signer, trusted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("office") / "window"
    office = Office(folder, Listener(), signer, "--trusted-cert", trusted, "--match-seconds", "1")
    yield office
    office.close()
    office.listener.close()


@pytest.fixture
def office(shared):
    yield shared
    shared.quieten()


@pytest.fixture
def make_office(tmp_path, trusted, signer):
    made: list[Office] = []

    def make(*options: str) -> Office:
        office = Office(tmp_path / "window", Listener(), signer, "--trusted-cert", trusted, *options)
        made.append(office)
        return office

    yield make
    for office in made:
        office.close()
        office.listener.close()


@pytest.fixture
def number() -> int:
    return next(_numbers)
