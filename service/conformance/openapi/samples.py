"""Samples as examples: what is read and written when somebody presses "Try it out"."""

from typing import Any

from service.conformance.definitions import CANONICAL, Definitions
from service.conformance.openapi.tables import Table, base, in_words
from service.conformance.structures import Structures
from service.fhir import json

_MOMENT = "2026-11-22T09:30:00.000Z"
_GIVEN_ID = "01a2036f-bfba-7826-9a48-499c830b3413"
"""Such as the server gives to a resource that no client can name."""
_SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}

Resource = dict[str, Any]


class Samples:
    """The examples in ``schemas``: the shortest sample of each type, new resources, transactions."""

    def __init__(self, definitions: Definitions) -> None:
        folder = definitions.folder / "examples" / "valid"
        self._definitions = definitions
        self._structures = Structures(definitions)
        bundles = [json.parse(file.read_bytes()) for file in sorted(folder.glob("sample-*.json"))]
        loaded = [entry["resource"] for bundle in bundles for entry in bundle["entry"]]
        self._shortest: dict[str, Resource] = {}
        self._new: dict[str, Resource] = {}
        for name in definitions.written_types:
            self._new[name] = json.parse((folder / f"{name.lower()}.json").read_bytes())
            ones = [resource for resource in loaded if resource["resourceType"] == name] or [self._new[name]]
            self._shortest[name] = min(ones, key=lambda resource: len(json.dump(resource)))
        self._transactions = {
            file.stem.removeprefix("transaction-"): json.parse(file.read_bytes())
            for file in sorted(folder.glob("transaction-*.json"))
        }

    def id_of(self, resource_type: str) -> str:
        """Return the id of the sample that the page shows."""
        found: str = self._shortest[resource_type].get("id", _GIVEN_ID)
        return found

    def has_known_id(self, resource_type: str) -> bool:
        """Return whether that sample has the same id wherever the samples are loaded."""
        return "id" in self._shortest.get(resource_type, ())

    def definition_of(self, resource_type: str) -> Resource:
        """Return the definition of a type that the page shows: one of ours, if there is one."""
        every = self._definitions.of_type(resource_type)
        return next((item for item in every if item["url"].startswith(CANONICAL)), every[0])

    def components(self) -> Table:
        """Return the examples by name."""
        examples: Table = {}
        for name in self._definitions.written_types:
            words = in_words(name)
            sample = {"resourceType": name, "id": self.id_of(name)} | self._shortest[name]
            examples[f"{name}Sample"] = {"summary": f"A sample {words}", "value": sample}
            examples[f"{name}New"] = {"summary": f"A new {words}", "value": self._new[name]}
            examples[f"{name}Parameters"] = {"summary": "Parameters", "value": self._parameters(name)}
            examples[f"{name}Searchset"] = {"summary": f"One {words} found", "value": self.searchset(name)}
            examples[f"{name}History"] = {"summary": "All versions", "value": self._history(name)}
        for name, bundle in self._transactions.items():
            examples[f"Transaction-{name}"] = {
                "summary": name.replace("-", " ").capitalize(),
                "value": bundle,
            }
        examples["Batch"] = {"summary": "A batch that reads", "value": self._batch()}
        examples["TransactionResponse"] = {"summary": "What became of each entry", "value": self._response()}
        examples["Capabilities"] = {"summary": "The beginning of it", "value": self._capabilities()}
        return examples

    @property
    def submissions(self) -> list[str]:
        """Names of the examples of Bundles to send."""
        return [*(f"Transaction-{name}" for name in self._transactions), "Batch"]

    def _brief(self, resource_type: str) -> Resource:
        sample = self._shortest[resource_type]
        shown = self._structures.of_type(resource_type).mandatory
        meta = {"versionId": "1", "lastUpdated": _MOMENT, "tag": [_SUBSETTED]}
        head = {"resourceType": resource_type, "id": self.id_of(resource_type), "meta": meta}
        return head | {name: sample[name] for name in shown if name in sample}

    def _parameters(self, resource_type: str) -> Resource:
        capability = self._definitions.resource_capabilities[resource_type]
        (profile,) = capability.get("supportedProfile", [capability["profile"]])
        brief = {key: value for key, value in self._brief(resource_type).items() if key != "meta"}
        parts = [{"name": "profile", "valueUri": profile}, {"name": "resource", "resource": brief}]
        return {"resourceType": "Parameters", "parameter": parts}

    def searchset(self, resource_type: str) -> Resource:
        """Return what a search finds that finds one sample."""
        address = f"{self._address}/{resource_type}"
        entry = {
            "fullUrl": self._url(resource_type),
            "resource": self._brief(resource_type),
            "search": {"mode": "match"},
        }
        link = {
            "relation": "self",
            "url": f"{address}?_elements=id&_id={self.id_of(resource_type)}&_total=accurate",
        }
        return {"resourceType": "Bundle", "type": "searchset", "total": 1, "link": [link], "entry": [entry]}

    def _history(self, resource_type: str) -> Resource:
        url = f"{resource_type}/{self.id_of(resource_type)}"
        gone = {
            "fullUrl": self._url(resource_type),
            "request": {"method": "DELETE", "url": url},
            "response": {"status": "204 No Content", "etag": 'W/"2"', "lastModified": "2026-11-22T10:00:00.000Z"},
        }
        is_named = self.has_known_id(resource_type)
        first = {
            "fullUrl": self._url(resource_type),
            "resource": self._brief(resource_type),
            "request": {"method": "PUT", "url": url} if is_named else {"method": "POST", "url": resource_type},
            "response": {"status": "201 Created", "etag": 'W/"1"', "lastModified": _MOMENT},
        }
        entries = [gone, first] if self._is_deleted(resource_type) else [first]
        link = {"relation": "self", "url": f"{self._url(resource_type)}/_history"}
        return {
            "resourceType": "Bundle",
            "type": "history",
            "total": len(entries),
            "link": [link],
            "entry": entries,
        }

    def _is_deleted(self, resource_type: str) -> bool:
        offered = self._definitions.resource_capabilities[resource_type]["interaction"]
        return any(item["code"] == "delete" for item in offered)

    def _batch(self) -> Resource:
        named = filter(self.has_known_id, self._definitions.stored_types)
        entries = [{"request": {"method": "GET", "url": f"{name}/{self.id_of(name)}"}} for name in named]
        return {"resourceType": "Bundle", "type": "batch", "entry": entries}

    def _response(self) -> Resource:
        entries = [
            {
                "response": {
                    "status": "201 Created",
                    "location": f"{name}/{self.id_of(name)}/_history/1",
                    "etag": 'W/"1"',
                    "lastModified": _MOMENT,
                }
            }
            for name in self._definitions.stored_types
        ]
        return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}

    def _capabilities(self) -> Resource:
        statement = self._definitions.capability
        shown = ("resourceType", "status", "date", "fhirVersion", "format")
        return {key: statement[key] for key in shown} | {"kind": "instance"}

    @property
    def _address(self) -> str:
        return "http://127.0.0.1:8000" + base(self._definitions.version)

    def _url(self, resource_type: str) -> str:
        return f"{self._address}/{resource_type}/{self.id_of(resource_type)}"
