"""Expressions as conditions: what http://hl7.org/fhirpath/N1 and https://hl7.org/fhir/R4/fhirpath.html say of them."""

import re
from typing import Any

import pytest

from service.conformance.fhirpath.conditions import Scope, compile_condition
from service.conformance.fhirpath.syntax import parse
from service.fhir.json import Number
from tests.support.invariants import STRUCTURES, Json, structure_at

PLAN: Json = {
    "resourceType": "CarePlan",
    "id": "p",
    "status": "active",
    "_status": {"id": "s", "extension": [{"url": "http://x.org/a", "valueCode": "c"}]},
    "intent": "plan",
    "_title": {"extension": [{"url": "http://x.org/b", "valueBoolean": True}]},
    "subject": {"reference": "Patient/1"},
    "contributor": [{"reference": "#c"}, {"reference": "Patient/1"}],
    "period": {"start": "2024-02", "end": "2024-02-29T10:00:00Z"},
    "instantiatesUri": ["http://a", None, "http://b"],
    "_instantiatesUri": [None, {"id": "u"}, None],
    "category": [{"coding": [{"code": "a"}, {"code": "b"}]}, {"coding": [{"code": "a"}]}],
    "contained": [
        {"resourceType": "CareTeam", "id": "c", "name": "Team", "subject": {"reference": "#"}},
        {
            "resourceType": "Slot",
            "id": "d",
            "status": "free",
            "valueQuantity": {"value": 1},
            "serviceType": [{"text": "x"}],
        },
    ],
    "activity": [{"detail": {"status": "scheduled", "scheduledString": "now"}}],
    "extension": [
        {"url": "http://x.org/n", "valueDecimal": Number("0.80")},
        {"url": "http://x.org/d", "valueDate": "2024-02-29"},
        {"url": "http://x.org/q", "valueQuantity": {"value": 7, "system": "http://unitsofmeasure.org", "code": "d"}},
        {"url": "http://x.org/t", "valueTime": "10:00:00"},
        {"url": "http://x.org/s", "valueString": "active"},
        {"url": "http://x.org/m", "valueMarkdown": "active"},
    ],
}

