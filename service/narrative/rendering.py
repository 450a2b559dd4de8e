"""The templates, compiled once; whatever is put into them is escaped."""

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

_BREAK = Markup("<br/>")


def lines(text: str) -> str | Markup:
    """Return ``text``, its line breaks as such."""
    return _BREAK.join(text.splitlines()) if "\n" in text else text


def template(name: str) -> Template:
    """Return a template of this package."""
    return _ENVIRONMENT.get_template(name)


_ENVIRONMENT = Environment(
    loader=PackageLoader("service.narrative"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["lines"] = lines
