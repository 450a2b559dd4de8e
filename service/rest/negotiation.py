"""Which format a request is in and which its answer takes (https://hl7.org/fhir/R4/http.html#mime-type)."""

from email.message import Message
from functools import lru_cache

from service.fhir.media_types import FHIR_JSON, FHIR_XML, JSON_PATCH, NDJSON, XML_PATCH
from service.fhir.outcome import Issue, OutcomeError
from service.fhir.versions import FhirVersion

_PLAIN_JSON = "application/json"
_PLAIN_XML = ("application/xml", "text/xml")
XML_TYPES = (FHIR_XML, *_PLAIN_XML)
_WILDCARDS = ("*/*", "application/*")
_FORMATS = {
    **dict.fromkeys(("json", "text/json", FHIR_JSON), FHIR_JSON),
    **dict.fromkeys(("xml", FHIR_XML), FHIR_XML),
    **{name: name for name in (_PLAIN_JSON, *_PLAIN_XML)},
}
"""What ``_format`` may say."""
PAGE = "text/html"
_PAGE_FORMATS = {"html": PAGE, PAGE: PAGE, "text/*": PAGE}
"""What more there is where an address offers a page."""
_NDJSON_TYPES = (NDJSON, "application/ndjson", "application/x-ndjson")
_RESOURCE_TYPES = (FHIR_JSON, _PLAIN_JSON, *XML_TYPES)
_PATCH_TYPES = (JSON_PATCH, FHIR_JSON, XML_PATCH, FHIR_XML)
FORM = "application/x-www-form-urlencoded"


@lru_cache(maxsize=256)
def answer_type(accept: str, wanted_format: str | None, version: FhirVersion, with_page: bool = False) -> str:
    """Return the content type of the answer; ``_format`` goes before Accept. Raises OutcomeError 406.

    ``with_page`` says that there is a page too, for who asks for HTML.
    """
    formats = _FORMATS | _PAGE_FORMATS if with_page else _FORMATS
    if wanted_format is not None:
        name, parameters = _media_type(wanted_format.replace(" ", "+"))  # a plus sign that was not escaped
        if name not in formats or not _fits(parameters, version):
            raise _not_acceptable("http._format")
        return _with_charset(formats[name])
    best, best_quality = None, 0.0
    for item in accept.split(",") if accept.strip() else [FHIR_JSON]:
        name, parameters = _media_type(item)
        chosen = FHIR_JSON if name in _WILDCARDS else formats.get(name)
        quality = _quality(parameters)
        if chosen is not None and quality > best_quality and _fits(parameters, version):
            best, best_quality = chosen, quality
    if best is None:
        raise _not_acceptable("http.Accept")
    return _with_charset(best)


def is_ndjson(content_type: str) -> bool:
    """Return whether ``content_type`` is a name of newline-delimited JSON."""
    return _media_type(content_type)[0] in _NDJSON_TYPES


@lru_cache(maxsize=256)
def body_type(content_type: str, method: str, version: FhirVersion) -> str:
    """Return the media type of a body of ``content_type``, one that ``method`` takes; raises OutcomeError 415."""
    name, parameters = _media_type(content_type)
    taken = _PATCH_TYPES if method == "PATCH" else _RESOURCE_TYPES
    if name not in taken or not _fits(parameters, version):
        headers = {"Accept-Patch": ", ".join(taken)} if method == "PATCH" else {}
        raise _unsupported(f"{_listed(taken)}, in UTF-8, of FHIR version {version.mime_number}", headers)
    return name


@lru_cache(maxsize=256)
def require_form(content_type: str) -> None:
    """Raise OutcomeError 415 unless a body of ``content_type`` is a form."""
    name, parameters = _media_type(content_type)
    if name != FORM or parameters.get("charset", "utf-8").lower() != "utf-8":
        raise _unsupported(f"{FORM} for a search", {})


def _media_type(text: str) -> tuple[str, dict[str, str]]:
    message = Message()
    message["content-type"] = text.strip()
    parameters = {name.lower(): value for name, value in message.get_params(failobj=[("", "")])[1:]}
    name = text.partition(";")[0].strip().lower()
    return name, parameters


def _fits(parameters: dict[str, str], version: FhirVersion) -> bool:
    asked = parameters.get("fhirversion", version.mime_number)
    charset = parameters.get("charset", "utf-8").lower()
    return asked in (version.mime_number, version.number) and charset in ("utf-8", "utf8")


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0


def _with_charset(name: str) -> str:
    return f"{name}; charset=utf-8"


def _not_acceptable(place: str) -> OutcomeError:
    sentence = f"Answers come as {_listed(_RESOURCE_TYPES)}, in UTF-8, of FHIR version 4.0"
    return OutcomeError(Issue("not-acceptable", sentence, place))


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _unsupported(expected: str, headers: dict[str, str]) -> OutcomeError:
    issue = Issue("unsupported-media-type", f"The body must be {expected}", "http.Content-Type")
    return OutcomeError(issue, headers=headers)
