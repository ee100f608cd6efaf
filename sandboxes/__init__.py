"""Other people's systems, played on this machine: nothing here knows the house, and the house knows nothing of it."""
