"""The guide's pages, as they were loaded from the package. Everybody may read them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models

from gentie.contexts.guide.package import PARTS

LANGUAGE = "english"
"""Whose endings and little words the search knows."""


class Page(models.Model):
    """A page of the guide."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=200)
    part = models.CharField(max_length=20, choices=[(part, part) for part in PARTS])
    order = models.IntegerField()
    """In the whole guide."""
    summary = models.TextField()
    rules = ArrayField(models.CharField(max_length=100))
    text = models.TextField()
    """Markdown without HTML; ``{key}`` stands for the value of a rule."""
    guide_digest = models.CharField(max_length=64)
    """Of the whole guide that it was loaded with."""

    class Meta:
        ordering = ("order",)
        constraints = (
            models.UniqueConstraint(fields=["order"], name="guide_page_order"),
            models.CheckConstraint(condition=models.Q(part__in=PARTS), name="guide_page_part"),
        )

    def __str__(self) -> str:
        """The title."""
        return self.title


class Passage(models.Model):
    """A heading of a page with what stands under it: what a search finds."""

    page = models.ForeignKey(Page, on_delete=models.CASCADE, related_name="passages")
    number = models.IntegerField()
    anchor = models.CharField(max_length=200, blank=True)
    heading = models.CharField(max_length=300)
    words = models.TextField()
    """Without marks, with the values of rules as they were when the guide was loaded."""
    search = models.GeneratedField(
        expression=SearchVector("heading", weight="A", config=LANGUAGE)
        + SearchVector("words", weight="B", config=LANGUAGE),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        ordering = ("page__order", "number")
        constraints = (
            models.UniqueConstraint(fields=["page", "number"], name="guide_passage_number"),
            models.UniqueConstraint(fields=["page", "anchor"], name="guide_passage_anchor"),
        )
        indexes = (GinIndex(fields=["search"], name="guide_passage_search"),)

    def __str__(self) -> str:
        """The heading."""
        return self.heading
