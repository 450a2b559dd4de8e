"""Clients that other people wrote, used as their documentation says, against the service as a process of its own."""

from collections.abc import Iterator

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.careplan import CarePlan
from fhirclient.models.fhirdatetime import FHIRDateTime
from fhirclient.models.fhirreference import FHIRReference
from fhirclient.models.goal import Goal
from fhirpy import AsyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

from tests.support.resources import care_plan, goal
from tests.support.samples import valid_example
from tests.support.service import running


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FHIR address of a service that holds the sample plans, to whose goals the examples refer."""
    with running(tmp_path_factory.mktemp("clients"), "--samples", "yes") as service:
        yield f"{service.await_ready()}/fhir/R4"


@pytest.fixture
def fhirpy(address: str) -> AsyncFHIRClient:
    return AsyncFHIRClient(address)


@pytest.fixture
def smart(address: str) -> Iterator[FHIRClient]:
    """A client of the SMART platform's fhirclient, as its README makes one for an open server."""
    client = FHIRClient(settings={"app_id": "tests", "api_base": address})
    yield client
    client.server.session.close()


class TestFhirpy:
    """https://github.com/beda-software/fhir-py"""

    async def test_creates_reads_updates_and_deletes(self, fhirpy: AsyncFHIRClient) -> None:
        made = fhirpy.resource("Goal", **goal(description={"text": "Keep my own accounts"}))
        await made.save()
        assert made.id
        assert made["meta"]["versionId"] == "1"

        read = await fhirpy.reference("Goal", made.id).to_resource()
        assert read.serialize() == made.serialize()

        read["description"]["text"] = "Keep my own accounts and budget"
        await read.save()
        assert read["meta"]["versionId"] == "2"
        assert (await fhirpy.get("Goal", made.id))["description"] == {"text": "Keep my own accounts and budget"}

        await read.delete()
        with pytest.raises(ResourceNotFound, match="deleted"):
            await fhirpy.get("Goal", made.id)

    async def test_a_whole_sample_comes_back_as_it_was_sent(self, fhirpy: AsyncFHIRClient) -> None:
        sample = valid_example("riskassessment")
        made = await fhirpy.resource(**{"resource_type": sample["resourceType"], **sample}).create()
        sent = {key: value for key, value in made.serialize().items() if key not in ("id", "meta", "text")}
        assert sent == {key: value for key, value in sample.items() if key not in ("meta", "text")}

    async def test_follows_every_page_of_a_search(self, fhirpy: AsyncFHIRClient) -> None:
        made = [
            await fhirpy.resource("Goal", **goal(subject={"reference": "Patient/pages"})).create() for _ in range(7)
        ]
        found = fhirpy.resources("Goal").search(patient="Patient/pages").sort("_lastUpdated").limit(3)
        assert [item.id for item in await found.fetch_all()] == [item.id for item in made]
        assert [item.id async for item in found] == [item.id for item in made]
        assert len(await found.fetch()) == 3
        assert (await found.first()).id == made[0].id

    async def test_refreshes_only_what_has_changed(self, fhirpy: AsyncFHIRClient) -> None:
        mine = await fhirpy.resource("Goal", **goal()).create()
        other = await fhirpy.reference("Goal", mine.id).to_resource()
        assert await mine.refresh() == other
        other["statusReason"] = "A new flat came up"
        await other.save()
        assert (await mine.refresh())["statusReason"] == "A new flat came up"

    async def test_reads_the_history_of_a_resource(self, fhirpy: AsyncFHIRClient) -> None:
        made = await fhirpy.resource("CarePlan", **care_plan(title="First")).create()
        made["title"] = "Second"
        await made.save()
        history = await made.execute("_history", method="get")
        assert [entry.resource.title for entry in history.entry] == ["Second", "First"]
        assert (await fhirpy.execute(f"CarePlan/{made.id}/_history/1", method="get"))["title"] == "First"

    async def test_a_refusal_arrives_as_an_operation_outcome(self, fhirpy: AsyncFHIRClient) -> None:
        with pytest.raises(OperationOutcome) as refused:
            await fhirpy.resource("Goal", **goal(lifecycleStatus="bogus", colour="blue")).create()
        places = [issue["expression"] for issue in refused.value.resource["issue"]]
        assert places == [["Goal.colour"], ["Goal.lifecycleStatus"]]

    async def test_a_lost_race_arrives_as_a_failed_precondition(self, address: str) -> None:
        made = await AsyncFHIRClient(address).resource("Goal", **goal()).create()
        careful = AsyncFHIRClient(address, extra_headers={"If-Match": 'W/"1"'})
        first = await careful.reference("Goal", made.id).to_resource()
        second = await careful.reference("Goal", made.id).to_resource()
        first["statusReason"] = "first"
        await first.save()
        second["statusReason"] = "second"
        with pytest.raises(MultipleResourcesFound, match="version-conflict"):  # what it takes every 412 for
            await second.save()
        assert (await careful.get("Goal", made.id))["statusReason"] == "first"

    async def test_counts_where_the_client_asks_leniently_for_a_parameter_that_is_not_of_fhir(
        self, address: str
    ) -> None:
        """Its count() sends _totalMethod, which only one server knows; Prefer: handling=lenient is for such clients."""
        strict, lenient = (
            AsyncFHIRClient(address),
            AsyncFHIRClient(address, extra_headers={"Prefer": "handling=lenient"}),
        )
        for _ in range(2):
            await strict.resource("Goal", **goal(subject={"reference": "Patient/counted"})).create()
        with pytest.raises(OperationOutcome, match="_totalMethod"):
            await strict.resources("Goal").search(patient="Patient/counted").count()
        assert await lenient.resources("Goal").search(patient="Patient/counted").count() == 2


