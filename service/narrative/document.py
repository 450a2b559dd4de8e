"""What a person is to read, before it becomes XHTML or a page: who said what, in which order, under which heading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.narrative.wording import LANGUAGE

OWN = "own"
"""The tone of words and views of the person."""


class Fact(NamedTuple):
    """Something that is known, under a label in fixed words."""

    label: str
    value: str


@dataclass(slots=True)
class Statement:
    """One thing that was said, decided or arranged."""

    text: str
    label: str = ""
    """What it is about."""
    tag: str = ""
    """What has to be seen with it at once, such as that it was imposed."""
    by: str = ""
    """Whose words it is, and when they were said."""
    tone: str = ""
    """``own`` for words and views of the person, ``others`` for words of others, or the name of what the tag says."""
    facts: Sequence[Fact] = ()


@dataclass(slots=True)
class Section:
    """Statements under one heading, then parts that have headings of their own, then whole documents."""

    key: str
    title: str
    statements: Sequence[Statement] = ()
    facts: Sequence[Fact] = ()
    parts: "Sequence[Section]" = ()
    documents: "Sequence[Document]" = ()

    def __bool__(self) -> bool:
        return bool(self.statements or self.facts or self.parts or self.documents)


@dataclass(slots=True)
class Document:
    """All that is to be read of one resource."""

    key: str
    """The resource's type and id, to tell documents of one page apart."""
    kind: str
    title: str
    tag: str = ""
    """What has to be seen with the title at once, such as that a goal is set by law."""
    tone: str = ""
    """``own`` where the title is in the words of the person, or the name of what the tag says."""
    alert: str = ""
    """What has to be known before anything else is believed."""
    address: str = ""
    """Where it has a page of its own, seen from the page on which it stands."""
    lead: Sequence[Fact] = ()
    opening: Sequence[Statement] = ()
    sections: Sequence[Section] = ()
    language: str = ""
    """The language of what people wrote, as far as the resource says."""

    @property
    def has_own_words(self) -> bool:
        """Whether any of it is marked as words or views of the person."""
        return self.tone == OWN or any(_has_own_words(section) for section in self.sections)

    @property
    def is_foreign(self) -> bool:
        """Whether people wrote in another language than that of the fixed words."""
        return self.language.partition("-")[0].lower() not in ("", LANGUAGE.partition("-")[0])


def _has_own_words(section: Section) -> bool:
    return (
        any(item.tone == OWN for item in section.statements)
        or any(map(_has_own_words, section.parts))
        or any(document.has_own_words for document in section.documents)
    )


def some(sections: Iterable[Section]) -> list[Section]:
    """Return the sections that say something."""
    return [section for section in sections if section]
