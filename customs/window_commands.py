"""`flask window`: what is done at the single window from a shell. Each subject keeps its commands beside its code."""

from __future__ import annotations

import click

from customs.dead_letters.commands import dead_letters, resend
from customs.guarantee.commands import guarantee_group
from customs.inbox import inbox
from customs.parties_commands import parties
from customs.payment_data.commands import payment_data
from customs.quarantine.commands import quarantine
from customs.window.commands import schemas, sign, verify


@click.group("window")
def window_group() -> None:
    """The single window."""


for command in (dead_letters, inbox, parties, payment_data, quarantine, resend, schemas, sign, verify, guarantee_group):
    window_group.add_command(command)
