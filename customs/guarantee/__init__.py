"""The guarantees under which lists are released before their tax is paid: lodged, in use, refilled."""
