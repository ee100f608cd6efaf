"""The law as code over columns: valuation, selection, regimes, explanation. Pure: no clock, no database."""
