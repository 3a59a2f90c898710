"""How a RAW file is laid out: its sections in order and the fields of each record, by revision."""

from __future__ import annotations

from collections.abc import Callable

REVISIONS = range(30, 36)

# Words that a terminator's comment uses for the section that begins (`BEGIN … DATA`).
TITLES = {
    "SYSTEM-WIDE": "system",
    "BUS": "bus",
    "LOAD": "load",
    "FIXED SHUNT": "fixed shunt",
    "FIXED BUS SHUNT": "fixed shunt",
    "GENERATOR": "generator",
    "BRANCH": "branch",
    "NON-TRANSFORMER BRANCH": "branch",
    "SYSTEM SWITCHING DEVICE": "switching device",
    "TRANSFORMER": "transformer",
    "AREA": "area",
    "AREA INTERCHANGE": "area",
    "TWO-TERMINAL DC": "two-terminal dc",
    "TWO-TERMINAL DC LINE": "two-terminal dc",
    "VSC DC LINE": "vsc dc",
    "VOLTAGE SOURCE CONVERTER": "vsc dc",
    "SWITCHED SHUNT": "switched shunt",
    "IMPEDANCE CORRECTION": "impedance correction",
    "TRANSFORMER IMPEDANCE CORRECTION": "impedance correction",
    "MULTI-TERMINAL DC": "multi-terminal dc",
    "MULTI-TERMINAL DC LINE": "multi-terminal dc",
    "MULTI-SECTION LINE": "multi-section line",
    "MULTI-SECTION LINE GROUP": "multi-section line",
    "ZONE": "zone",
    "INTER-AREA TRANSFER": "inter-area transfer",
    "OWNER": "owner",
    "FACTS CONTROL DEVICE": "facts",
    "FACTS DEVICE": "facts",
    "GNE DEVICE": "gne",
    "GNE": "gne",
    "INDUCTION MACHINE": "induction machine",
    "SUBSTATION": "substation",
}

_TAIL = (
    *("impedance correction", "multi-terminal dc", "multi-section line", "zone"),
    *("inter-area transfer", "owner", "facts"),
)


def sections(revision: int) -> tuple[str, ...]:
    """The sections of a file in the order in which they follow one another."""
    head: tuple[str, ...] = ("system",) if revision >= 34 else ()
    head += ("bus", "load")
    head += () if revision == 30 else ("fixed shunt",)
    head += ("generator", "branch")
    head += ("switching device",) if revision >= 34 else ()
    head += ("transformer", "area", "two-terminal dc", "vsc dc")
    if revision <= 31:
        return (*head, "switched shunt", *_TAIL)
    tail = (*_TAIL, "switched shunt", "gne", "induction machine")
    return (*head, *tail, "substation") if revision >= 35 else (*head, *tail)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OWNERS = _words("O1 F1 O2 F2 O3 F3 O4 F4")


def _rates(revision: int) -> tuple[str, ...]:
    if revision < 34:
        return _words("RATEA RATEB RATEC")
    return tuple(f"RATE{place}" for place in range(1, 13))


def _winding(revision: int) -> tuple[str, ...]:
    node = ("NODE",) if revision >= 35 else ()
    return (
        *_words("WINDV NOMV ANG"),
        *_rates(revision),
        *_words("COD CONT"),
        *node,
        *_words("RMA RMI VMA VMI NTP TAB CR CX CNXA"),
    )


CONVERTER = _words("IP NB ANMX ANMN RC XC EBAS TR TAP TMX TMN STP")
VSC_CONVERTER = _words("IBUS TYPE MODE DCSET ACSET ALOSS BLOSS MINLOSS SMAX IMAX PWF MAXQ MINQ")


def fields(section: str, revision: int) -> tuple[tuple[str, ...], ...]:
    """The fields of each line of one record, as far as they are used; empty for other sections."""
    layout = _FIELDS.get(section)
    return layout(revision) if layout else ()


