"""Receipts that only move their document, many by a few statements: most of a day's receipts are of this kind.

What somebody above must hear of, a tax bill, a refusal, a document bound by a person: all that is left to
`receipt_effects`, and what follows it of the same declaration waits for it, so that each declaration keeps its order.
Both ways decide by the same table and functions (`receipt_targets`), and a test compares what they leave behind.
"""
