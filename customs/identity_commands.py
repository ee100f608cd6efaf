"""Commands about the keys of identities; docs/persons.md tells when to use them."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from customs import identity_hash, key_rotation


@click.group("identity")
def identity_group() -> None:
    """The keys under which identities and messages are sealed."""


@identity_group.command("rotate")
@click.option("--batch", default=key_rotation.BATCH, show_default=True, type=click.IntRange(1, 10_000))
@with_appcontext
def rotate(batch: int) -> None:
    """Seal everything under IDENTITY_KEY that stands under a key of IDENTITY_KEYS_OLD; can be stopped and run again.

    Exit 1 when a text opens under no key of the settings.
    """
    found = key_rotation.rotate("command", lambda what, done: click.echo(f"  {what} {done}", err=True), batch)
    for each in found:
        if each.moved:
            click.echo(f"{each.column}: {each.moved} sealed anew")
    lost = {(each.column, key) for each in found for key in each.lost}
    for column, key in sorted(lost):
        click.echo(f"{column} {key}: opens under no key of the settings")
    click.echo("everything is sealed under IDENTITY_KEY" if not lost else f"{len(lost)} texts cannot be opened")
    sys.exit(1 if lost else 0)


@identity_group.command("status")
@with_appcontext
def status() -> None:
    """How many sealed texts stand under which key; exit 1 while some are not under IDENTITY_KEY."""
    left = 0
    for column, found in key_rotation.count():
        left += found["old"] + found["other"]
        click.echo(f"{column}: " + ", ".join(f"{name} {number}" for name, number in found.items()))
    click.echo("everything is sealed under IDENTITY_KEY" if not left else f"{left} are not: run identity rotate")
    sys.exit(1 if left else 0)


@identity_group.command("rehash")
@with_appcontext
def rehash() -> None:
    """Find persons by a new random key from now on; telling an identity waits until it is done, the shop does not."""
    total = identity_hash.rehash("command", lambda done: click.echo(f"  {done}", err=True))
    click.echo(f"{total} persons are found by a new key")
