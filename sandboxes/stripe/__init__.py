"""A Stripe to test against: the documented API, its webhooks and its failures, in one process on the loopback.

`python -m sandboxes.stripe --port 8420 --journal <folder>`. The official SDK drives it unchanged. Everything it ever
answered stands in `<folder>/journal.jsonl`, which is also what a restart reads back.
"""
