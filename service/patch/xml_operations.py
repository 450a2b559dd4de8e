"""The operations of an XML Patch: add, replace and remove (https://www.rfc-editor.org/rfc/rfc5261#section-4.3)."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from lxml import etree

Node = Any
"""An element or a comment; or a text or attribute, of which lxml knows where it stands."""
_WHITE_SPACE = " \t\n\r"


def _add(node: Node, operation: Node) -> None:
    """Add what ``operation`` holds to an element, or beside it."""
    kind, position = operation.get("type", ""), operation.get("pos", "")
    if isinstance(node, str):
        raise ValueError("Something is added to an element, or before or after one")
    if kind.startswith("@"):
        _set_attribute(node, kind[1:], _text_in(operation))
    elif not kind:
        _add_nodes(node, operation, position)
    elif not kind.startswith("namespace::"):  # a prefix means nothing in a resource
        raise ValueError("The type is @ and the name of an attribute")


def _set_attribute(node: Node, name: str, text: str) -> None:
    if name in node.attrib:
        raise ValueError("The attribute is there already; use replace")
    try:
        node.set(name, text)
    except ValueError:
        raise ValueError("The type is @ and the name of an attribute") from None


def _add_nodes(node: Node, operation: Node, position: str) -> None:
    around = node.getparent()
    if position not in ("", "prepend", "before", "after"):
        raise ValueError("The position is prepend, before or after")
    if position in ("before", "after") and around is None:
        raise ValueError("The root of a resource stands alone")
    text, added = operation.text or "", [deepcopy(child) for child in operation]
    if position in ("", "prepend"):
        _put(node, len(node) if position == "" else 0, text, added)
    else:
        _put(around, around.index(node) + (position == "after"), text, added)


def _put(parent: Node, index: int, text: str, added: list[Node]) -> None:
    """Put a text and then nodes with the texts that follow them into ``parent``, before its child ``index``."""
    before = parent[index - 1] if index else None
    if before is None:
        following, parent.text = parent.text or "", text
    else:
        following, before.tail = before.tail or "", text
    last = None
    for offset, child in enumerate(added):
        tail = child.tail
        parent.insert(index + offset, child)
        child.tail = tail
        last = child
    if last is not None:
        last.tail = (last.tail or "") + following
    elif before is None:
        parent.text += following
    else:
        before.tail += following


def _replace(node: Node, operation: Node) -> None:
    children = [deepcopy(child) for child in operation]
    if isinstance(node, str):
        _replace_text(node, _text_in(operation))
        return
    is_same_kind = len(children) == 1 and (children[0].tag is etree.Comment) == (node.tag is etree.Comment)
    if not is_same_kind or _words(operation.text) or _words(children[0].tail):
        raise ValueError("An element is replaced by one element, and a comment by a comment")
    around, (child,) = node.getparent(), children
    if around is None:
        raise ValueError("The root of a resource cannot be replaced")
    child.tail = node.tail
    around.replace(node, child)


def _replace_text(node: Any, text: str | None) -> None:
    parent = node.getparent()
    if node.is_attribute:
        if text is None:
            del parent.attrib[node.attrname]
        else:
            parent.set(node.attrname, text)
    elif node.is_tail:
        parent.tail = text
    else:
        parent.text = text


def _remove(node: Node, operation: Node) -> Node:
    """Remove an element, attribute, text or comment, and return the element that it was in."""
    around = node.getparent()
    if isinstance(node, str):
        _replace_text(node, None)
        return around
    white_space = operation.get("ws", "")
    if around is None:
        raise ValueError("The root of a resource cannot be removed")
    if white_space not in ("", "before", "after", "both"):
        raise ValueError("The white space that goes too is that before, after or both")
    before, after = _text_before(node), node.tail or ""
    if (white_space in ("before", "both") and _words(before)) or (white_space in ("after", "both") and _words(after)):
        raise ValueError("There is no white space to remove, but a text")
    kept = (before if white_space in ("", "after") else "") + (after if white_space in ("", "before") else "")
    previous = node.getprevious()
    around.remove(node)
    if previous is None:
        around.text = kept or None
    else:
        previous.tail = kept or None
    return around


def remove_emptied(node: Node) -> None:
    """Remove an element that holds nothing, and those around it that then hold nothing, for FHIR has no empty ones."""
    while node is not None and node.getparent() is not None and not (len(node) or node.attrib or _words(node.text)):
        around = node.getparent()
        around.remove(node)
        node = around


def _text_before(node: Node) -> str:
    previous = node.getprevious()
    found = node.getparent().text if previous is None else previous.tail
    return found or ""


def _text_in(operation: Node) -> str:
    if len(operation):
        raise ValueError("The new text stands alone")
    return operation.text or ""


def _words(text: str | None) -> bool:
    return bool((text or "").strip(_WHITE_SPACE))


OPERATIONS: dict[str, Callable[[Node, Node], Node]] = {"add": _add, "replace": _replace, "remove": _remove}
"""By the name of an operation: what does it to the one thing that is selected, and returns what may now be empty."""
