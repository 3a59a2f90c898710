"""`python -m bench [ONLY]`: one measurement by its name, or all of them one after the other."""

from __future__ import annotations

import importlib
import sys

NAMES = ("n1", "ac-n1", "capacity", "study", "restudy", "certainty", "short-circuit")


def main(words: list[str]) -> int:
    only = words.pop(0) if words and not words[0].startswith("-") else "all"
    if only not in {*NAMES, "all"}:
        print(f"There is no measurement {only}; there are: {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    for name in NAMES if only == "all" else (only,):
        importlib.import_module(f"bench.{name.replace('-', '_')}").main(words)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
