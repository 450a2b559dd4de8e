"""Words: which ones a text has, which texts a resource has, and what ``_text`` and ``_content`` ask of them."""

import re
import unicodedata
from html import escape
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree

from service.conformance.definitions import Definitions
from service.conformance.structures import Structures
from service.fhir.versions import R4
from service.search.content import compile_terms
from service.search.expression import DEEPEST, MOST_TESTS
from service.search.memory import holds
from service.search.predicate import Predicate
from service.search.text import normalise
from service.search.text_query import read_text_query
from service.search.words import LONGEST_WORD, shown_text, words
from tests.support.samples import valid_example
from tests.unit.search.expressions import Expression, assert_linear, expressions, truth

STRUCTURES = Structures(Definitions(R4))
XHTML = "http://www.w3.org/1999/xhtml"
UNSEEN = "\u00ad\u200c\u200d\u2060\ufeff\ufe0f"


class TestWords:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", []),
            (" - ’_,", []),
            ("Sleep well, sleep WELL!", ["sleep", "well"]),
            ("don't carer’s", ["don", "t", "carer", "s"]),
            ("well-being over_all 5.5mg", ["well", "being", "over", "all", "5", "5mg"]),
            ("Zoë café – naïve", ["zoe", "cafe", "naive"]),
            ("cafe\u0301s", ["cafes"]),
            ("Straße ﬁt ²", ["strasse", "fit", "2"]),
            ("20℃ ½", ["20", "c", "1", "2"]),
            ("Wohl\u00adbefinden a\u200bb", ["wohlbefinden", "a", "b"]),
            ("❤\ufe0f 1\ufe0f", ["1"]),
            ("हिन्दी, বাংলা", ["हिनदी", "বাংলা"]),
            ("надежда ελπίς 希望", ["надежда", "ελπισ", "希望"]),
            ("e" * 70, ["e" * 64]),
            ("é" * 70 + " " + "é" * 200, ["e" * 64]),
            ("x" * 64 + "1 " + "x" * 64 + "2 ü", ["x" * 64, "u"]),
        ],
    )
    def test_are_letters_and_digits(self, text: str, found: list[str]) -> None:
        assert list(words(text)) == found

    @given(st.text() | st.text(st.sampled_from(list("aB1é ß'-\u0301İΣς½ﬁ") + list(UNSEEN))))
    def test_are_those_of_the_normalised_text(self, text: str) -> None:
        seen = "".join(sign for sign in text if sign not in UNSEEN and not "\ufe00" <= sign <= "\ufe0f")
        signs = [sign if is_of_word(sign) else " " for sign in normalise(seen)]
        plain = [word[:LONGEST_WORD] for word in "".join(signs).split() if re.search(r"[^\W_]", word)]
        assert list(words(text)) == list(dict.fromkeys(plain))

    @given(st.text())
    def test_do_not_know_case(self, text: str) -> None:
        assert set(words(text.upper())) == set(words(text.upper().lower()))


class TestANarrative:
    @pytest.mark.parametrize(
        ("inside", "found"),
        [
            ("<p>one</p><p>two</p>", "one two"),
            ("one<br/>two", "one two"),
            ("<ul><li>one</li><li>two</li></ul>", "one two"),
            ("<b>o</b>ne t<span class='x'>w</span>o", "one two"),
            ('<a href="https://example.org/three">one</a> <img alt="four" src="#i"/>two', "one two"),
            ("one<!-- two > <b>three</b> -->", "one"),
            ('<a title="two > three">one</a>', "one"),
            ("<a title='\">\"'>one</a>", "one"),
            ("one &lt;b&gt; two &amp; &#233; &#xe9;", "one b two e"),
            ("<bdo dir='rtl'>o</bdo>ne<blockquote>two</blockquote>", "one two"),
        ],
    )
    def test_shows_its_text(self, inside: str, found: str) -> None:
        shown = shown_text(f'<div xmlns="{XHTML}">{inside}</div>')
        assert list(words(shown)) == found.split()

    @given(st.recursive(
        st.text(st.sampled_from("ab <>&\"'é-!")).map(lambda text: escape(text, quote=False)),
        lambda inner: st.tuples(st.sampled_from(["p", "td", "b", "span", "em", "a"]),
                                st.text(st.sampled_from("a> '")), st.lists(inner, max_size=4)).map(
            lambda item: f'<{item[0]} title="{item[1]}">{"".join(item[2])}</{item[0]}><!--{item[1]}-->'),
        max_leaves=20,
    ))  # fmt: skip
    def test_shows_what_an_xml_parser_finds(self, inside: str) -> None:
        div = f'<div xmlns="{XHTML}">{inside}</div>'
        assert words(shown_text(div)) == words(parsed_text(etree.fromstring(div)))

    @pytest.mark.parametrize("piece", ["<", "<a '", '<a "', "<!--", "<a ", "&", "&#", "<b", "</a/", "<!-->", "é", "é "])
    def test_of_any_kind_takes_time_by_its_length(self, piece: str) -> None:
        assert_linear(lambda size: list(words(shown_text(piece * size))))