TRUE = """
# Three-valued logic: http://hl7.org/fhirpath/N1/#boolean-logic
({} and false) = false
(false and {}) = false
({} and true).empty()
({} and {}).empty()
({} or true)
(true or {})
({} or false).empty()
(false implies {})
({} implies true)
({} implies false).empty()
({} implies {}).empty()
(true implies {}).empty()
(true xor {}).empty()
true xor false
(true xor true).not()
{}.not().empty()
true or true and false
(false implies false implies false) = false
# An empty collection: nothing is known of it, and nothing in it is wrong
{}.all(false)
{}.exists() = false
{}.empty()
{}.count() = 0
({} = {}).empty()
(1 = {}).empty()
({} != {}).empty()
{} ~ {}
({} ~ 1) = false
({} < 1).empty()
({} + 1).empty()
({} & 'a') = 'a'
('a' + {}).empty()
{}.isDistinct()
{}.subsetOf(1)
(1).subsetOf({}) = false
(1).supersetOf({})
(1 in {}) = false
({} in 1).empty()
({} contains 1) = false
{}.first().empty()
{}.allTrue()
{}.anyTrue() = false
{}.hasValue() = false
# One value where a truth value is asked for counts as true
status and true
subject.not() = false
(activity.detail.scheduled and true)
# Equality
0.80 = 0.8
1 = 1.0
1 != 1.1
'a' = 'a'
'a' != 'A'
'a' ~ 'A'
'a  b' ~ ' A\\tB'
'a' !~ 'b'
1.11 ~ 1.1
(1 | 2) = (1 | 2)
(1 | 2) != (2 | 1)
(1 | 2) ~ (2 | 1)
(1 | 2) != 1
category[1].coding = category.first().coding.first()
category[1] != category[0]
category[1].coding ~ category[0].coding[0]
extension.where(url = 'http://x.org/n').value = 0.8
extension('http://x.org/n').value < 1
extension.value.ofType(decimal) = 0.800
extension.where(value = 'active').count() = 2
extension.value.where($this = '2024-02-29').empty()
extension.value.where($this = @2024-02-29).count() = 1
# Dates and times as far as they are given
@2024-02 < @2024-03-01
(@2024 = @2024-02).empty()
(@2024-02 < @2024-02-29).empty()
@2024 != @2025-01
@2024 !~ @2024-02
@2024-02-29T10:00:00Z = @2024-02-29T12:00:00+02:00
@2024-02-29T10:00:00Z ~ @2024-02-29T12:00:00.000+02:00
@2024-02-29T10:00:00 = @2024-02-29T10:00:00.0
@2024-02-29T10:00:00.5Z > @2024-02-29T10:00:00Z
@2024-02-29T23:00:00-05:00 > @2024-03-01T03:59:59Z
(@2024-02-29T10:00:00Z = @2024-02-29T10:00:00).empty()
(@2024-02-29T10:00Z < @2024-02-29T10:00:30Z).empty()
@T10:00 < @T10:01:00
(@T10 = @T10:30).empty()
(period.start <= period.end).empty()
extension.value.ofType(date) > @2024-02-28
extension.value.ofType(time) = @T10:00:00.0
# Quantities of units that can be compared
4 days = 96 'h'
1 week = 7 days
1000 'mg' = 1 'g'
2 'mg' < 1 'g'
(1 year = 12 months).empty()
(1 'mg' = 1 'cm').empty()
extension.value.ofType(Quantity) = 1 week
extension.value.ofType(Quantity) >= 7 days
# Arithmetic
1 + 2 * 3 = 7
-(1 + 2) = -3
7 div 2 = 3
-7 div 2 = -3
7 mod 2 = 1
7 / 2 = 3.5
(1 / 0).empty()
(1 div 0).empty()
(1.5 mod 0).empty()
0.1 + 0.2 = 0.3
'a' + 'b' = 'ab'
'a' & {} & 'b' = 'ab'
# Collections
category.coding.count() = 3
category.coding.code.distinct().count() = 2
category.coding.code.isDistinct() = false
(category.coding.code | 'c').count() = 3
category.coding.code.union('a').count() = 2
category.coding.code.combine('a').count() = 4
category.coding.code.intersect('a' | 'c') = 'a'
category.coding.code.exclude('a') = 'b'
category.coding.code.first() = 'a'
category.coding.code.last() = 'a'
category.coding.code.tail().count() = 2
category.coding.code.skip(2).count() = 1
category.coding.code.take(2) = ('a' | 'b')
category.coding.code.take(-1).empty()
category[0].coding[1].code = 'b'
category[5].empty()
category.where($index = 1).coding.count() = 1
category.select($index) = (0 | 1)
category.all($index < 2)
category.coding.all(code.exists())
category.exists(coding.count() = 2)
category.exists(coding.count() = 3).not()
category.select(coding.first().code).count() = 2
category.coding.where(code = 'a').exists()
(1 | 2).subsetOf(1 | 2 | 3)
(1 | 2).supersetOf(3).not()
'a' in category.coding.code
category.coding.code contains 'b'
('a' | 'b') in category.coding.code
(true | false).allTrue() = false
(true | false).anyTrue()
(true | false).anyFalse()
(true | false).allFalse() = false
activity.detail.single().status = 'scheduled'
repeat(contained).count() = 2
repeat(extension | contained).count() = 8
iif(status = 'active', 'yes', 'no') = 'yes'
iif({}, 'yes', 'no') = 'no'
iif(false, 'yes').empty()
category.iif(count() = 2, true, false)
category.trace('c', coding).count() = 2
children().count() > 10
descendants().ofType(Coding).count() = 3
descendants().code.count() = 4
descendants().as(uri).exists()
# Texts
'abc'.startsWith('')
'abc'.startsWith('ab') and 'abc'.endsWith('bc') and 'abc'.contains('b')
'abc'.indexOf('c') = 2 and 'abc'.indexOf('x') = -1
'abc'.substring(1) = 'bc' and 'abc'.substring(1, 1) = 'b' and 'abc'.substring(3).empty()
'abc'.substring(-1).empty()
'abc'.length() = 3
'aBc'.upper() = 'ABC' and 'aBc'.lower() = 'abc'
'abc'.replace('b', 'x') = 'axc' and 'abc'.replace('', 'x') = 'xaxbxcx'
'abc'.matches('b')
'abc'.matches('^b$') = false
'a\\nb'.matches('a.b')
'11/30/1972'.replaceMatches('(?P<m>\\\\d+)/(?P<d>\\\\d+)', '${d}.${m}') = '30.11/1972'
'12'.toInteger() = 12 and '-3'.toInteger() = -3
'1.5'.toInteger().empty()
'1.50'.toDecimal() = 1.5
true.toInteger() = 1
1.toString() = '1' and true.toString() = 'true' and (1.50).toString() = '1.50'
extension.value.ofType(date).toString().length() = 10
extension.value.ofType(date).startsWith('2024')
'\\u0041\\'\\`\\\\' = 'A\\'`\\\\'
# Types: a type is also each of those that it is derived from
extension.value.ofType(string).count() = 2
extension.value.ofType(markdown).count() = 1
status is code
status is string
status is CodeableConcept = false
(status as code) = 'active'
extension.first().value is decimal
extension.first().value is FHIR.decimal
extension.first().value is Quantity = false
1 is Integer and 1 is System.Integer and 'a' is System.String
status.is(System.String) = false
%resource is CarePlan and %resource is DomainResource and %resource is Resource
contained[0] is CareTeam
contained[1] is Slot
contained.ofType(CareTeam).name = 'Team'
(contained[0] as CareTeam).name = 'Team'
# Primitives that have ids and extensions, or those alone
status.id = 's'
status.extension.value = 'c'
status.hasValue()
status.exists()
status.extension('http://x.org/a').exists()
title.exists()
title.hasValue() = false
(title = 'x').empty()
(title != 'x').empty()
title.extension.value = true
title.length().empty()
instantiatesUri.count() = 3
instantiatesUri.where(hasValue()).count() = 2
instantiatesUri[1].id = 'u'
instantiatesUri.hasValue() = false
instantiatesUri.first().hasValue()
subject.hasValue() = false
# Contained resources, also those of types whose definition is not held
contained.name = 'Team'
contained.status = 'free'
contained.where(status = 'free').id = 'd'
contained.value.value = 1
contained.serviceType.text = 'x'
contained.subject.reference = '#'
contained.resourceType.empty()
# References, as far as they tell by themselves where they lead
contributor.where(resolve() is Patient).reference = 'Patient/1'
contributor.where(resolve() is CareTeam).reference = '#c'
contributor.resolve().name = 'Team'
subject.resolve().empty()
contained.subject.resolve() is CarePlan
subject.resolve() is Practitioner = false
# Variables
%resource.status = 'active'
%rootResource.status = 'active'
%context.status = 'active'
category.all(%context.status = 'active')
category.coding.select($this.code).count() = 3
%ucum = 'http://unitsofmeasure.org' and %sct = 'http://snomed.info/sct' and %loinc = 'http://loinc.org'
%`vs-goal-status` = 'http://hl7.org/fhir/ValueSet/goal-status'
%'ext-x' = 'http://hl7.org/fhir/StructureDefinition/x'
# Names and gaps
CarePlan.status = 'active'
`CarePlan`.`status` = 'active' // as the text says
status /* of
the plan */ = 'active'
""".strip()


