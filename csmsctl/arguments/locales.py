"""CSV as the spreadsheet of a country reads it: separator, decimal comma, local times."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z\Z", re.ASCII)
_AMOUNT = re.compile(r"-?\d+\.\d+\Z", re.ASCII)
_MONEY = ("cost", "tax", "price")  # amounts are exact, and therefore text
MARK = "\ufeff"  # by which a spreadsheet knows UTF-8


class Locale(NamedTuple):
    """What separates cells, what stands before decimals, and how a time is written."""

    delimiter: str
    decimal: str
    time: str

    def cell(self, key: str, record: Mapping[str, Any]) -> Any:
        """A value of a record as it stands there; what is neither a number nor a time is left alone."""
        value = record.get(key)
        if isinstance(value, float) or (isinstance(value, str) and _is_number(key, record) and _AMOUNT.match(value)):
            return Written(str(value).replace(".", self.decimal))
        if isinstance(value, str) and _TIME.match(value):
            return Written(datetime.fromisoformat(value).astimezone().strftime(self.time))
        return value


def _is_number(key: str, record: Mapping[str, Any]) -> bool:
    """Whether the text of that name means a number: what was measured is text in OCPP (C 7.43)."""
    return key.endswith(_MONEY) or (key == "value" and "measurand" in record)


class Written(str):
    """A number or a time that is written already: no text that could be taken for a formula."""

    __slots__ = ()


def _continental_locale(date: str) -> Locale:
    return Locale(";", ",", f"{date} %H:%M:%S")


LOCALES = {
    **dict.fromkeys(("de", "at", "pl", "cs", "fi", "nb", "da"), _continental_locale("%d.%m.%Y")),
    **dict.fromkeys(("fr", "it", "es", "pt"), _continental_locale("%d/%m/%Y")),
    "nl": _continental_locale("%d-%m-%Y"),
    "sv": _continental_locale("%Y-%m-%d"),
    "gb": Locale(",", ".", "%d/%m/%Y %H:%M:%S"),
    "us": Locale(",", ".", "%m/%d/%Y %H:%M:%S"),
}


def locale_named(name: str) -> Locale | None:
    """That of a language or country, also as `de_AT` or `de-DE.UTF-8`; None when there is none of that name."""
    word = name.partition(".")[0].replace("-", "_").casefold()
    language, _, country = word.partition("_")
    return LOCALES.get(country if language == "en" and country else language)