class TestTerms:
    def test_tell_narrative_from_other_texts(self) -> None:
        plan = {
            "resourceType": "CarePlan",
            "text": {"status": "generated", "div": f'<div xmlns="{XHTML}"><p>My plan</p></div>'},
            "title": "My own plan",
            "description": "A plan, to sleep",
        }
        assert sorted(terms(plan)) == ["c|a", "c|own", "c|sleep", "c|to", "t|my", "t|plan"]

    @pytest.mark.parametrize(
        "texts",
        [
            {"title": "found"},
            {"note": [{"text": "nothing"}, {"text": "found"}]},
            {"category": [{"text": "found"}]},
            {"category": [{"coding": [{"display": "found"}]}]},
            {"subject": {"display": "found"}},
            {"subject": {"identifier": {"value": "x-found/1"}}},
            {"activity": [{"detail": {"description": "found"}}]},
            {"activity": [{"detail": {"quantity": {"unit": "found"}}}]},
            {"extension": [{"url": "x", "valueString": "found"}]},
            {"extension": [{"url": "x", "extension": [{"url": "y", "valueMarkdown": "found"}]}]},
            {"extension": [{"url": "x", "valueAnnotation": {"text": "found"}}]},
            {"extension": [{"url": "x", "valueHumanName": {"given": [None, "found"]}}]},
            {"extension": [{"url": "x", "valueHumanName": {
                "given": [None], "_given": [{"extension": [{"url": "y", "valueString": "found"}]}]}}]},
            {"_status": {"extension": [{"url": "x", "valueString": "found"}]}},
            {"_instantiatesUri": [None, {"extension": [{"url": "x", "valueString": "found"}]}]},
            {"text": {"status": "empty", "div": "<div/>", "extension": [{"url": "x", "valueString": "found"}]}},
            {"meta": {"tag": [{"display": "found"}]}},
            {"contained": [{"resourceType": "Goal", "description": {"text": "found"}}]},
            {"contained": [{"resourceType": "Patient", "name": [{"family": "found"}]}]},
            {"contained": [{"resourceType": "Patient", "text": {"div": "<div>found</div>"}}]},
            {"contained": [{"resourceType": "NutritionOrder", "text": {"div": "<div>found</div>"}}]},
            {"contained": [{"resourceType": "NutritionOrder", "extension": [{"url": "x", "valueString": "found"}]}]},
        ],
    )  # fmt: skip
    def test_hold_texts_of_every_kind(self, texts: dict[str, Any]) -> None:
        assert "c|found" in terms({"resourceType": "CarePlan", **texts})

    @pytest.mark.parametrize(
        "others",
        [
            {"id": "lost", "status": "lost", "language": "lost", "implicitRules": "lost"},
            {"meta": {"id": "lost", "profile": ["lost"]}},
            {"meta": {"tag": [{"system": "lost", "code": "lost", "version": "lost"}]}},
            {"subject": {"reference": "Patient/lost", "type": "lost", "id": "lost"}},
            {"extension": [{"url": "lost", "valueCode": "lost"}, {"url": "x", "valueUri": "lost", "id": "lost"}]},
            {"instantiatesCanonical": ["lost"], "note": [{"time": "2024-01-01", "id": "lost"}]},
            {"text": {"status": "lost", "div": '<div class="lost"/>'}},
            {"contained": [{"resourceType": "NutritionOrder", "instruction": "lost"}]},
            {"strange": {"text": "lost"}, "text": {"status": "empty", "div": "<div/>", "strange": "lost"}},
        ],
    )  # fmt: skip
    def test_hold_nothing_else(self, others: dict[str, Any]) -> None:
        assert not [term for term in terms({"resourceType": "CarePlan", **others}) if "lost" in term]

    @pytest.mark.parametrize("name", ["careplan", "goal", "riskassessment"])
    def test_are_each_there_once_and_in_the_same_order(self, name: str) -> None:
        resource = valid_example(name)
        found = terms(resource)
        assert found == terms(resource)
        assert len({term[2:] for term in found}) == len(found) > 30

    def test_are_without_limit(self) -> None:
        texts = [{"text": f"word{number}"} for number in range(20_000)]
        assert len(terms({"resourceType": "CarePlan", "note": texts})) == 20_000

    def test_of_deep_resources_are_found(self) -> None:
        deep: dict[str, Any] = {"url": "x", "valueString": "found"}
        for _ in range(5_000):
            deep = {"url": "x", "extension": [deep]}
        assert terms({"resourceType": "CarePlan", "extension": [deep]}) == ["c|found"]


OF_TEXT = {"terms": ["t|sleep", "t|well", "t|not", "t|cafe"]}
OF_CONTENT = {"terms": ["t|sleep", "c|hope", "c|don", "c|t"]}


