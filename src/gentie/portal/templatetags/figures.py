"""How pages write figures, money, times and the names of things on the grid."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from gentie.quantities.moments import said_day, said_moment
from gentie.quantities.money import Money

register = template.Library()

DASH = "–"
NO_OUTAGE = "base"


@register.filter
def number(value: float | Decimal | None, decimals: int = 0) -> str:
    """A figure with thousands separated; a dash for none."""
    return DASH if value is None else f"{value:,.{decimals}f}"


@register.filter
def plain(value: float | None) -> str:
    """A figure without needless decimals: 138, 0.03, 1.15."""
    return DASH if value is None else f"{value:,.10g}"


@register.filter
def percent(value: float | None, decimals: int = 0) -> str:
    """A share in percent: 118%."""
    return DASH if value is None else f"{value:,.{decimals}f}%"


@register.filter
def money(value: Decimal | str, currency: str) -> str:
    """An amount; cents only where there are some."""
    return str(Money.of(value, currency))


@register.filter
def whole_money(value: Decimal | str | float, currency: str) -> str:
    """An amount rounded to whole units."""
    return str(Money.of(round(Decimal(value)), currency))


@register.filter
def cents(value: Decimal, currency: str) -> str:
    """An amount with its cents always, so that a column lines up."""
    sign = "$" if currency == "USD" else ""
    return f"{sign}{value:,.2f}" + ("" if sign else f" {currency}")


@register.filter
def moment(value: datetime, zone: str) -> str:
    """A time in the operator's zone: 2 Dec 2026, 17:00 PT."""
    return said_moment(value, zone)


@register.filter
def day(value: str | date) -> str:
    """A day: 2 Dec 2026."""
    return said_day(date.fromisoformat(value) if isinstance(value, str) else value)


@register.filter
def element(identity: str) -> str:
    """An element in words: line 25895–26046 circuit 1."""
    kind, *ends = identity.split(":")
    if len(ends) != 3:
        return identity
    first, second, circuit = ends
    return _("%(kind)s %(first)s–%(second)s circuit %(circuit)s") % {
        "kind": kind,
        "first": first,
        "second": second,
        "circuit": circuit,
    }


@register.filter
def named(identity: str) -> str:
    """An element or outage for a cell of a table: it breaks before its circuit, nowhere else."""
    first, found, circuit = outage(identity).rpartition(" " + _("circuit") + " ")
    if not found:
        return circuit
    return format_html(
        '<span class="g-nowrap">{}</span> <span class="g-nowrap">{}</span>',
        first,
        f"{found.strip()} {circuit}",
    )


@register.filter
def outage(identity: str) -> str:
    """An outage in words; without one, everything is in service."""
    return _("nothing out") if identity == NO_OUTAGE else element(identity)


@register.filter
def outage_of(constraint: object) -> str:
    """What is out where a constraint is worst, for who may see it: line 1–2 circuit 1 out."""
    name = str(constraint.contingency.outage)  # type: ignore[attr-defined]
    if name == NO_OUTAGE:
        return _("nothing out")
    if name == getattr(constraint, "element", ""):
        return _("one of its own circuits out")
    return _("%(element)s out") % {"element": element(name)}


@register.filter
def called_for_by(identity: str) -> str:
    """A constraint's identity in words."""
    parts = identity.split("|")
    if len(parts) != 4:
        return identity
    words = element(parts[0])
    if parts[1] == NO_OUTAGE:
        return _("%(element)s, nothing out") % {"element": words}
    if parts[1] == parts[0]:
        return _("%(element)s, one of its circuits out") % {"element": words}
    return _("%(element)s, with %(outage)s out") % {"element": words, "outage": element(parts[1])}


@register.filter
def point(identity: str) -> str:
    """A point in words: point 23284."""
    return identity.replace(":", " ")


@register.filter
def upgrade_words(upgrade: object) -> str:
    """What is built, in words."""
    kind = str(getattr(upgrade, "kind", ""))
    if name := getattr(upgrade, "element", ""):
        return _("%(kind)s: %(element)s") % {"kind": kind.capitalize(), "element": element(name)}
    if kind == "interconnection facilities":
        owner = str(getattr(upgrade, "identity", "")).rpartition(":")[2]
        return _("Interconnection facilities of %(request)s") % {"request": owner}
    return _("%(kind)s at %(point)s") % {
        "kind": kind.capitalize(),
        "point": point(str(getattr(upgrade, "point", ""))),
    }


@register.filter
def condition(name: str) -> str:
    """A condition of the study in one word."""
    return {"peak-reliability": _("reliability"), "peak-deliverability": _("deliverability")}.get(
        name, name
    )


@register.filter
def deliverability(name: str) -> str:
    """What a request asked for."""
    return {"full": _("full capacity"), "energy_only": _("energy only")}.get(name, name)


@register.filter
def sentence(words: str) -> str:
    """Words with a capital at the beginning."""
    return words[:1].upper() + words[1:]


@register.simple_tag
def bar(value: float | Decimal, largest: float | Decimal, kind: str = "") -> SafeString:
    """A horizontal bar beside a figure that says the same; so it is hidden from readers aloud."""
    width = float(value) / float(largest) * 100 if largest else 0.0
    return format_html(
        '<svg class="g-bar {}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" '
        'focusable="false"><rect class="g-bar__track" width="100" height="8"/>'
        '<rect class="g-bar__fill" width="{}" height="8"/></svg>',
        kind,
        f"{min(100.0, max(0.0, width)):.2f}",
    )


@register.filter
def share_percent(value: Decimal) -> str:
    """A share between 0 and 1 as percent with three decimals."""
    return f"{100 * value:.3f}%"
