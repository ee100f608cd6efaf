"""The parts of an XLSX workbook, looked at before anything of them is believed: a stranger packed that archive.

Sizes are those of the archive's directory, beyond which Python's zipfile never unpacks; the directory itself is
measured before it is read.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from xml.parsers import expat

from customs.assessments.files.problems import unreadable

ENTRIES_MOST = 2000
TOTAL_MOST = 1 << 30  # bytes unpacked
STRINGS_MOST = 64 << 20  # of the table of shared strings, which is held in the memory
TAG_MOST = 1 << 16
NAMES_MOST = 500  # of tags and attributes; a parser keeps each for good
SMALL_MOST = 1 << 20  # of the parts that say what is where
RATIO_MOST = 200  # a sheet packs to a tenth or a fiftieth, a bomb to a thousandth
_DIRECTORY_MOST = 1 << 20
_TAIL = (1 << 16) + 22
_CHUNK = 1 << 16
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)
NOT_A_WORKBOOK = "the file is no XLSX workbook"


def open_workbook(path: Path) -> zipfile.ZipFile:
    """The archive, if it is one that may be unpacked. Raises Problem file_unreadable."""
    _check_directory(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as fault:
        raise unreadable(f"{NOT_A_WORKBOOK}: {fault}") from None
    try:
        _check_entries(archive)
    except BaseException:
        archive.close()
        raise
    return archive


def _check_directory(path: Path) -> None:
    """zipfile reads the whole directory into the memory, so its size is looked at first."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - _TAIL, 0))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22 or b"PK\x06\x07" in tail:
        raise unreadable(NOT_A_WORKBOOK)
    entries, directory = struct.unpack_from("<HI", tail, at + 10)
    if entries > ENTRIES_MOST or directory > _DIRECTORY_MOST:
        raise unreadable(f"the workbook has more than {ENTRIES_MOST} parts")


def _check_entries(archive: zipfile.ZipFile) -> None:
    total = 0
    for entry in archive.infolist():
        total += entry.file_size
        if entry.flag_bits & 0x1:
            raise unreadable("the workbook is locked by a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise unreadable("the workbook is packed in a way that XLSX does not have")
        if entry.file_size > SMALL_MOST and entry.file_size > RATIO_MOST * max(entry.compress_size, 1):
            raise unreadable(f"{entry.filename} unpacks to more than {RATIO_MOST} times its size")
    if total > TOTAL_MOST:
        raise unreadable(f"the workbook unpacks to more than {TOTAL_MOST >> 20} MiB: send CSV instead")


def size_of(archive: zipfile.ZipFile, name: str) -> int:
    """Bytes of a part when it is unpacked; 0 when it is not there."""
    try:
        return archive.getinfo(name).file_size
    except KeyError:
        return 0


def first_sheet(archive: zipfile.ZipFile) -> str:
    """The name of the part that holds the first sheet. Raises Problem file_unreadable."""
    sheets = [found for tag, found in _elements(archive, "xl/workbook.xml") if tag == "sheet"]
    relations = [found for tag, found in _elements(archive, "xl/_rels/workbook.xml.rels") if tag == "Relationship"]
    targets = {found.get("Id", ""): found.get("Target", "") for found in relations}
    relation = next((value for name, value in sheets[0].items() if local(name) == "id"), "") if sheets else ""
    target = targets.get(relation, "")
    name = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
    if not target or not size_of(archive, name):
        raise unreadable(f"{NOT_A_WORKBOOK}: it has no sheet")
    return name


def shared_strings(archive: zipfile.ZipFile) -> str | None:
    """The name of the table of strings, if there is one. Raises Problem file_unreadable when it is too large."""
    name = "xl/sharedStrings.xml"
    size = size_of(archive, name)
    if size > STRINGS_MOST:
        raise unreadable(f"the workbook has more than {STRINGS_MOST >> 20} MiB of texts: send CSV instead")
    return name if size else None


def _elements(archive: zipfile.ZipFile, name: str) -> list[tuple[str, dict[str, str]]]:
    """Tags and attributes of a small part, in their order."""
    if not 0 < size_of(archive, name) <= SMALL_MOST:
        raise unreadable(f"{NOT_A_WORKBOOK}: {name} is missing or too large")
    found: list[tuple[str, dict[str, str]]] = []
    xml = Xml()
    xml.parser.StartElementHandler = lambda tag, attributes: found.append((local(tag), attributes))
    with open_part(archive, name) as part:
        for chunk, _ in chunks(part):
            xml.feed(chunk)
    return found


def open_part(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A part, to be read. Raises Problem file_unreadable."""
    try:
        return archive.open(name)
    except _BROKEN as fault:
        raise unreadable(f"the workbook is damaged: {fault}") from None


def chunks(part: IO[bytes]) -> Iterator[tuple[bytes, int]]:
    """The bytes of a part, an empty run last, and how many there were. Raises Problem file_unreadable."""
    done = 0
    while True:
        try:
            chunk = part.read(_CHUNK)
        except _BROKEN as fault:
            raise unreadable(f"the workbook is damaged: {fault}") from None
        done += len(chunk)
        yield chunk, done
        if not chunk:
            return


class Xml:
    """A parser that takes no document type, so that there are no entities to swell or to fetch, and no tag longer than
    `TAG_MOST` bytes, since it would be held until it ends."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _no_doctype
        self._fed = 0

    def feed(self, chunk: bytes) -> None:
        """The next bytes; none of them end it. Raises Problem file_unreadable when they are no XML."""
        try:
            self.parser.Parse(chunk, not chunk)
        except expat.ExpatError as fault:
            raise unreadable(f"the workbook is damaged: {fault}") from None
        self._fed += len(chunk)
        if self._fed - self.parser.CurrentByteIndex > TAG_MOST:
            raise unreadable("the workbook is damaged: a tag does not end")
        if len(self.parser.intern) > NAMES_MOST:
            raise unreadable(f"the workbook has more than {NAMES_MOST} kinds of tags")


def _no_doctype(*_: object) -> None:
    raise unreadable("the workbook declares a document type")


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition(" ")[2]