class TestFhirclient:
    """https://github.com/smart-on-fhir/client-py"""

    def plan(self, person: str, title: str = "My plan") -> CarePlan:
        plan = CarePlan()
        plan.status, plan.intent, plan.title = "active", "plan", title
        plan.subject = FHIRReference({"reference": f"Patient/{person}"})
        return plan

    def test_knows_the_service_as_an_open_server(self, smart: FHIRClient) -> None:
        assert smart.prepare()
        assert smart.ready
        assert smart.server.capabilityStatement.fhirVersion == "4.0.1"

    def test_creates_reads_updates_and_deletes(self, smart: FHIRClient) -> None:
        plan = self.plan("smart")
        plan.created = FHIRDateTime("2026-11-02")
        answer = plan.create(smart.server)
        assert answer["meta"]["versionId"] == "1"

        read = CarePlan.read(answer["id"], smart.server)
        assert read.as_json() == answer
        assert read.created.as_json() == "2026-11-02"

        read.title = "My plan, looked at again"
        assert read.update()["meta"]["versionId"] == "2"
        assert CarePlan.read(read.id, smart.server).title == "My plan, looked at again"

        assert read.delete() is None
        with pytest.raises(requests.HTTPError, match="410"):
            CarePlan.read(read.id, smart.server)

    def test_a_whole_sample_passes_its_models_both_ways(self, smart: FHIRClient) -> None:
        sample = valid_example("careplan")
        answer = CarePlan(sample).create(smart.server)
        read = CarePlan.read(answer["id"], smart.server).as_json()
        own = ("id", "meta", "text")
        assert {k: v for k, v in read.items() if k not in own} == {k: v for k, v in sample.items() if k not in own}

    def test_iterates_over_every_page_of_a_search(self, smart: FHIRClient) -> None:
        made = [self.plan("pages", f"Plan {number}").create(smart.server)["id"] for number in range(5)]
        search = CarePlan.where({"patient": "Patient/pages", "_count": "2", "_sort": "_lastUpdated"})
        assert [plan.id for plan in search.perform_resources_iter(smart.server)] == made
        pages = list(search.perform_iter(smart.server))
        assert [len(page.entry) for page in pages] == [2, 2, 1]
        assert all(page.type == "searchset" for page in pages)
        with pytest.warns(DeprecationWarning, match="perform_iter"):
            assert len(search.perform(smart.server).entry) == 2

    def test_its_search_structures_say_or_and_missing(self, smart: FHIRClient) -> None:
        for status in ("active", "completed", "revoked"):
            plan = self.plan("structures")
            plan.status = status
            plan.create(smart.server)
        search = CarePlan.where({"patient": "Patient/structures", "status": {"$or": ["active", "revoked"]}})
        assert {plan.status for plan in search.perform_resources_iter(smart.server)} == {"active", "revoked"}

    def test_updates_without_a_condition_so_the_last_write_stands(self, smart: FHIRClient) -> None:
        """It sends no If-Match; both writes are kept as versions."""
        answer = self.plan("race").create(smart.server)
        first, second = (CarePlan.read(answer["id"], smart.server) for _ in range(2))
        first.title, second.title = "first", "second"
        assert first.update()["meta"]["versionId"] == "2"
        assert second.update()["meta"]["versionId"] == "3"
        history = Bundle.read_from(f"CarePlan/{answer['id']}/_history", smart.server)
        assert [entry.resource.title for entry in history.entry] == ["second", "first", "My plan"]

    def test_a_transaction_answers_where_each_entry_is(self, smart: FHIRClient) -> None:
        bundle = Bundle(valid_example("transaction-co-produced-plan"))
        answer = Bundle(smart.server.post_json("", bundle.as_json()).json())
        assert answer.type == "transaction-response"
        assert {entry.response.status for entry in answer.entry} == {"201 Created"}
        goals = [entry.response.location for entry in answer.entry if entry.response.location.startswith("Goal/")]
        assert Goal.read_from(goals[0], smart.server).lifecycleStatus

    def test_a_refusal_arrives_with_its_operation_outcome(self, smart: FHIRClient) -> None:
        plan = self.plan("refused")
        plan.status = "bogus"
        with pytest.raises(requests.HTTPError, match="422") as refused:
            plan.create(smart.server)
        assert refused.value.response.json()["issue"][0]["expression"] == ["CarePlan.status"]
