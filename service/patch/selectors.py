"""The XPath that selects what an XML Patch changes (https://www.rfc-editor.org/rfc/rfc5261#section-4.1)."""

import re

DEFAULT = "_default"
"""The prefix that stands for the namespace of names without one."""
LONGEST_SELECTOR = 2_000
"""Characters."""
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<literal>"[^"]*"|'[^']*')
    |(?P<number>[0-9]{1,9})
    |(?P<test>(?:text|comment|position|last)\(\s*\))
    |(?P<name>(?:[^\W\d][\w.\-]*:)?(?:[^\W\d][\w.\-]*|\*)|\*)
    |(?P<mark>[./@\[\]]|!=|=)
    )""",
    re.VERBOSE,
)
_BEFORE_OPERAND = ("/", "[", "@", "=", "!=", "and", "or")


def selector(text: str) -> str:
    """Return ``text`` as an XPath that leads down from the document, where names without prefix have that of DEFAULT.

    It goes through elements by their names, and chooses among them by position and by what they hold: it calls no
    function that does more, and never leads back up. Raises ValueError where it is anything else.
    """
    if len(text) > LONGEST_SELECTOR:
        raise ValueError(f"The selector is longer than {LONGEST_SELECTOR} characters")
    rest, found = text.strip(), ["/"]
    while rest:
        match = _TOKEN.match(rest)
        if match is None:
            raise ValueError("The selector is made of names, /, @, [conditions], text() and comment()")
        word = match.group().strip()
        if word == "/" and found[-1] in _BEFORE_OPERAND and len(found) > 1:
            raise ValueError("A condition in the selector speaks of what is below, and each / follows a name")
        found.append(_qualified(word, found[-1]) if match.lastgroup == "name" else word)
        rest = rest[match.end() :]
    return " ".join(found if found[1:2] != ["/"] else found[1:])


def _qualified(name: str, before: str) -> str:
    is_operator = before not in _BEFORE_OPERAND and name in ("and", "or")
    return name if is_operator or before == "@" or ":" in name or name == "*" else f"{DEFAULT}:{name}"
