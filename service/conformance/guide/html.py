"""Pages as HTML: what the Markdown says, with captions and header cells, and links that lead through the service."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape

from service.conformance.guide.addresses import served
from service.conformance.guide.markdown import slug

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_PAGE = Environment(
    loader=PackageLoader("service.conformance.guide"),
    autoescape=True,
    undefined=StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
).get_template("page.html")


class Section(NamedTuple):
    """A heading: its level, its name in links, and its words."""

    level: int
    name: str
    title: str


def document(name: str, titles: dict[str, str], text: str) -> str:
    """Return the page ``name`` of those in ``titles`` as an HTML document, made of its Markdown ``text``."""
    tokens = _with_captions(_MARKDOWN.parse(text))
    _lead_through_the_service(tokens)
    _head_rows(tokens)
    sections = list(_mark_headings(tokens))
    content = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return _PAGE.render(
        title=titles[name],
        pages=[(title, served(f"{page}.md"), page == name) for page, title in titles.items()],
        sections=[section for section in sections if section.level > 1],
        content=Markup(content),  # noqa: S704 - our own text, made HTML by the parser
    )


def _lead_through_the_service(tokens: Sequence[Token]) -> None:
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                child.attrs["href"] = served(str(child.attrs["href"]))


def _head_rows(tokens: Sequence[Token]) -> None:
    """Make the first cell of each row its header, and say of each header what it heads."""
    before = ""
    is_first = False
    for token in tokens:
        if token.type == "th_open":
            token.attrs["scope"] = "col"
        elif token.type == "td_open" and before == "tr_open":
            token.tag, token.attrs["scope"], is_first = "th", "row", True
        elif token.type == "td_close" and is_first:
            token.tag, is_first = "th", False
        before = token.type


def _mark_headings(tokens: Sequence[Token]) -> Iterator[Section]:
    """Give each heading the name by which links lead to it, and yield it."""
    for heading, inline in pairwise(tokens):
        if heading.type == "heading_open":
            title = "".join(child.content for child in inline.children or ())
            heading.attrs["id"] = slug(title)
            yield Section(int(heading.tag[1]), slug(title), title)


def _with_captions(tokens: Iterable[Token]) -> list[Token]:
    """Return ``tokens`` with the line before each table as its caption, and a frame in which the table scrolls."""
    found: list[Token] = []
    number = 0
    for token in tokens:
        if token.type == "table_open":
            number += 1
            line = found[-2]
            del found[-3:]
            line.children = [child for child in line.children or () if child.tag != "em"]
            found += [_frame(number), token, _caption(number), line, Token("caption_close", "caption", -1)]
        elif token.type == "table_close":
            found += [token, Token("frame_close", "div", -1)]
        else:
            found.append(token)
    return found


def _frame(number: int) -> Token:
    labelled = {"class": "table", "role": "region", "aria-labelledby": f"table-{number}", "tabindex": "0"}
    return Token("frame_open", "div", 1, attrs={**labelled})


def _caption(number: int) -> Token:
    return Token("caption_open", "caption", 1, attrs={"id": f"table-{number}"})


def _example(_: RendererHTML, tokens: Sequence[Token], place: int, *__: object) -> str:
    return f'<pre tabindex="0"><code>{escape(tokens[place].content)}</code></pre>\n'


_MARKDOWN.add_render_rule("fence", _example)
