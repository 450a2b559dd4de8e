"""Where in an XML text a FHIRPath expression leads (https://hl7.org/fhir/R4/operationoutcome.html)."""

from codecs import BOM_UTF8
from collections.abc import Iterable

from service.conformance.xml.tags import Tag, attribute_starts, tags
from service.fhir.positions import DEEPEST, Position, SourceText, Wanted, steps_of


class XmlText(SourceText):
    """A resource or a Bundle that was sent as XML. Nothing of it is read before something is looked for."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body.removeprefix(BOM_UTF8))

    def positions(self, expressions: Iterable[str]) -> dict[str, Position]:
        """Return where the elements and attributes begin that ``expressions`` name in the text, which must be XML.

        For one that names nothing that is there, it is where the nearest element around it begins.
        """
        root = Wanted()
        ends = {expression: root.at(steps_of(expression)[1:DEEPEST]) for expression in expressions}
        _find(self._text, root)
        return {expression: self.position(end.nearest_start()) for expression, end in ends.items()}


def _find(text: str, root: Wanted) -> None:
    """Note in ``root`` and below it where everything that is wanted begins."""
    stack: list[_Inside] = []
    missing = _count(root)
    for tag in tags(text):
        if tag.opens:
            inside = stack[-1].entered(tag) if stack else _Inside([root])
            missing -= inside.note(tag)
            stack.append(inside)
        if tag.closes:
            stack.pop()
        if not missing:
            return


def _count(wanted: Wanted) -> int:
    return 1 + sum(map(_count, wanted.below.values()))


class _Inside:
    """An element whose end has not come yet, as far as it is wanted."""

    __slots__ = ("_seen", "_wanted")

    def __init__(self, wanted: list[Wanted]) -> None:
        self._wanted = wanted
        self._seen: dict[str, int] = {}

    def entered(self, tag: Tag) -> "_Inside":
        """Return what is wanted of the next element in this one."""
        name = tag.name
        if name[:1].isupper():  # the resource in an element such as contained, which is one step in FHIRPath
            return _Inside(self._wanted)
        named = [wanted.below[name] for wanted in self._wanted if name in wanted.below]
        if not named:
            return _NOTHING
        number = self._seen.get(name, 0)
        self._seen[name] = number + 1
        numbered = [wanted.below[number] for wanted in named if number in wanted.below]
        return _Inside(numbered if number else named + numbered)

    def note(self, tag: Tag) -> int:
        """Note where the element and its attributes begin, and return how many places are found by that."""
        starts = [(wanted, tag.start) for wanted in self._wanted]
        if any(wanted.below for wanted in self._wanted):
            for name, start in attribute_starts(tag):
                starts += [(wanted.below[name], start) for wanted in self._wanted if name in wanted.below]
        new = [(wanted, start) for wanted, start in starts if wanted.start is None]
        for wanted, start in new:
            wanted.start = start
        return len(new)


_NOTHING = _Inside([])
