"""A single window for development and tests: it checks what it gets as customs would, and answers with receipts.

It knows nothing of the house: its layouts, its signature check, its limits and its tax are its own, so that an error in
ours shows. It listens on this machine only and keeps its state in a journal.
"""
