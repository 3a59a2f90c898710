"""The one thing that can be done to the guide: load it from the package."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from gentie.contexts.audit.actions import record
from gentie.contexts.guide.models import Page, Passage
from gentie.contexts.guide.package import digest_of, packaged_pages, plain_words
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import load_rulebook


@transaction.atomic
def load_pages(*, by: str, at: datetime) -> bool:
    """Put the guide of this version in place of the one that is there.

    Args:
        by: who, as the audit writes it.
        at: when; the rules of this day fill the words that a search looks at.

    Returns:
        Whether anything changed: the second time nothing does.

    Raises:
        BadInput: a page rests on rules that the rulebook does not have.
    """
    with connection.cursor() as cursor:
        # Two processes that start at once load it once.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('gentie.guide'))")
    book = load_rulebook()
    rules = load_rulebook(on=at.astimezone(ZoneInfo(book.time_zone)).date()).rules
    pages = packaged_pages()
    unknown = [
        Finding(
            "guide.page.rule_unknown",
            f"Page {page.slug} of the guide rests on {key}, which the rulebook does not have.",
        )
        for page in pages
        for key in page.rules
        if key not in rules
    ]
    if unknown:
        raise BadInput(unknown)
    made = [
        (order, page, [plain_words(one.text, rules) for one in page.passages])
        for order, page in enumerate(pages)
    ]
    there = list(Passage.objects.values_list("page__guide_digest", "words"))
    digest = digest_of(pages)
    if there == [(digest, words) for _, _, texts in made for words in texts]:
        return False
    Page.objects.all().delete()
    for order, page, texts in made:
        kept = Page.objects.create(
            slug=page.slug,
            title=page.title,
            part=page.part,
            order=order,
            summary=page.summary,
            rules=list(page.rules),
            text=page.text,
            guide_digest=digest,
        )
        Passage.objects.bulk_create(
            Passage(page=kept, number=number, anchor=one.anchor, heading=one.heading, words=words)
            for number, (one, words) in enumerate(zip(page.passages, texts, strict=True))
        )
    record(by=by, action="guide.loaded", subject=f"guide:{digest[:12]}", at=at)
    return True
