"""What an interaction takes of a client is in one table, and what is not there is for nobody."""

import re

import pytest

from service.conformance.definitions import Definitions
from service.fhir.outcome import OutcomeError
from service.fhir.versions import R4
from service.interactions.perform import INTERACTIONS, PUBLISHED, RECORDED
from service.security.access import UNLIMITED, Access
from service.security.decisions import NEEDED, NEEDED_OF_INSTANCE, is_public, require
from service.security.scopes import PERMISSIONS
from tests.unit.security.world import WORKER, access_of

CODES = {
    code for table in (INTERACTIONS, PUBLISHED, RECORDED) for methods in table.values() for code, _ in methods.values()
}
OF_SYSTEM = {item["code"] for item in Definitions(R4).capability["rest"][0]["interaction"]}
BY_LETTER = [(code, needed) for code, needed in NEEDED.items() if isinstance(needed, str)]
ALL = access_of("system/*.cruds", "system/AuditEvent.rs", clearances=["*"])


def refused(code: str, resource_type: str | None, access: Access, *, of_instance: bool = False) -> str:
    """Return the sentence with which it is refused, or an empty text."""
    try:
        require(code, resource_type, access, of_instance=of_instance)
    except OutcomeError as error:
        (issue,) = error.issues
        assert (issue.rule, issue.status) == ("forbidden", 403)
        return issue.diagnostics
    return ""


def test_every_interaction_and_operation_is_in_the_table() -> None:
    assert NEEDED.keys() | NEEDED_OF_INSTANCE.keys() >= CODES | OF_SYSTEM


@pytest.mark.parametrize("access", [UNLIMITED, ALL, access_of()])
@pytest.mark.parametrize("code", ["$everything-else", "", "READ", "$diff"])
def test_what_is_not_there_is_for_nobody(code: str, access: Access) -> None:
    assert refused(code, "CarePlan", access) == "It is not decided whom this is for, so it is for nobody"


@pytest.mark.parametrize("access", [UNLIMITED, ALL])
@pytest.mark.parametrize("code", sorted(NEEDED))
def test_one_who_may_do_everything_may_do_each(code: str, access: Access) -> None:
    for resource_type in ("CarePlan", "Provenance", None):
        for of_instance in (False, True):
            assert not refused(code, resource_type, access, of_instance=of_instance)


@pytest.mark.parametrize(("code", "letters"), BY_LETTER)
def test_it_takes_each_letter_for_its_type(code: str, letters: str) -> None:
    assert not refused(
        code, "Goal", access_of(f"user/Goal.{''.join(each for each in 'cruds' if each in letters)}", user=WORKER)
    )
    for each in letters:
        others = "".join(other for other in PERMISSIONS if other != each)
        sentence = refused(code, "Goal", access_of(f"user/Goal.{others}", "user/CarePlan.cruds", user=WORKER))
        assert f"user/Goal.{each}" in sentence
        assert re.fullmatch(r"[\w ,/.*]+", sentence)


@pytest.mark.parametrize("code", ["search-system", "history-system", "$everything"])
def test_for_the_whole_system_one_type_will_do(code: str) -> None:
    assert not refused(code, None, access_of("user/Goal.s", user=WORKER))
    assert "user/*.s" in refused(code, None, access_of("user/Goal.cr", user=WORKER))


def test_everything_of_a_person_is_of_the_whole_system() -> None:
    assert not refused("$everything", "Patient", access_of("patient/Goal.s", patient="1"), of_instance=True)
    assert "patient/*.s" in refused(
        "$everything", "Patient", access_of("patient/Goal.r", patient="1"), of_instance=True
    )
    assert refused("search-type", "Patient", access_of("patient/*.s", patient="1"))


class TestWhatCannotBeLimited:
    @pytest.mark.parametrize("code", ["$meta", "_explain"])
    @pytest.mark.parametrize(
        "access",
        [
            access_of("patient/*.cruds", patient="1", user="Patient/1"),
            access_of("system/*.cruds"),
            access_of("system/*.cruds?category=x", clearances=["*"]),
            access_of("system/*.crud", clearances=["*"]),
        ],
    )
    def test_is_for_nobody_who_is_limited(self, code: str, access: Access) -> None:
        for resource_type in ("CarePlan", None):
            assert refused(code, resource_type, access)

    def test_is_for_those_who_see_all_of_the_type(self) -> None:
        access = access_of("user/CarePlan.s", user=WORKER, clearances=["*"])
        assert not refused("$meta", "CarePlan", access)
        assert refused("$meta", "Goal", access)
        assert "user/*.s" in refused("$meta", None, access)

    def test_is_of_one_resource_for_those_who_read_it(self) -> None:
        access = access_of("patient/*.r", patient="1")
        assert not refused("$meta", "CarePlan", access, of_instance=True)


class TestWithoutPermission:
    NOTHING = access_of()

    def test_a_token_is_enough_for_some(self) -> None:
        for code in ("capabilities", "batch", "transaction", "$validate"):
            assert not refused(code, None, self.NOTHING)
        for code in ("read", "search-type"):
            assert not refused(code, "StructureDefinition", self.NOTHING)

    def test_a_stored_resource_is_not_validated(self) -> None:
        assert refused("$validate", "CarePlan", self.NOTHING, of_instance=True)

    def test_one_interaction_takes_no_token(self) -> None:
        assert [code for code in NEEDED if is_public(code)] == ["capabilities"]


@pytest.mark.parametrize("code", ["create", "delete", "conditional-delete", "conditional-create"])
def test_a_person_is_told_what_a_person_may_write(code: str) -> None:
    sentence = refused(code, "CarePlan", access_of("patient/*.cruds", patient="1", user="Patient/1"))
    assert "a note, an agreement or a disagreement" in sentence
