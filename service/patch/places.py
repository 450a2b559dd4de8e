"""Places of elements in a resource: not only what a path leads to, but where it stands and can be changed."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.conformance.fhirpath.kinds import Found, Kind, Kinds


@dataclass(slots=True)
class Place:
    """One element: its type, and where it is."""

    kind: Kind
    holder: dict[str, Any]
    """The object that it is a member of, or an item of a member of."""
    key: str
    index: int | None = None
    """Its position where the member is a list."""
    around: "Place | None" = field(default=None, repr=False)
    """The element whose member it is; None for the resource itself."""
    name: str = ""
    """What FHIRPath calls the member: ``value`` for ``valueQuantity``."""

    @property
    def value(self) -> Any:
        """What JSON has there, None where a primitive element has extensions alone."""
        return self._at(self.key)

    @property
    def beside(self) -> Any:
        """What JSON has beside a primitive value, its id and extensions, or None."""
        return self._at(f"_{self.key}")

    @property
    def members(self) -> dict[str, Any]:
        """The object whose members are the elements below; an empty one that stands nowhere if there are none."""
        value = self.value
        if type(value) is dict:
            return value
        beside = self.beside
        return beside if type(beside) is dict else {}

    def opened(self) -> dict[str, Any]:
        """Return the object whose members are the elements below, having put it there if it was missing."""
        if type(self.value) is not dict and type(self.beside) is not dict:
            self._put(f"_{self.key}", {})
        return self.members

    def put(self, value: Any, beside: Any) -> None:
        """Have ``value`` here, and ``beside`` beside it."""
        self._put(self.key, value)
        self._put(f"_{self.key}", beside)

    def remove(self) -> None:
        """Have nothing here; a later item of a list takes the place."""
        for key in (self.key, f"_{self.key}"):
            if self.index is None:
                self.holder.pop(key, None)
            elif self.index < len(self.holder.get(key, ())):
                del self.holder[key][self.index]

    def _at(self, key: str) -> Any:
        found = self.holder.get(key)
        if self.index is None:
            return found
        return found[self.index] if type(found) is list and self.index < len(found) else None

    def _put(self, key: str, value: Any) -> None:
        if self.index is None:
            self.holder[key] = value
            if value is None:
                del self.holder[key]
        elif value is not None or key in self.holder:
            length = len(ListPlace(self.holder, self.key))
            items = self.holder.setdefault(key, [])
            items.extend([None] * (length - len(items)))
            items[self.index] = value


@dataclass(slots=True)
class ListPlace:
    """A list of elements, which may have none yet."""

    holder: dict[str, Any]
    key: str

    def __len__(self) -> int:
        return max(len(self.holder.get(key, ())) for key in (self.key, f"_{self.key}"))

    def insert(self, index: int, value: Any, beside: Any) -> None:
        """Put an element before the one at ``index``, or at the end."""
        length = len(self)
        for key, item in ((self.key, value), (f"_{self.key}", beside)):
            if item is not None or key in self.holder:
                items = self.holder.setdefault(key, [])
                items.extend([None] * (length - len(items)))
                items.insert(index, item)

    def move(self, source: int, destination: int) -> None:
        """Take the element at ``source`` to ``destination``, which is its position afterwards."""
        length = len(self)
        for items in (self.holder[key] for key in (self.key, f"_{self.key}") if key in self.holder):
            items.extend([None] * (length - len(items)))
            items.insert(destination, items.pop(source))


def place_of_resource(resource: dict[str, Any], kinds: Kinds) -> Place:
    """Return the place of a whole resource."""
    return Place(kinds.of_resource(resource), {"": resource}, "")


def below(place: Place, name: str, kinds: Kinds) -> Iterator[Place]:
    """Yield the places of the elements called ``name``, or with that JSON key, directly below ``place``."""
    holder = place.members
    if place.kind.structure is None:
        yield from _guessed(place, holder, name, kinds)
    for found in elements_called(place.kind, name, kinds):
        key = found.element.key
        positions = range(len(ListPlace(holder, key))) if found.element.many else (None,)
        for index in positions:
            here = Place(found.kind, holder, key, index, place, name_of(place.kind, found))
            if here.value is not None or here.beside is not None:
                here.kind = kinds.of_resource(here.value) if found.kind.is_dynamic else found.kind
                yield here


def elements_called(kind: Kind, name: str, kinds: Kinds) -> tuple[Found, ...]:
    """Return the elements below a type that ``name`` may mean: several for a choice, one where it is a JSON key."""
    of_name = kinds.members(kind, name)
    of_key = kinds.keys(kind).get(name)
    return of_name or ((of_key,) if of_key else ())


def name_of(kind: Kind, found: Found) -> str:
    """Return what FHIRPath calls an element below a type."""
    choices = kind.structure.choices if kind.structure else {}
    path_end = found.element.path.rpartition(".")[2].removesuffix("[x]")
    return path_end if path_end in choices else found.element.key


def _guessed(place: Place, holder: dict[str, Any], name: str, kinds: Kinds) -> Iterator[Place]:
    """Yield what stands under ``name``, or under it as a choice, below a type whose definition is not held."""
    for key in dict.fromkeys(key.removeprefix("_") for key in holder):
        if key == name or (key.startswith(name) and kinds.is_type(key[len(name) :])):
            is_list = type(holder.get(key, holder.get(f"_{key}"))) is list
            for index in range(len(ListPlace(holder, key))) if is_list else (None,):
                here = Place(place.kind, holder, key, index, place, name)
                here.kind = kinds.guessed(here.value, key[len(name) :])
                yield here