def _lines() -> list[str]:
    return [line for line in TRUE.replace("/* of\n", "/* of ").split("\n") if not line.startswith("#")]


def holds(expression: str, element: Any = PLAN, start: str = "CarePlan", **options: Any) -> bool:
    condition = compile_condition(expression, structure_at(start), STRUCTURES, **options)
    return condition(element, Scope(PLAN, PLAN))


@pytest.mark.parametrize("expression", _lines())
def test_what_the_specification_says_is_so(expression: str) -> None:
    assert holds(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "{}",
        "status.where(false)",
        "category.coding.code and true",
        "(1 | 2) < 3",
        "(1 | 2) + 3 = 6",
        "category.coding.code.substring(1).exists() or true",
        "category.single().exists()",
        "contained.name + 1 = 2 or true",
        "extension.value.first() & 'a' = 'a'",
        "'a'.matches(status & '(') or true",
    ],
)
def test_what_is_empty_or_cannot_be_evaluated_does_not_hold(expression: str) -> None:
    assert not holds(expression)


@pytest.mark.parametrize("number", ["1e999999", "-1e999999", "1e-999999", "123456789012345678901234567890123456789012"])
@pytest.mark.parametrize(
    "expression",
    [
        "low <= high",
        "low = high",
        "low.value * high.value > 0",
        "low.value ~ high.value",
        "low.value.toString().length() > 0",
        "(low.value | high.value).isDistinct()",
        "low.value mod high.value = 0 or low.value div high.value = 0",
    ],
)
def test_no_number_is_too_large_or_too_small_to_be_asked_about(expression: str, number: str) -> None:
    low = {"value": Number(number), "system": "http://unitsofmeasure.org", "code": "wk"}
    element = {"low": low, "high": {"value": Number("0.1"), "system": "http://unitsofmeasure.org", "code": "d"}}
    assert holds(expression, element, "Range") in (True, False)


