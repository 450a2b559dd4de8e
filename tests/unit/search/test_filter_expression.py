"""``_filter``: which searches it stands for, how it is put together, and what it refuses."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.search.expression import DEEPEST, MOST_TESTS
from service.search.filter_expression import read_filter
from service.search.memory import holds
from service.search.predicate import All, Any, LinkedTo, Not, OneOf, Predicate, StartsWith
from service.search.text import normalise, unescape
from tests.unit.search.expressions import Expression, assert_linear, expressions, truth

TYPES = {
    "status": "token",
    "category": "token",
    "title": "string",
    "date": "date",
    "probability": "number",
    "dose": "quantity",
    "patient": "reference",
    "url": "uri",
    "pair": "composite",
    "_text": "special",
}


def type_of(path: str) -> str:
    name = path.rpartition(".")[2]
    if name not in TYPES:
        raise ValueError(f"There is no search parameter {name}")
    return TYPES[name]


def asked(name: str, value: str) -> Predicate:
    """Answer with what was asked."""
    return OneOf(name, (value,))


def read(text: str) -> Predicate:
    return read_filter(text, asked, type_of)


def read_or_reason(text: str) -> Predicate | str:
    try:
        return read(text)
    except ValueError as error:
        return str(error)


def refused(text: str) -> str:
    reason = read_or_reason(text)
    assert isinstance(reason, str)
    return reason


class TestATestIsASearch:
    @pytest.mark.parametrize(
        ("text", "name", "value"),
        [
            ("status eq active", "status", "active"),
            ("category eq http://x|a", "category", "http://x|a"),
            ("category in http://x/vs|1.2", "category:in", "http://x/vs|1.2"),
            ("category ss http://x|a", "category:below", "http://x|a"),
            ("category sb http://x|a", "category:above", "http://x|a"),
            ("patient re Patient/1", "patient", "Patient/1"),
            ("patient.status eq active", "patient.status", "active"),
            ("patient:Patient.status eq active", "patient:Patient.status", "active"),
            ("patient.title co hope", "patient.title:contains", "hope"),
            ("title sw hope", "title", "hope"),
            ("title co hope", "title:contains", "hope"),
            ("title eq hope", "title", "hope"),
            ("url eq http://x/y", "url", "http://x/y"),
            ("pair eq a$ge2", "pair", "a$ge2"),
            ("date eq 2024-01-31T10:00:00+01:00", "date", "eq2024-01-31T10:00:00+01:00"),
            ("date ap 2024", "date", "ap2024"),
            ("probability ne 0.5", "probability", "ne0.5"),
            ("dose sa 5|http://unitsofmeasure.org|mg", "dose", "sa5|http://unitsofmeasure.org|mg"),
            ("status pr true", "status:missing", "false"),
            ("date pr true", "date:missing", "false"),
        ],
    )
    def test_of_one_name_and_value(self, text: str, name: str, value: str) -> None:
        assert read(text) == OneOf(name, (value,))

    @pytest.mark.parametrize("prefix", ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"])
    @pytest.mark.parametrize("name", ["date", "probability", "dose"])
    def test_operators_of_ordered_types_are_prefixes(self, name: str, prefix: str) -> None:
        assert read(f"{name} {prefix} 1") == OneOf(name, (f"{prefix}1",))

    @pytest.mark.parametrize(
        ("text", "opposite"),
        [
            ("status ne active", "status eq active"),
            ("patient.status ne active", "patient.status eq active"),
            ("title ne hope", "title eq hope"),
            ("url ne http://x", "url eq http://x"),
            ("pair ne a$b", "pair eq a$b"),
            ("category ni http://x", "category in http://x"),
            ("patient.category pr false", "patient.category pr true"),
        ],
    )
    def test_or_the_opposite_of_one(self, text: str, opposite: str) -> None:
        assert read(text) == Not(read(opposite)) == read(f"not({opposite})")

    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("STATUS eq a", None),
            ("status EQ a", "status eq a"),
            ("status pr TRUE", "status pr true"),
            ("NOT (status eq a) AND (status eq b Or date eq 1)", "not(status eq a)and(status eq b or date eq 1)"),
            ("\t( status\u00a0eq  a\n)", "status eq a"),
        ],
    )
    def test_words_but_names_are_written_in_any_case_and_with_any_space(self, text: str, plain: str | None) -> None:
        if plain is None:
            assert "There is no search parameter STATUS" in refused(text)
        else:
            assert read(text) == read(plain)


class TestAValue:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('"hope"', "hope"),
            ('"sleep (8 h) [a]"', "sleep (8 h) [a]"),
            (r'"say \"no\"\u00e9\\"', r'say "no"é\\'),
            ("a(b", "a(b"),
            ('a"b"', 'a"b"'),
            ("a,b|c$d", r"a\,b\|c\$d"),
            (r'"a\\,b"', r"a\\\,b"),
            ("and", "and"),
        ],
    )
    def test_of_a_string_is_taken_character_by_character(self, text: str, value: str) -> None:
        assert read(f"title sw {text}") == OneOf("title", (value,))

    @given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1))
    def test_of_a_string_comes_back_from_its_escapes(self, value: str) -> None:
        (given_value,) = asked_values(read(f"title co {json.dumps(value)}"))
        assert unescape(given_value) == value

    @pytest.mark.parametrize("text", [r"a\,b", r'"a\\,b"'])
    def test_of_another_type_is_written_as_in_a_search(self, text: str) -> None:
        assert read(f"status eq {text}") == OneOf("status", (r"a\,b",))

    @pytest.mark.parametrize("text", ["active,completed", '"a,b"', r'"a\\\\,b"'])
    def test_of_another_type_is_only_one(self, text: str) -> None:
        assert "This is one value" in refused(f"status eq {text}")

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("status eq loinc|1-8", "http://loinc.org|1-8"),
            ("status ss snomed|1", "http://snomed.info/sct|1"),
            ("dose gt 5|ucum|mg", "gt5|http://unitsofmeasure.org|mg"),
            ("status eq loinc", "loinc"),
            ("status eq x-loinc|1", "x-loinc|1"),
            ("url eq loinc|1", "loinc|1"),
            ("pair eq loinc|1$2", "loinc|1$2"),
        ],
    )
    def test_has_short_names_for_systems(self, text: str, value: str) -> None:
        assert asked_values(read(text)) == (value,)


class TestTheWholeOfAText:
    @pytest.mark.parametrize(
        ("wanted", "text", "equal"),
        [
            ("sleep well", "Sleep  WELL", True),
            ("sleep well", "Sleep well again", False),
            ("sleep", "sleep well", False),
            ("a,b", "a,b", True),
        ],
    )
    def test_is_equal_or_not(self, wanted: str, text: str, equal: bool) -> None:
        document = {"words": [f"title={normalise(text)}"]}

        def ask(name: str, value: str) -> Predicate:
            return StartsWith("words", f"{name}={normalise(unescape(value))}")

        assert holds(read_filter(f'title eq "{wanted}"', ask, type_of), document) is equal
        assert holds(read_filter(f'title ne "{wanted}"', ask, type_of), document) is not equal

    def test_is_asked_at_the_end_of_a_chain_too(self) -> None:
        def ask(_: str, __: str) -> Predicate:
            ends = [LinkedTo("words", "a=", name, StartsWith("words", "title=x")) for name in ("Goal", "CarePlan")]
            return Any((ends[0], All((ends[1], OneOf("deleted", (False,))))))

        assert read_filter("goal.title eq x", ask, type_of) == Any(
            (
                LinkedTo("words", "a=", "Goal", OneOf("words", ("title=x",))),
                All((LinkedTo("words", "a=", "CarePlan", OneOf("words", ("title=x",))), OneOf("deleted", (False,)))),
            )
        )


class TestTogether:
    a, b, c = (OneOf("status", (name,)) for name in "abc")

    @pytest.mark.parametrize(
        ("text", "together"),
        [
            ("{a} and {b} and {c}", All((a, b, c))),
            ("{a} and {b} or {c}", Any((c, All((a, b))))),
            ("{a} or {d} and {c}", All((Any((a, OneOf("date", ("eq1",)))), c))),
            ("{a} and ({b} and not ({c}))", All((a, All((b, Not(c)))))),
            ("not({a}) and {b}", All((Not(a), b))),
            ("not (not ({a}))", Not(Not(a))),
            ("(({a}))", a),
        ],
    )
    def test_and_and_or_go_from_left_to_right(self, text: str, together: Predicate) -> None:
        tests = {name: f"status eq {name}" for name in "abc"} | {"d": "date eq 1"}
        assert read(text.format(**tests)) == together

    @given(expressions(), st.sets(st.sampled_from("abcd")))
    def test_mean_what_they_say(self, expression: Expression, true: set[str]) -> None:
        written = expression.written(test=lambda name: f"status eq {name}", negation="not ")
        assert holds(read(written), {"status": sorted(true)}) is truth(expression, true)


class TestIsRefused:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "At the end, a test (parameter, operator, value) is missing"),
            ("  ", "At the end, a test"),
            ("status eq a and", "At the end, a test"),
            ("(status eq a", "At the end, a closing parenthesis is missing"),
            ("()", "Character 2 cannot stand here: a test"),
            ("status eq a)", "Character 12 closes a parenthesis that was not opened"),
            ("and status eq a", "Character 1 cannot stand here: a test"),
            ("status eq a status eq b", "Character 13 cannot stand here: and or or is expected"),
            ("(status eq a (", "Character 14 cannot stand here: and, or, or a closing parenthesis is expected"),
            ("not status eq a", "Character 4 cannot stand here: after not comes an opening parenthesis"),
            ("status", "Character 7 cannot stand here: an operator is expected, one of pr, eq, ne, co, sw"),
            ("status is a", "Character 8 cannot stand here: an operator is expected"),
            ("status eq", "Character 10 cannot stand here: a value is expected"),
            ("status eq )", "Character 11 cannot stand here: a value is expected"),
            ("(status eq)", "Character 11 cannot stand here: a value is expected"),
            ('title eq "a', "Character 10 cannot be read: a value in quotation marks is a JSON string"),
            ('title eq "a\tb"', "Character 12 cannot be read"),
            ('title eq "a"b', "Character 13 cannot stand here: after a value comes white space"),
            ("title eq a]", "Character 11 cannot stand here: after a value comes white space"),
            (r'title eq "\ud800"', "Character 10 starts a value with a character that no text can have"),
            (r'title co "a\u0000"', "Character 10 starts a value with a character that no text can have"),
            ("title ew a", "Character 7 starts ew, which is not supported: an operator is expected, one of pr, eq"),
            ("date po 2024", "Character 6 starts po, which is not supported"),
            ("status eq a or title gt b", "Character 16 starts a test that cannot be read: gt cannot be used"),
            ("title gt b", "gt cannot be used with title, which is of type string, only eq, ne, co, sw, pr"),
            ("patient eq Patient/1", "eq cannot be used with patient, which is of type reference, only re, pr"),
            ("date co 2024", "co cannot be used with date"),
            ("_text eq a", "_text cannot be used in a filter"),
            ("status pr yes", "pr is followed by true or false"),
            ("hope eq a", "Character 1 starts a test that cannot be read: There is no search parameter hope"),
            ("patient[status eq a].status eq b", "Character 8 starts a filter in a path, which is not supported"),
            ("status:not eq a", "Character 7 starts a modifier"),
            ("_has:Goal:patient:status eq a", "Character 5 starts a modifier"),
            ("1 eq 1", "Character 1 cannot stand here: a test"),
        ],
    )  # fmt: skip
    def test_with_the_place_and_the_reason(self, text: str, sentence: str) -> None:
        assert sentence in refused(text)

    def test_what_a_search_refuses(self) -> None:
        def ask(_: str, __: str) -> Predicate:
            raise ValueError("This is no code")

        with pytest.raises(ValueError, match=r"Character 3 starts a test that cannot be read: This is no code"):
            read_filter("( status eq a)", ask, type_of)

    @given(st.text() | st.lists(st.sampled_from([*"() \t\"\\],|:.", "not", "and", "or", *TYPES, "eq", "pr", "co",
           "true", "1", "é", "\\u", "\ud800"])).map("".join))  # fmt: skip
    def test_and_nothing_breaks(self, text: str) -> None:
        reason = read_or_reason(text)
        assert not isinstance(reason, str) or reason.startswith(("Character ", "At the end, "))


class TestBounds:
    def test_of_tests(self) -> None:
        count = 0

        def ask(name: str, value: str) -> Predicate:
            nonlocal count
            count += 1
            return asked(name, value)

        most = " and ".join(["status eq a"] * MOST_TESTS)
        assert isinstance(read(most), All)
        with pytest.raises(ValueError, match=f"at most {MOST_TESTS} can be joined"):
            read_filter(most + " and status eq a" * 1000, ask, type_of)
        assert count == MOST_TESTS + 1

    @pytest.mark.parametrize(
        "nested",
        [
            lambda levels: "(" * levels + "status eq a" + ")" * levels,
            lambda levels: "not(" * (levels // 2) + "status eq a" + ")" * (levels // 2),
            lambda levels: "status eq a" + " and date eq 1 or date eq 1" * (levels // 2) + " and date eq 1",
        ],
        ids=["parentheses", "not", "left to right"],
    )
    def test_of_levels(self, nested: Callable[[int], str]) -> None:
        assert read(nested(DEEPEST))
        assert f"at most {DEEPEST} levels" in refused(nested(DEEPEST + 2))

    @pytest.mark.parametrize(
        "hostile",
        [
            lambda size: "(" * size,
            lambda size: " " * size,
            lambda size: "not(" * size,
            lambda size: "status eq " + "a" * size,
            lambda size: "status eq " + "a\\," * size,
            lambda size: 'title eq "' + "a" * size,
            lambda size: 'title eq "' + '\\"' * size,
            lambda size: 'title eq "' + '\\"' * size + '"',
            lambda size: "a." * size,
            lambda size: "a-" * size + "!",
            lambda size: "a:A" * size,
            lambda size: "status" + " " * size + "eq" + " " * size + ")",
            lambda size: "status eq " + "loinc" * size,
        ],
    )
    def test_of_work(self, hostile: Callable[[int], str]) -> None:
        assert_linear(lambda size: read_or_reason(hostile(size)))


def asked_values(predicate: Predicate) -> tuple[object, ...]:
    assert isinstance(predicate, OneOf)
    return predicate.values
