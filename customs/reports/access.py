"""Whose rows an account may see. Merchants live on a floor above, which says here who acts for which."""

from __future__ import annotations

import uuid
from collections.abc import Callable


def _nobody(account_id: uuid.UUID) -> uuid.UUID | None:
    """Until the floor above has spoken, no account acts for a merchant."""
    return None


def _nameless(merchant_id: uuid.UUID) -> str | None:
    return None


# Set once by the composition root: account -> merchant, and merchant -> registered name.
merchant_of: Callable[[uuid.UUID], uuid.UUID | None] = _nobody
merchant_name: Callable[[uuid.UUID], str | None] = _nameless
