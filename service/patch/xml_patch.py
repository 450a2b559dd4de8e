"""XML Patch (https://www.rfc-editor.org/rfc/rfc5261) of a resource (https://hl7.org/fhir/R4/http.html#patch)."""

from dataclasses import replace
from typing import Any

from lxml import etree

from service.conformance.xml import Xml
from service.conformance.xml.layout import FHIR
from service.conformance.xml.narrative import DIV
from service.conformance.xml.syntax import parse
from service.fhir.outcome import Issue, OutcomeError
from service.patch.limits import Effort
from service.patch.selectors import DEFAULT, selector
from service.patch.xml_operations import OPERATIONS, Node, remove_emptied


def xml_patched(resource: dict[str, Any], body: bytes, xml: Xml) -> dict[str, Any]:
    """Return ``resource`` as the XML Patch in ``body`` changes it; an element that has lost all it had is gone.

    Raises OutcomeError 400 where ``body`` is no patch, 422 where it cannot be done, and where it leaves no resource in
    XML, such as one with its elements in another order, what is wrong with that.
    """
    patch, _ = parse(body)
    root, _ = parse(xml.write(resource))
    narrative = _narrative(root)
    changed = apply_xml_patch(root, patch)
    try:
        patched = xml.read(etree.tostring(changed, encoding="utf-8"))
    except OutcomeError as error:  # lines and columns are of a text that nobody has seen
        raise OutcomeError(*(replace(issue, position=None) for issue in error.issues)) from None
    if narrative is not None and _narrative(changed) == narrative:
        patched["text"]["div"] = resource["text"]["div"]  # in the characters that it was written in
    return patched


def _narrative(root: Node) -> bytes | None:
    div = root.find(f"{{{FHIR}}}text/{DIV}")
    return None if div is None else etree.tostring(div)


def apply_xml_patch(root: Node, patch: Node) -> Node:
    """Return the root element that the operations in ``patch`` make of ``root``, which is changed.

    The prefix ``f`` is that of FHIR wherever it is not declared. Raises OutcomeError as `xml_patched` does.
    """
    operations = list(patch.iterchildren(tag=etree.Element))
    if not operations:
        raise OutcomeError(Issue("patch-format", "An XML Patch has elements add, replace or remove below its root"))
    effort = Effort(len(operations))
    document, lessened = etree.ElementTree(root), []
    for number, operation in enumerate(operations, 1):
        effort.demand_time_left()
        name = etree.QName(operation).localname
        perform = OPERATIONS.get(name)
        if perform is None or operation.get("sel") is None:
            sentence = f"Operation {number} of the patch: it is add, replace or remove, and has the attribute sel"
            raise OutcomeError(Issue("patch-format", sentence))
        try:
            lessened.append(perform(_selected(document, operation), operation))
        except ValueError as error:
            sentence = f"Operation {number} of the patch, {name}: {error}"
            raise OutcomeError(Issue("patch-operation", sentence)) from None
    for node in lessened:
        remove_emptied(node)
    return root


def _selected(document: Node, operation: Node) -> Node:
    """Return the one thing that an operation is about; raises ValueError where that is none or several."""
    prefixes = {"f": FHIR, **operation.nsmap}
    prefixes[DEFAULT] = prefixes.pop(None, FHIR)
    try:
        found = document.xpath(selector(operation.get("sel")), namespaces=prefixes)
    except etree.XPathError:
        raise ValueError("The selector is not written as XPath, or has a prefix that is not declared") from None
    if not isinstance(found, list) or len(found) != 1:
        number = len(found) if isinstance(found, list) else 0
        raise ValueError(f"The selector must select one element, attribute or text, and selects {number or 'none'}")
    return found[0]
