"""`python -m bench NAME`: run one bench, or `all` of them, one after the other."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> int:
    """Run what was asked for; each bench is a module beside this one with a `main()`."""
    known = sorted(
        path.stem
        for path in Path(__file__).parent.glob("*.py")
        if not path.stem.startswith(("_", "test_"))
    )
    asked = sys.argv[1] if len(sys.argv) > 1 else "all"
    if asked != "all" and asked not in known:
        print(
            f"There is no bench {asked!r}: there are {', '.join(known) or 'none'}.", file=sys.stderr
        )
        return 2
    for name in known if asked == "all" else [asked]:
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
