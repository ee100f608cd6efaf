"""Assessing a file of lines, CSV or Parquet, of any size: pieces in, the engine's columns, pieces out, flat memory.

The law is the one of `customs.assessments`: plain lines go through the columns of `customs.duty.batch` by the hundred
thousand, the few others one by one through `assess`. docs/assessment-files.md describes the form.
"""

from __future__ import annotations

from customs.assessments.files.options import CSV, FORMATS, PARQUET, Options
from customs.assessments.files.run import Outcome, assess_file
from customs.assessments.files.source import Progress, open_source

__all__ = ["CSV", "FORMATS", "PARQUET", "Options", "Outcome", "Progress", "assess_file", "open_source"]
