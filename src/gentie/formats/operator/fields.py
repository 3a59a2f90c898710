"""Fields of a table of TOML, taken one by one; what is wrong with them is kept, not raised."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any

from gentie.quantities.findings import Finding


class Fields:
    """One table: every field is asked for once, and ``unknown`` then tells of the rest."""

    def __init__(
        self, table: Mapping[str, Any], file_name: str, reasons: list[Finding], prefix: str = ""
    ) -> None:
        self.table, self.file_name, self.reasons, self.prefix = table, file_name, reasons, prefix
        self.asked: set[str] = set()

    def told(self, code: str, key: str, sentence: str) -> None:
        """Keep a reason against a field."""
        self.reasons.append(
            Finding(
                code,
                f"{self.file_name}: {self.prefix}{key} {sentence}",
                where=f"{self.prefix}{key}",
            )
        )

    def text(self, key: str, *, is_needed: bool = True, longest: int = 200) -> str:
        """Words in one line or several; blank where they are not given."""
        found = self._of(key, str, "must be words in quotes", is_needed=is_needed)
        if found is None:
            return ""
        words = str(found).strip()
        if not words and is_needed:
            self.told("operator.field.blank", key, "is blank: say what it is.")
        if len(words) > longest:
            self.told(
                "operator.field.long", key, f"has {len(words)} letters; at most {longest} fit."
            )
        if any(unicodedata.category(one) == "Cc" and one not in "\n\t" for one in words):
            self.told(
                "operator.field.letters", key, "has letters that cannot be printed: write it again."
            )
        return words

    def flag(self, key: str) -> bool:
        """Yes or no."""
        return bool(self._of(key, bool, "must be true or false"))

    def local_time(self, key: str) -> time:
        """A time of day."""
        return self._of(key, time, "must be a local time such as 17:00:00") or time()

    def dates(self, key: str) -> tuple[date, ...]:
        """Days, in their order."""
        found = self._of(key, list, "must be a list of days such as [2026-12-25]") or []
        if not all(type(day) is date for day in found):
            self.told(
                "operator.field.type",
                key,
                "must hold days without a time or quotes, such as 2026-12-25.",
            )
            return ()
        return tuple(sorted(found))

    def integers(self, key: str) -> tuple[int, ...]:
        """Whole numbers, each once."""
        found = self._of(key, list, "must be a list of numbers such as [3, 4]", is_needed=False)
        if found is None:
            return ()
        if not all(type(one) is int for one in found):
            self.told("operator.field.type", key, "must hold whole numbers, such as [3, 4].")
            return ()
        if len(set(found)) < len(found):
            self.told("operator.field.twice", key, "names a number twice: name each once.")
        return tuple(sorted(set(found)))

    def inner(self, key: str, *, is_needed: bool = True) -> Fields:
        """A table inside this one; an empty one where it is not there."""
        found = self._of(key, dict, f"must be a table: [{self.prefix}{key}]", is_needed=is_needed)
        self_prefix = f"{self.prefix}{key}."
        return Fields(found or {}, self.file_name, self.reasons, self_prefix)

    def unknown(self) -> None:
        """Tell of fields that nobody asked for: a misspelled one must not be overlooked."""
        for key in self.table:
            if key not in self.asked:
                near = difflib.get_close_matches(key, self.asked, n=1)
                hint = f"did you mean {near[0]}?" if near else "leave it out."
                self.told("operator.field.unknown", key, f"is not a field of this file: {hint}")

    def _of(self, key: str, kind: type, sentence: str, *, is_needed: bool = True) -> Any:
        self.asked.add(key)
        if key not in self.table:
            if is_needed:
                self.told("operator.field.missing", key, f"is missing; it {sentence}.")
            return None
        found = self.table[key]
        # A moment is not a day, nor a flag a number.
        if not isinstance(found, kind) or isinstance(found, datetime):
            self.told("operator.field.type", key, f"{sentence}.")
            return None
        return found
