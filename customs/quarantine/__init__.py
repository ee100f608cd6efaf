"""Receipts that speak of nothing we know: seen, tried again, bound to a document by a person, or set aside."""
