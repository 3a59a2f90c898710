"""Lifecycles as tables: which move leads from which state to which, by whom, and what must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from gentie.quantities.findings import Finding

Subject = TypeVar("Subject")
Check = Callable[[Subject], Finding | None]


@dataclass(frozen=True, slots=True)
class Move(Generic[Subject]):
    """One move.

    Attributes:
        name: a verb, unique in its lifecycle.
        source: states that it leads from.
        target: state that it leads to.
        roles: who may make it.
        checks: what must hold; each returns the reason where it does not.
        section: of the rules that the move follows.
    """

    name: str
    source: tuple[str, ...]
    target: str
    roles: frozenset[str]
    checks: tuple[Check[Subject], ...] = ()
    section: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A move that may be made: write ``target`` only where ``source`` still holds."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A move that may not be made, with all reasons."""

    reasons: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Lifecycle(Generic[Subject]):
    """States and the moves between them.

    Attributes:
        subject: one word for what lives it; reasons of the table itself begin with it.
        initial: first state.
        moves: all moves.
    """

    subject: str
    initial: str
    moves: tuple[Move[Subject], ...]

    @property
    def states(self) -> tuple[str, ...]:
        """All states, in the order in which the moves name them."""
        named = [self.initial]
        for move in self.moves:
            named += [*move.source, move.target]
        return tuple(dict.fromkeys(named))

    def move(self, name: str) -> Move[Subject]:
        """A move by its name.

        Raises:
            KeyError: there is none.
        """
        for move in self.moves:
            if move.name == name:
                return move
        raise KeyError(name)

    def blockers(
        self, name: str, *, state: str, role: str, subject: Subject
    ) -> tuple[Finding, ...]:
        """All reasons why a move may not be made now; none where it may."""
        move = self.move(name)
        if role not in move.roles:
            allowed = ", ".join(sorted(one.replace("_", " ") for one in move.roles))
            return (
                Finding(
                    f"{self.subject}.{name}.role",
                    f"Only {allowed} may {name.replace('_', ' ')} a {self.subject}.",
                ),
            )
        if state not in move.source:
            return (
                Finding(
                    f"{self.subject}.{name}.state",
                    f"This {self.subject} is {state.replace('_', ' ')}: to "
                    f"{name.replace('_', ' ')} it, it must be "
                    f"{' or '.join(one.replace('_', ' ') for one in move.source)}.",
                ),
            )
        return tuple(reason for check in move.checks if (reason := check(subject)) is not None)

    def step(self, name: str, *, state: str, role: str, subject: Subject) -> Step | Refused:
        """What to write for a move, or why not."""
        reasons = self.blockers(name, state=state, role=role, subject=subject)
        return Refused(reasons) if reasons else Step(state, self.move(name).target)

    def edges(self) -> Iterator[tuple[str, str, str]]:
        """Every source, target and move."""
        for move in self.moves:
            for source in move.source:
                yield source, move.target, move.name

    def mermaid(self) -> str:
        """The diagram for the reference."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {source} --> {target}: {name}" for source, target, name in self.edges()]
        return "\n".join(lines) + "\n"
