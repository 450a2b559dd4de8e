"""What a condition in the path of a FHIRPath Patch may be made of (https://hl7.org/fhir/R4/fhirpatch.html).

A patch is done while the process does nothing else, and nothing ends the evaluation of a condition once it has begun.
So a condition only chooses among what stands below an element and compares it: nothing in it makes more values or
longer texts than there are, looks through all that is below, takes a regular expression, or leaves the resource. What
it costs is then at most its parts times the elements below.
"""

from service.conformance.fhirpath.syntax import Call, Literal, Member, Node, Operation, Variable

MOST_PARTS = 30
"""Names, values, functions and operators of one condition."""
DEEPEST = 2
"""Levels of conditions in each other: ``where(extension.where(url = 'x').exists())`` has two."""
_WITH_CONDITION = ("where", "exists", "all")
_FUNCTIONS = (
    *("extension", "first", "last", "single", "tail", "ofType", "is", "as", "empty", "not", "count"),
    *("startsWith", "endsWith", "contains", "length", "lower", "upper"),
)
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "and", "or", "xor", "implies", "is", "as")
_VARIABLES = ("$this", "$index")
_ALLOWED = (
    "A condition in the path is made of element names, [number], values, $this, $index, "
    f"{', '.join(f'{name}()' for name in (*_WITH_CONDITION, *_FUNCTIONS))} and {', '.join(_OPERATORS)}"
)


def demand_allowed(condition: Node) -> None:
    """Raise ValueError where ``condition`` has a part that is not allowed, too many parts, or too many levels."""
    todo, seen = [(condition, 1)], 0
    while todo:
        node, depth = todo.pop()
        seen += 1
        if seen > MOST_PARTS:
            raise ValueError(f"A condition in the path has at most {MOST_PARTS} names, values, functions and operators")
        if depth > DEEPEST:
            raise ValueError(f"Conditions in the path stand in each other at most {DEEPEST} deep")
        todo.extend(_parts(node, depth))


def _parts(node: Node, depth: int) -> list[tuple[Node, int]]:
    """Return what ``node`` is made of, and how deep that is; raises ValueError where ``node`` is not allowed."""
    match node:
        case Literal() | Member(None):
            return []
        case Variable(name) if name in _VARIABLES:
            return []
        case Member(of) if of is not None:
            return [(of, depth)]
        case Call(of, name, arguments) if name in _WITH_CONDITION or name in _FUNCTIONS:
            start = [] if of is None else [(of, depth)]
            return start + [(argument, depth + (name in _WITH_CONDITION)) for argument in arguments]
        case Operation("[", of, Literal(number)) if type(number) is int:
            return [(of, depth)]
        case Operation("-", Literal(0), Literal()):  # a number below 0
            return []
        case Operation(operator, left, right) if operator in _OPERATORS:
            return [(left, depth), (right, depth)]
    raise ValueError(_ALLOWED)
