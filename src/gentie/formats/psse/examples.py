"""Makers of small RAW cases for tests."""

from __future__ import annotations

from gentie.formats.psse.layout import TITLES, sections

LIMITS = ",1.1,0.9,1.1,0.9"
BUSES = (
    f"1,'ONE         ', 138.0,3,1,1,1,1.0,0.0{LIMITS}",
    f"2,'TWO         ',  69.0,1,1,1,1,1.0,0.0{LIMITS}",
    f"3,'THREE       ',  13.8,1,1,1,1,1.0,0.0{LIMITS}",
)
UNIT = "1,'1 ',10.0,0.0,50.0,-50.0,1.0,0,100.0,0,1,0,0,1,1,100,100.0,0.0,1,1"
LOAD = "2,'1 ',1,1,1,10.0,2.0,0,0,0,0,1,1"
LINE = "1,2,'1 ',0.01,0.1,0.02,100,110,120,0,0,0,0,1,1,10,1,1"
NAMES = {name: title for title, name in reversed(TITLES.items())}


def raw_text(*, revision: int = 33, announce: bool = True, **parts: tuple[str, ...]) -> bytes:
    """A case of three buses with one line; any section replaced by its name, `_` for blanks."""
    given: dict[str, tuple[str, ...]] = {
        "bus": BUSES,
        "load": (LOAD,),
        "generator": (UNIT,),
        "branch": (LINE,) if revision < 34 else (),
    } | {name.replace("_", " "): lines for name, lines in parts.items()}
    names = {name.replace("-", " "): name for name in NAMES}
    given = {names.get(name, name): lines for name, lines in given.items()}
    lines = [f"0, 100.00, {revision}, 0, 1, 60.00 / small", "A small case", "for tests"]
    order = sections(revision)
    for place, name in enumerate(order):
        lines += given.pop(name, ())
        following = NAMES[order[place + 1]] if place + 1 < len(order) else ""
        begin = f", BEGIN {following} DATA" if following else ""
        lines.append(f"0 / END OF {NAMES[name]} DATA{begin}" if announce else "0")
    assert not given, given
    return "\n".join([*lines, "Q", ""]).encode()


def two_windings(
    *,
    codes: tuple[int, int, int] = (1, 1, 1),
    magnetising: tuple[float, float] = (0.0, 0.0),
    impedance: tuple[float, float, float] = (0.005, 0.08, 50.0),
    first: tuple[float, float, float] = (1.0, 0.0, 0.0),
    second: tuple[float, float] = (1.0, 0.0),
    control: str = "0,0",
    table: int = 0,
) -> tuple[str, ...]:
    """A transformer from bus 1 to bus 2; ``first`` is ratio, nominal kV and angle."""
    cw, cz, cm = codes
    return (
        f"1,2,0,'T ',{cw},{cz},{cm},{magnetising[0]},{magnetising[1]},2,'T           ',1,1,1.0",
        ",".join(map(str, impedance)),
        f"{first[0]},{first[1]},{first[2]},100,110,120,{control},1.1,0.9,1.1,0.9,33,{table},0,0,0",
        f"{second[0]},{second[1]}",
    )


def three_windings(*, status: int = 1, code: int = 1) -> tuple[str, ...]:
    """A transformer between buses 1, 2 and 3."""
    winding = "100,110,120,0,0,1.1,0.9,1.1,0.9,33,0,0,0,0"
    return (
        f"1,2,3,'A ',1,{code},1,0.0,0.0,2,'STAR        ',{status},1,1.0",
        "0.002,0.10,50.0,0.003,0.12,40.0,0.004,0.20,25.0,0.99,-1.5",
        f"1.0,0.0,0.0,{winding}",
        f"1.02,0.0,0.0,{winding}",
        f"1.0,0.0,30.0,{winding}",
    )
