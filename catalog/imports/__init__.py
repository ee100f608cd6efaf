"""Listings by file, CSV or XLSX: streamed in with the rules of POST /listings, row by row, and out in the same form.

    reader -> rows -> store: a chunk of a thousand rows is one transaction; `job` drives them, `service` takes files in

docs/bulk-import.md describes the form.
"""

import catalog.api  # noqa: F401 - first, since the cells are read by its fields and its calls lead back here
