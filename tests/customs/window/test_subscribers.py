"""Who else is told: from the parties file into every message."""

from pathlib import Path

import pytest

from customs.window import parties as parties_file
from customs.window.documents import transfer_of
from customs.window.messages import build
from customs.window.parties import PartiesInvalid, load_parties
from customs.window.values import new_guid
from tests.customs.window.samples import ours

SANDBOX = Path(parties_file.__file__).with_name("sandbox_parties.toml").read_text("utf-8")


def load(tmp_path: Path, text: str):
    file = tmp_path / "parties.toml"
    file.write_text(f"{SANDBOX}\n{text}", "utf-8")
    return load_parties(file)


def test_subscribers_of_the_file_stand_in_every_message(tmp_path):
    told = '[[subscriber]]\nscope = "RET"\ndxp_id = "DXPENT0000460009"\n[[subscriber]]\nscope = "ALL"\ndxp_id = "DXPENT0000460008"\n'
    xml = build("411", [ours("411")], transfer_of(load(tmp_path, told)), new_guid())
    assert xml.count(b"<ceb:BaseSubscribe>") == 2
    assert b"<ceb:status>RET</ceb:status><ceb:dxpMode>DXP</ceb:dxpMode><ceb:dxpAddress>DXPENT0000460009<" in xml


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[subscriber]\nscope = "RET"\n', "at most 5 tables"),
        ('[[subscriber]]\nscope = "RET"\ndxp_id = "X"\n' * 6, "at most 5 tables"),
        ('[[subscriber]]\nscope = "SOME"\ndxp_id = "X"\n', "subscriber 1: scope must be ALL, DATA or RET"),
        ('[[subscriber]]\nscope = "RET"\ndxp_id = ""\n', "subscriber 1: dxp_id"),
        ("[[subscriber]]\n", "subscriber 1: scope"),
    ],
)
def test_a_bad_subscriber_is_named(tmp_path, text, fault):
    with pytest.raises(PartiesInvalid, match=fault):
        load(tmp_path, text)
