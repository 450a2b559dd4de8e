"""The elements of profiles and extensions as rows of a table (https://hl7.org/fhir/R4/elementdefinition.html)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from service.conformance.definitions import CANONICAL, Definition, Definitions

_CHOICE = "[x]"


class Form(NamedTuple):
    """A type that a value may have, with the canonical URLs of what a reference may lead to."""

    type: str
    targets: tuple[str, ...]


class Binding(NamedTuple):
    """Which codes a value has: the canonical URL of their list, and how binding that is."""

    value_set: str
    strength: str


@dataclass(frozen=True, slots=True)
class Row:
    """What a definition says of one element, of an extension at its place, or of one part of an extension."""

    names: tuple[str, ...]
    """Of the element as in JSON; more than one where the type of the value is part of the name."""
    label: str
    """What tells it from other values of the same element: the name of the slice."""
    short: str
    definition: str
    least: int
    most: str
    must_support: bool
    forms: tuple[Form, ...]
    """None where the value is made of parts."""
    binding: Binding | None
    demanded: tuple[tuple[str, str], ...]
    """Members of the value, and what each of them always is."""
    value_names: tuple[str, ...] = ()
    """Of the value of an extension as in JSON."""
    extension: Definition | None = None
    """The definition of the extension that it is, or of which it is a part."""
    is_part: bool = False


def profile_rows(profile: Definition, definitions: Definitions) -> list[Row]:
    """Return a row for each element of which ``profile`` speaks, and below an extension one for each of its parts."""
    told = {element["id"] for element in profile["differential"]["element"]}
    rows: list[Row] = []
    for element in profile["snapshot"]["element"][1:]:
        if element["id"] in told:
            rows += _at_its_place(element, definitions)
    return rows


def extension_rows(extension: Definition) -> list[Row]:
    """Return a row for each part of an extension, or one for its value where it has no parts."""
    by_id = {element["id"]: element for element in extension["snapshot"]["element"]}
    parts = [item for item in by_id.values() if item["path"] == "Extension.extension" and "sliceName" in item]
    if not parts:
        whole = by_id["Extension.value[x]"]
        return [_with_value(_row(whole), whole, extension)]
    return [
        replace(_with_value(_row(part), by_id[f"{part['id']}.value[x]"], extension), is_part=True) for part in parts
    ]


def _at_its_place(element: Definition, definitions: Definitions) -> Iterator[Row]:
    row = _row(element)
    url = _url_of_extension(element)
    if url is None:
        yield row
        return
    extension = definitions.get(url)
    parts = extension_rows(extension)
    if parts[0].is_part:
        yield replace(row, forms=(), extension=extension)
        yield from (replace(part, names=row.names) for part in parts)
    else:
        (whole,) = parts
        yield replace(row, forms=whole.forms, binding=whole.binding, value_names=whole.value_names, extension=extension)


def _url_of_extension(element: Definition) -> str | None:
    profiles = (url for item in element["type"] if item["code"] == "Extension" for url in item.get("profile", ()))
    return next(profiles, None)


def _with_value(row: Row, value: Definition, extension: Definition) -> Row:
    """Return ``row`` as one of an extension, with what is said of its value."""
    of_value = _row(value)
    return replace(
        of_value,
        names=row.names,
        label=row.label,
        short=row.short,
        definition=row.definition if extension["url"].startswith(CANONICAL) else "",
        least=row.least,
        most=row.most,
        value_names=tuple(name.rpartition(".")[2] for name in of_value.names),
        extension=extension,
    )


def _row(element: Definition) -> Row:
    forms = tuple(Form(item["code"], tuple(item.get("targetProfile", ()))) for item in element["type"])
    return Row(
        names=tuple(_names(element["path"].partition(".")[2], forms)),
        label=element["id"].partition(":")[2].partition(".")[0],
        short=element["short"],
        definition=element["definition"],
        least=element["min"],
        most=element["max"],
        must_support=element.get("mustSupport", False),
        forms=() if forms[0].type == "BackboneElement" else forms,
        binding=_binding(element.get("binding", {})),
        demanded=tuple(_demanded(element)),
    )


def _names(path: str, forms: tuple[Form, ...]) -> Iterator[str]:
    if not path.endswith(_CHOICE):
        yield path
    else:
        yield from (path.removesuffix(_CHOICE) + form.type[0].upper() + form.type[1:] for form in forms)


def _binding(binding: Definition) -> Binding | None:
    if "valueSet" not in binding:
        return None
    return Binding(binding["valueSet"].partition("|")[0], binding["strength"])


def _demanded(element: Definition) -> Iterator[tuple[str, str]]:
    for key, value in element.items():
        if key.startswith(("fixed", "pattern")):
            yield from _leaves("", value)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    match value:
        case dict():
            for name, item in value.items():
                yield from _leaves(f"{path}.{name}" if path else name, item)
        case list():
            for item in value:
                yield from _leaves(path, item)
        case _:
            yield path, str(value)
