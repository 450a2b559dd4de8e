"""The dashboard as a page: it needs no script and nothing from elsewhere, and prints as it is."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from service.reporting.dashboard.contents import Contents
from service.reporting.dashboard.drawing.palette import PALETTE
from service.reporting.dashboard.wording import LANGUAGE, WORDS, month_in_words

_STYLE = (files(__package__) / "templates" / "reports.css").read_text(encoding="utf-8")
_STYLE_DIGEST = b64encode(sha256(_STYLE.encode()).digest()).decode()
POLICY = "; ".join(
    (
        "default-src 'none'",  # no script, no font, no request of any kind
        f"style-src 'sha256-{_STYLE_DIGEST}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The Content-Security-Policy of the page: its own style, and nothing else."""

GROUPINGS = ("custodian", "care-setting", "dual-diagnosis", "legal-status")
"""By what groups can be made."""
LENGTHS = (6, 12, 24)
"""Numbers of months that the page offers."""
_TEMPLATES = Environment(
    loader=PackageLoader("service.reporting.dashboard"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to the same page about something else."""

    label: str
    address: str
    is_chosen: bool


def page(contents: Contents, svgs: Mapping[str, str], asked: Mapping[str, str] | None = None) -> bytes:
    """Return the page; with what was ``asked`` for, it links to what else can be, and to the numbers as CSV."""
    return (
        _TEMPLATES.get_template("reports.html")
        .render(
            contents=contents,
            period=period(contents),
            scope=scope(contents),
            pictures={key: _in_colours_of_page(svg) for key, svg in svgs.items()},
            reading=[WORDS[name] for name in WORDS if name.startswith("reading.")],
            groupings=[] if asked is None else _groupings(asked),
            lengths=[] if asked is None else _lengths(asked, len(contents.months)),
            numbers=None if asked is None else lambda codes: _address(asked, _format="csv", indicator=",".join(codes)),
            words=WORDS,
            language=LANGUAGE,
            style=Markup(_STYLE),  # noqa: S704 - our own file; escaped it would be no style
        )
        .encode()
    )


def period(contents: Contents) -> str:
    """Return from when to when, in words."""
    months = contents.months
    if not months:
        return ""
    name = "period" if len(months) > 1 else "period-one"
    return WORDS[name].format(first=month_in_words(months[0]), last=month_in_words(months[-1]))


def scope(contents: Contents) -> str:
    """Return about whom it is, in words."""
    return WORDS["scope-by"].format(by=WORDS[f"scope.{contents.by}"]) if contents.by else WORDS["scope"]


def _groupings(asked: Mapping[str, str]) -> Sequence[Choice]:
    return [
        Choice(WORDS[f"by.{by}" if by else "by-none"], _address(asked, by=by), asked.get("by", "") == by)
        for by in ("", *GROUPINGS)
    ]


def _lengths(asked: Mapping[str, str], number: int) -> Sequence[Choice]:
    return [
        Choice(WORDS["months-number"].format(length), _address(asked, months=str(length)), number == length)
        for length in LENGTHS
    ]


def _address(asked: Mapping[str, str], **other: str) -> str:
    """Return the address of the same page, with ``other`` parameters; it starts with its query."""
    parameters: dict[str, Any] = {**asked, **other}
    return "?" + urlencode({name: value for name, value in parameters.items() if value}, safe=",")


def _in_colours_of_page(svg: str) -> Markup:
    """Return a picture of ours whose colours are those of the page, which are others in the dark and on paper."""
    for name, colour in PALETTE.items():
        svg = svg.replace(f'"{colour}"', f'"var(--{name})"')
    return Markup(svg)  # noqa: S704 - written by lxml, which escaped what is in it