def _bus(revision: int) -> tuple[tuple[str, ...], ...]:
    if revision == 30:
        return (_words("I NAME BASKV IDE GL BL AREA ZONE VM VA OWNER"),)
    return (_words("I NAME BASKV IDE AREA ZONE OWNER VM VA NVHI NVLO EVHI EVLO"),)


def _load(_: int) -> tuple[tuple[str, ...], ...]:
    return (
        _words(
            "I ID STATUS AREA ZONE PL QL IP IQ YP YQ OWNER SCALE INTRPT DGENP DGENQ DGENM LOADTYPE"
        ),
    )


def _generator(revision: int) -> tuple[tuple[str, ...], ...]:
    node = ("NREG",) if revision >= 35 else ()
    load = ("BASLOD",) if revision >= 35 else ()
    return (
        (
            *_words("I ID PG QG QT QB VS IREG"),
            *node,
            *_words("MBASE ZR ZX RT XT GTAP STAT RMPCT PT PB"),
            *load,
            *OWNERS,
            *_words("WMOD WPF"),
        ),
    )


def _branch(revision: int) -> tuple[tuple[str, ...], ...]:
    name = ("NAME",) if revision >= 34 else ()
    return ((*_words("I J CKT R X B"), *name, *_rates(revision), *_words("GI BI GJ BJ ST")),)


def _transformer(revision: int) -> tuple[tuple[str, ...], ...]:
    winding = _winding(revision)
    return (
        (*_words("I J K CKT CW CZ CM MAG1 MAG2 NMETR NAME STAT"), *OWNERS, "VECGRP"),
        _words("R1-2 X1-2 SBASE1-2 R2-3 X2-3 SBASE2-3 R3-1 X3-1 SBASE3-1 VMSTAR ANSTAR"),
        winding,
        winding,
        winding,
    )


def _switched_shunt(revision: int) -> tuple[tuple[str, ...], ...]:
    if revision <= 31:
        return (_words("I MODSW VSWHI VSWLO SWREM RMPCT RMIDNT BINIT"),)
    if revision <= 34:
        return (_words("I MODSW ADJM STAT VSWHI VSWLO SWREM RMPCT RMIDNT BINIT"),)
    return (_words("I ID MODSW ADJM STAT VSWHI VSWLO SWREM NREG RMPCT RMIDNT BINIT"),)


def _facts(revision: int) -> tuple[tuple[str, ...], ...]:
    node = ("NREG",) if revision >= 35 else ()
    remote = ("REMOT", *node) if revision < 35 else ("FCREG", *node)
    return (
        (
            *_words("NAME I J MODE PDES QDES VSET SHMX TRMX VTMN VTMX VSMX IMX LINX RMPCT OWNER"),
            *_words("SET1 SET2 VSREF"),
            *remote,
            "MNAME",
        ),
    )


_FIELDS: dict[str, Callable[[int], tuple[tuple[str, ...], ...]]] = {
    "bus": _bus,
    "load": _load,
    "fixed shunt": lambda _: (_words("I ID STATUS GL BL"),),
    "generator": _generator,
    "branch": _branch,
    "switching device": lambda _: ((*_words("I J CKT X"), *_rates(34), "STAT"),),
    "transformer": _transformer,
    "two-terminal dc": lambda _: (
        _words("NAME MDC RDC SETVL VSCHD VCMOD RCOMP DELTI METER DCVMIN CCCITMX CCCACC"),
        CONVERTER,
        CONVERTER,
    ),
    "vsc dc": lambda revision: (
        _words("NAME MDC RDC"),
        (*VSC_CONVERTER, *(("VSREG",) if revision >= 35 else ("REMOT",))),
        (*VSC_CONVERTER, *(("VSREG",) if revision >= 35 else ("REMOT",))),
    ),
    "switched shunt": _switched_shunt,
    "facts": _facts,
    "multi-terminal dc": lambda _: (_words("NAME NCONV NDCBS NDCLN MDC"),),
    "impedance correction": lambda _: (_words("I"),),
    "induction machine": lambda _: (_words("I ID STAT"),),
}
