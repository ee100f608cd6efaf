"""`flask window sign|verify|schemas`: messages as files, without database, settings or account."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import click
from cryptography import x509

from core import clock, config
from customs.window.examination import Finding, Verdict, examine
from customs.window.keys import SoftwareSigner, load_signer, load_trusted
from customs.window.messages import BYTES_MAX, MessageUnreadable
from customs.window.profiles import SIGNING, SigningFailed
from customs.window.schema import FOLDER, write_schemas
from customs.window.signature import sign_message
from customs.window.tables import message_types

WRONG, UNREADABLE = 1, 2
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("sign")
@click.argument("file", type=_FILE)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="By default the screen.")
@click.option("--key", type=_FILE, help="PEM of a private key (RSA or SM2) and its certificate; by default a test key.")
@click.option("--cert-no", help="Number of the certificate; by default its serial number.")
@click.option("--profile", type=click.Choice(list(SIGNING)), help="Algorithms of the test key.")
def sign(file: Path, output: Path | None, key: Path | None, cert_no: str | None, profile: str | None) -> None:
    """Sign the message in FILE, once it breaks no rule.

    Exit 0: signed; 1: it breaks rules, which are named, and is not signed; 2: FILE or the key cannot be read.
    """
    xml = _read(file)
    verdict = _examined(file, xml, None)
    findings = [finding for finding in verdict.findings if finding.what != "must be signed"]
    if findings:
        _list(findings, err=True)
        sys.exit(WRONG)
    signer = _signer(key, cert_no, profile)
    try:
        signed = sign_message(xml, signer)
    except (ValueError, SigningFailed) as fault:
        _stop(f"{file}: {fault}")
    if output is None:
        sys.stdout.buffer.write(signed)
    else:
        output.write_bytes(signed)
        click.echo(f"{output}: signed", err=True)


@click.command("verify")
@click.argument("file", type=_FILE)
@click.option("--trust", type=_FILE, help="PEM of the certificates whose signatures count.")
def verify(file: Path, trust: Path | None) -> None:
    """Check form, rules and signature of the message in FILE, and name all that is wrong.

    Exit 0: nothing is wrong; 1: something is; 2: FILE is no message of the single window.
    """
    try:
        trusted = None if trust is None else load_trusted(trust)
    except ValueError:
        _stop(f"{trust} holds no certificate")
    verdict = _examined(file, _read(file), trusted)
    meaning = message_types()[verdict.kind].meaning
    click.echo(f"CEB{verdict.kind}Message ({meaning}), documents: {verdict.documents}")
    click.echo(_signature_line(verdict))
    if verdict.findings:
        _list(verdict.findings)
        sys.exit(WRONG)
    click.echo("nothing is wrong")


@click.command("schemas")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=FOLDER)
def schemas(folder: Path) -> None:
    """Write the XML Schemas of all messages, made from the tables, into FOLDER (by default where ours lie)."""
    for path in write_schemas(folder):
        click.echo(str(path))


def _signature_line(verdict: Verdict) -> str:
    if verdict.signed_by is None:
        broken = any(finding.check == "signature" and finding.where == "Signature" for finding in verdict.findings)
        return "signature: does not hold" if broken else "signature: none"
    whose = "trusted" if verdict.trusted else "its own certificate only; name trusted ones with --trust"
    return f"signature: holds, certificate no. {verdict.signed_by} ({whose})"


def _list(findings: Iterable[Finding], err: bool = False) -> None:
    for check, where, what in findings:
        click.echo(f"{check}: {where}: {what}", err=err)


def _read(file: Path) -> bytes:
    with file.open("rb") as source:
        return source.read(BYTES_MAX + 1)


def _examined(file: Path, xml: bytes, trusted: tuple[x509.Certificate, ...] | None) -> Verdict:
    try:
        return examine(xml, trusted, clock.now())
    except MessageUnreadable as fault:
        _stop(f"{file}: {fault}")


def _signer(key: Path | None, cert_no: str | None, profile: str | None) -> SoftwareSigner:
    if key is not None:
        try:
            return SoftwareSigner(key.read_bytes(), cert_no)
        except ValueError as fault:
            _stop(f"{key} must hold a private key (RSA or SM2, without a password) and its certificate: {fault}")
    settings = config.current()
    return load_signer(settings.var / "signer", cert_no, profile or settings.signer_profile)


def _stop(text: str) -> NoReturn:
    click.echo(text, err=True)
    sys.exit(UNREADABLE)
