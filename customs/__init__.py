"""Customs: the law as data, the duty engine, declarations and the single window."""
