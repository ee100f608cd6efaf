"""What a cell may hold, said from the field that reads it, in English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from catalog.api.schemas import Texts
from core.money import fen_text, plain
from core.schemas import Choice, Flag, Money, Pattern, Quantity, Text, WholeNumber

YES = ("true", "1", "yes", "是")
NO = ("false", "0", "no", "否")


def of(field: Any, choices: Iterable[str] | None = None) -> tuple[str, str]:
    """(English, Chinese) of a field's rule; `choices` are the words of a list that the field itself does not know."""
    if choices is not None or isinstance(field, Choice):
        words = ", ".join(choices if choices is not None else field.words)
        return f"one of {words}", f"以下之一：{words}"
    for kind, say in _SAYINGS.items():
        if isinstance(field, kind):
            return say(field)
    return "", ""


def _text(field: Text) -> tuple[str, str]:
    lines = (", line breaks allowed", "，可换行") if field.lines else ("", "")
    return f"{field.least} to {field.most} characters{lines[0]}", f"{field.least} 至 {field.most} 个字符{lines[1]}"


def _money(field: Money) -> tuple[str, str]:
    least, most = fen_text(field.least), fen_text(field.most)
    return (f"an amount in yuan such as 531.50, from {least} to {most}", f"人民币金额，如 531.50，从 {least} 到 {most}")


def _quantity(field: Quantity) -> tuple[str, str]:
    most = (f", at most {plain(field.most)}", f"，不超过 {plain(field.most)}") if field.most is not None else ("", "")
    return (f"a plain decimal above zero such as 0.25, at most 5 decimals{most[0]}",
            f"大于零的小数，如 0.25，最多 5 位小数{most[1]}")  # fmt: skip


def _whole(field: WholeNumber) -> tuple[str, str]:
    return f"a whole number from {field.least} to {field.most}", f"{field.least} 至 {field.most} 的整数"


def _flag(_field: Flag) -> tuple[str, str]:
    return f"{' or '.join(YES)}; {' or '.join(NO)}", f"{'、'.join(YES)}；{'、'.join(NO)}"


def _pattern(field: Pattern) -> tuple[str, str]:
    return field.rule, field.rule


def _texts(field: Texts) -> tuple[str, str]:
    form, most = "name=value; name=value", field.most
    return f"{form}, or a JSON object of at most {most} texts", f"{form}，或至多 {most} 项文字的 JSON 对象"


_SAYINGS: dict[type, Any] = {Text: _text, Money: _money, Quantity: _quantity, WholeNumber: _whole, Flag: _flag,
                             Pattern: _pattern, Texts: _texts}  # fmt: skip
