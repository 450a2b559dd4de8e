"""Lines of the log hold what happened, and of an exception nothing that it may quote."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from service.logs import FIELDS, REQUEST_ID, logging_config


@pytest.fixture
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What two loggers write, one of ours and one of a library, in the form that the test is parametrised with."""
    stream = io.StringIO()
    config = logging_config(request.param)
    handler = config["handlers"]["stderr"] | {"stream": stream}
    of_tests = {name: {"level": "INFO", "handlers": ["stderr"], "propagate": False} for name in ("service.x", "lib.x")}
    logging.config.dictConfig(config | {"handlers": {"stderr": handler}, "loggers": of_tests, "root": {}})
    token = REQUEST_ID.set("r-1")
    yield stream
    REQUEST_ID.reset(token)
    for name in of_tests:
        logging.getLogger(name).handlers.clear()


NAME = "Ximena"


def fail(logger: str) -> None:
    try:
        int(NAME)
    except ValueError:
        logging.getLogger(logger).exception("it failed")


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_json_line_has_a_name_for_everything(written: io.StringIO) -> None:
    logging.getLogger("service.x").info("%s done\nat last", "all", extra={FIELDS: {"status": 200}})
    fail("lib.x")
    told, failed = (json.loads(line) for line in written.getvalue().splitlines())
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "INFO",
        "logger": "service.x",
        "message": "all done\nat last",
        "request_id": "r-1",
        "status": 200,
    }
    assert failed["error"].endswith("ValueError")
    assert "test_logs.py" in failed["error"]


@pytest.mark.parametrize("written", ["text"], indirect=True)
def test_a_text_line_has_the_same_for_people(written: io.StringIO) -> None:
    logging.getLogger("service.x").info("request", extra={FIELDS: {"status": 200}})
    assert written.getvalue().endswith(" INFO request status=200 [r-1]\n")


@pytest.mark.parametrize("written", ["json", "text"], indirect=True)
def test_what_a_library_raises_is_not_quoted_and_what_we_raise_is(written: io.StringIO) -> None:
    fail("lib.x")
    assert NAME not in written.getvalue()
    fail("service.x")
    assert NAME in written.getvalue()
