"""A single window for development and tests: it checks what it gets as customs would, and answers with receipts.

It knows nothing of the house: it shares the tables of message fields and of the law as files, while its reading of
them, its signature check, its limits, its account books and its tax are its own, so that an error in ours shows. It
listens on this machine only and keeps its state and its journal in one file.
"""