class TestAQuery:
    @pytest.mark.parametrize(
        ("query", "in_text", "in_content"),
        [
            ("sleep", True, True),
            ("Sleep WELL", True, False),
            ("hope", False, True),
            ("sle", False, False),
            ("sleep hope", False, True),
            ("hope OR well", True, True),
            ("(hope or worry) AND sleep", False, True),
            ("sleep NOT hope", True, False),
            ("sleep -hope", True, False),
            ("sleep -(hope don)", True, False),
            ("sleep NOT (hope well)", True, True),
            ("sleep -well-being", True, True),
            ("sleep NOT NOT well", True, False),
            ("not sleep", True, False),
            ("sleep Not well", True, False),
            ("don't sleep", False, True),
            ("hope OR sleep well", True, False),
            ("hope sleep OR cafe", True, True),
            ("caf\u00e9", True, False),
            (" - sleep & , ! ", True, True),
        ],
    )
    def test_finds_words(self, query: str, in_text: bool, in_content: bool) -> None:
        assert holds(read_text_query(query, "tc"), OF_TEXT) is in_text
        assert holds(read_text_query(query, "tc"), OF_CONTENT) is in_content

    def test_of_the_narrative_sees_nothing_else(self) -> None:
        assert not holds(read_text_query("hope", "t"), OF_CONTENT)
        assert holds(read_text_query("sleep", "t"), OF_CONTENT)

    @given(expressions(), st.sets(st.sampled_from("abcd")))
    def test_means_what_it_says(self, expression: Expression, true: set[str]) -> None:
        query = read_or_reason(expression.written(test=str, negation="NOT ", implied_and=True))
        if demands_a_word(expression):
            assert not isinstance(query, str), query
            assert holds(query, {"terms": [f"c|{word}" for word in true]}) is truth(expression, true)
            assert not holds(query, {"terms": []})
        else:
            assert query == "This only excludes words; say one that has to be there, in each alternative of OR"

    @given(st.text())
    def test_of_the_words_of_a_text_finds_it(self, text: str) -> None:
        found = [word for word in words(text) if word not in ("and", "or")][:MOST_TESTS]
        assume(found)
        assert holds(read_text_query(" ".join(found), "t"), {"terms": [f"t|{word}" for word in words(text)]})

    @pytest.mark.parametrize(
        ("query", "sentence"),
        [
            ("", "At the end, a word is missing"),
            (" - & ", "At the end, a word is missing"),
            ("sleep OR", "At the end, a word is missing"),
            ("(sleep", "At the end, a closing parenthesis is missing"),
            ("sleep)", "Character 6 closes a parenthesis that was not opened"),
            ("or sleep", "Character 1 cannot stand here: a word is expected"),
            ("sleep ()", "Character 8 cannot stand here: a word is expected"),
            ("-sleep", "This only excludes words"),
            ("NOT (sleep well)", "This only excludes words"),
            ("sleep OR -well", "This only excludes words"),
            ('very "sleep well"', "Character 6 is not understood: each word is looked for alone and whole"),
            ("“sleep well”", "Character 1 is not understood"),
            ("very sle*", "Character 9 is not understood"),
        ],
    )
    def test_is_refused_with_the_reason(self, query: str, sentence: str) -> None:
        with pytest.raises(ValueError, match=re.escape(sentence)):
            read_text_query(query, "tc")

    @given(st.text() | st.lists(st.sampled_from(["(", ")", " ", "-", '"', "*", "a", "OR", "and", "NOT"])).map("".join))
    def test_breaks_nothing(self, query: str) -> None:
        reason = read_or_reason(query)
        assert not isinstance(reason, str) or reason.startswith(("Character ", "At the end, ", "This only excludes"))

    def test_is_bounded(self) -> None:
        assert read_text_query("a " * MOST_TESTS, "t")
        for query in ("a " * (MOST_TESTS + 1), "-".join(f"a{n}" for n in range(MOST_TESTS + 1))):
            with pytest.raises(ValueError, match=f"at most {MOST_TESTS} can be joined"):
                read_text_query(query, "t")
        with pytest.raises(ValueError, match=f"at most {DEEPEST} levels"):
            read_text_query("a " + "-(b " * 50, "t")

    @pytest.mark.parametrize("piece", ["(", "-", "- ", "a", "a-", "é", "NOT ", "&", "& ", "é-"])
    def test_of_any_kind_takes_time_by_its_length(self, piece: str) -> None:
        assert_linear(lambda size: read_or_reason(piece * size))


def terms(resource: dict[str, Any]) -> list[str]:
    return compile_terms(STRUCTURES, resource["resourceType"])(resource)


def parsed_text(element: Any) -> str:
    """Return what an element shows, with spaces around all elements but those that only change letters."""
    if not isinstance(element.tag, str):
        return ""
    inner = (element.text or "") + "".join(parsed_text(child) + (child.tail or "") for child in element)
    return inner if etree.QName(element).localname in ("b", "span", "em", "a") else f" {inner} "


def is_of_word(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign) in ("Mn", "Mc")


def read_or_reason(query: str) -> Predicate | str:
    try:
        return read_text_query(query, "tc")
    except ValueError as error:
        return str(error)


def demands_a_word(expression: Expression) -> bool:
    """Return whether a word has to be there, in each alternative."""
    demanded = False
    for number, (connective, negated, item) in enumerate(expression.items):
        demands = not negated and (isinstance(item, str) or demands_a_word(item))
        demanded = demands if number == 0 else demanded or demands if connective == "and" else demanded and demands
    return demanded
