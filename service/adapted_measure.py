"""The definitions of the service, with the Measure that a service has adapted to itself instead of ours."""

from functools import cache
from pathlib import Path

import orjson

from service.conformance.definitions import Definition, Definitions
from service.conformance.structures import Structures
from service.fhir.reference import Addresses
from service.fhir.versions import R4
from service.reporting.measures.definition import MEASURE, Audit
from service.settings import Settings, WrongSetting


def definitions_of(settings: Settings) -> Definitions:
    """Return the definitions; raises WrongSetting where the Measure that is adapted cannot be carried out."""
    if settings.measure is None:
        return _ours()
    try:
        measure = _read(settings.measure)
        definitions = Definitions(R4, adapted=(measure,))
        Audit(measure, definitions, Structures(definitions), Addresses())
    except (ValueError, OSError) as error:
        raise WrongSetting(f"RECOVERY_MEASURE: {error}") from None
    return definitions


@cache
def _ours() -> Definitions:
    return Definitions(R4)


def _read(file: Path) -> Definition:
    measure = orjson.loads(file.read_bytes())
    told = {key: measure.get(key) for key in ("resourceType", "id", "url")} if isinstance(measure, dict) else {}
    ours = {"resourceType": "Measure", "id": MEASURE.rpartition("/")[2], "url": MEASURE}
    wrong = next((key for key, value in ours.items() if told.get(key) != value), None)
    if wrong:
        raise ValueError(f"{wrong} is not {ours[wrong]}, so it is no adapted form of our Measure")
    adapted: Definition = measure
    return adapted