@pytest.mark.parametrize(
    ("expression", "start", "reason"),
    [
        ("nothing.exists()", "CarePlan", "no element nothing below CarePlan"),
        ("resourceType = 'CarePlan'", "CarePlan", "no element resourceType"),
        ("status.nothing", "CarePlan", "no element nothing below code"),
        ("category.where(nothing = 'a')", "CarePlan", "no element nothing below CodeableConcept"),
        ("valueString.exists()", "Extension", "no element valueString"),
        ("value.nothing.exists()", "Extension", "no element nothing"),
        ("activity.detail.scheduled.ofType(Quantity)", "CarePlan", "no element scheduled of type Quantity"),
        ("status.as(Quantity)", "CarePlan", "no Quantity among code"),
        ("status is Nothing", "CarePlan", "no type Nothing"),
        ("contained.ofType(nothing)", "CarePlan", "no type nothing"),
        ("status is System.Nothing", "CarePlan", "no name of a type"),
        ("status = 1", "CarePlan", "code and Integer can never be equal"),
        ("period.start = '2024'", "CarePlan", "dateTime and String can never be equal"),
        ("period.start < @T10:00", "CarePlan", "dateTime and Time can never be in order"),
        ("status in (1 | 2)", "CarePlan", "code and Integer can never be equal"),
        ("subject < subject", "CarePlan", "have an order"),
        ("status + 1 = 2", "CarePlan", "Arithmetic"),
        ("status - 'a' = 'b'", "CarePlan", "Arithmetic"),
        ("period.start + 4 days > @2024", "CarePlan", "Arithmetic"),
        ("status & 1 = 'a'", "CarePlan", "puts texts together"),
        ("category.startsWith('a')", "CarePlan", "needs a String"),
        ("status.startsWith(1)", "CarePlan", "needs a String"),
        ("status.substring('a')", "CarePlan", "needs a Integer"),
        ("category['a'].exists()", "CarePlan", "needs a Integer"),
        ("status.resolve().exists().not() and period.resolve().exists()", "CarePlan", "Only a reference"),
        ("status.matches('(')", "CarePlan", "is no pattern"),
        ("status.memberOf('http://x')", "CarePlan", "memberOf() is not supported"),
        ("conformsTo('http://x')", "CarePlan", "conformsTo() is not supported"),
        ("text.div.htmlChecks()", "CarePlan", "htmlChecks() is not supported"),
        ("status.exists(1, 2)", "CarePlan", "exists() does not take 2 arguments"),
        ("all()", "CarePlan", "all() does not take 0 arguments"),
        ("%nothing.exists()", "CarePlan", "no %nothing"),
        ("status.trace('a', nothing).exists()", "CarePlan", "no element nothing"),
        ("iif(true, nothing)", "CarePlan", "no element nothing"),
        ("status = ", "CarePlan", "ends too early"),
        ("status = 'a", "CarePlan", "is not supported in"),
        ("(status", "CarePlan", "is missing in"),
        ("status.'a'", "CarePlan", "is no name"),
        ("category.$this", "CarePlan", "is no name"),
        ("status status", "CarePlan", "is not expected"),
        ("@2024-1", "CarePlan", "Arithmetic"),
        ("@", "CarePlan", "is no date or time"),
        ("low.empty()", "decimal", "no element low"),
    ],
)
def test_what_is_not_understood_is_refused_when_it_is_compiled(expression: str, start: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        compile_condition(expression, structure_at(start), STRUCTURES)


@pytest.mark.parametrize(
    ("start", "element", "verdict"),
    [
        ("decimal", Number("0.5"), True),
        ("Range", {"low": {"value": 1}}, False),
        ("Range", {"low": {"value": 1, "code": "%", "system": "http://unitsofmeasure.org"}}, True),
    ],
)
def test_a_rule_of_a_choice_may_speak_of_each_of_its_types(start: str, element: Any, verdict: bool) -> None:
    expression = "low.empty() or (low.code = '%' and low.system = %ucum)"
    assert holds(expression, element, start, choice=["decimal", "Range"]) is verdict
    assert holds("$this is decimal or $this is Range", element, start, choice=["decimal", "Range"])
    assert holds("%context.exists()", element, start, choice=["decimal", "Range"])


class TestTheSameReference:
    """Where the texts of References are compared, a rule of the service decides."""

    @staticmethod
    def by_last_part(left: Json, right: Json) -> bool:
        return str(left.get("reference", "")).split("/")[-1] == str(right.get("reference", "")).split("/")[-1]

    @pytest.mark.parametrize(
        ("expression", "by_text", "by_rule"),
        [
            ("contributor.where(reference = %resource.subject.reference).count() = 1", True, True),
            ("author.reference = %resource.subject.reference", False, True),
            ("(author.reference != %resource.subject.reference).not()", False, True),
            ("(author.reference = %resource.subject.reference).exists()", True, True),
            ("contributor.reference = %resource.subject.reference", False, False),
            ("(encounter.reference = %resource.subject.reference).empty()", True, True),
            ("contained.subject.reference = subject.reference", False, False),
            ("extension.value.ofType(Reference).reference = subject.reference", False, True),
            ("extension.value.reference = subject.reference", False, True),
            ("author.reference = 'Patient/1'", False, False),
            ("author.display = author.reference", False, False),
        ],
    )
    def test_of_two_references(self, expression: str, by_text: bool, by_rule: bool) -> None:
        elsewhere = {"reference": "http://example.org/Patient/1"}
        plan = {**PLAN, "author": elsewhere, "extension": [{"url": "http://x.org/r", "valueReference": elsewhere}]}
        assert holds(expression, plan) is by_text
        assert holds(expression, plan, same_reference=self.by_last_part) is by_rule

    def test_an_identifier_alone_is_asked_about_too(self) -> None:
        asked = []
        plan = {**PLAN, "author": {"identifier": {"value": "7"}}}
        expression = "author.reference = subject.reference"
        assert not holds(expression, plan)
        assert not holds(expression, plan, same_reference=lambda left, right: asked.append((left, right)) or False)
        assert asked == [(plan["author"], PLAN["subject"])]

    def test_from_inside_an_extension_whose_resource_may_be_any(self) -> None:
        extension = {"url": "http://x.org/r", "valueReference": {"reference": "http://example.org/Patient/1"}}
        expression = "value.ofType(Reference).reference = %resource.subject.reference"
        assert not holds(expression, extension, "Extension")
        assert holds(expression, extension, "Extension", same_reference=self.by_last_part)


def test_resource_and_root_resource_are_two_in_a_contained_resource() -> None:
    inner = PLAN["contained"][0]
    expression = "%resource.id = 'c' and %rootResource.id = 'p' and %resource.name = 'Team'"
    condition = compile_condition(expression, "Reference", STRUCTURES)
    assert condition(inner["subject"], Scope(inner, PLAN))
    assert not condition(PLAN["subject"], Scope(PLAN, PLAN))


def test_a_parsed_expression_and_a_text_give_the_same_condition() -> None:
    assert compile_condition(parse("status = 'active'"), "CarePlan", STRUCTURES)(PLAN, Scope(PLAN, PLAN))
