"""The entry of sources.toml that says where the rows of an annex were read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_SECTION = re.compile(r"^\[([^\[\]\n]+)\]\n", re.MULTILINE)
ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z", re.ASCII)


def with_file(known: Mapping[str, Any] | None, entry: Mapping[str, str], file: str) -> dict[str, Any]:
    """The entry of an announcement with one more annex; of an entry that is there, only `files` grows.

    Raises ValueError when the id belongs to another document.
    """
    if known is None:
        return {**{key: text for key, text in entry.items() if text}, "files": [file]}
    if known.get("document") != entry["document"]:
        raise ValueError(f"it is the source {known.get('document') or known.get('title')!r} already")
    return {**known, "files": sorted({*known.get("files", ()), file})}


def written(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """The text of sources.toml with the entry in its place by name; every other entry keeps its bytes."""
    body = "".join(f"{key} = {_value(value)}\n" for key, value in entry.items())
    section = f"[{name}]\n{body}"
    heads = list(_SECTION.finditer(text))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        end = following.start() if following else len(text)
        if head[1] == name:
            return text[: head.start()] + section + ("\n" if following else "") + text[end:]
        if head[1] > name:
            return text[: head.start()] + section + "\n" + text[head.start() :]
    return text.rstrip("\n") + "\n\n" + section


def _value(value: Any) -> str:
    """A value in TOML: JSON's strings and lists are TOML's, once what JSON leaves bare is escaped."""
    return json.dumps(value, ensure_ascii=False, default=str).replace("\x7f", "\\u007f")
