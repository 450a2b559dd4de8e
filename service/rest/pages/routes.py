"""Where the pages are. Their links are relative, so that they work behind any prefix."""

from collections.abc import Awaitable, Callable
from functools import cache, partial
from importlib.resources import files

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from service.conformance.definitions import Definitions
from service.conformance.guide import INDEX, Guide
from service.conformance.openapi import openapi_file
from service.rest.pages.asset import FOR_EVER, Asset

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_SWAGGER_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Swagger UI sets styles on elements
        "img-src 'self' data:",  # and draws its icons as data: images
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_SWAGGER = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_OWN = {"docs.js": "text/javascript", "pages.css": "text/css"}


_GUIDE = "docs/profiles"

Addresses = dict[str, str]


def page_routes(definitions: Definitions) -> list[Route]:
    """Return the routes of the pages, those of the guide to ``definitions`` among them, and of the files they need."""
    assets = {name: _asset("fastapi_swagger.resources", name, kind) for name, kind in _SWAGGER.items()}
    assets |= {name: _asset(__package__, name, kind) for name, kind in _OWN.items()}
    addresses = {name: f"docs/{asset.digest}/{name}" for name, asset in assets.items()}
    document = Asset(openapi_file().read_bytes(), "application/json")
    return [
        Route("/", _page(_text("index.html"), addresses).answer),
        Route("/docs", _page(_text("docs.html"), addresses, _SWAGGER_POLICY).answer),
        Route("/openapi.json", document.answer),
        *(Route(f"/{address}", assets[name].answer) for name, address in addresses.items()),
        *_guide_routes(Guide(definitions), {name: f"../../{address}" for name, address in addresses.items()}),
    ]


def _guide_routes(guide: Guide, addresses: Addresses) -> list[Route]:
    def page(name: str) -> Asset:
        return _page(guide.html(name), addresses)

    pages = [
        Route(f"/{_GUIDE}/{'' if name == INDEX else name}", _on_demand(partial(page, name))) for name in guide.titles
    ]
    return [Route(f"/{_GUIDE}", _with_slash), *pages]


async def _with_slash(_: Request) -> Response:
    """Lead to the folder of the guide: relative links need the slash."""
    return RedirectResponse(f"{_GUIDE.rpartition('/')[2]}/", status_code=308)


def _on_demand(make: Callable[[], Asset]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint for what ``make`` makes when somebody first asks for it."""
    made = cache(make)

    async def answer(request: Request) -> Response:
        asset = await run_in_threadpool(made)
        return await asset.answer(request)

    return answer


def _asset(package: str, name: str, media_type: str) -> Asset:
    return Asset((files(package) / name).read_bytes(), media_type, FOR_EVER)


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _page(html: str, addresses: Addresses, policy: str = _POLICY) -> Asset:
    """Return a page with the addresses of its files filled in; they change when the files do."""
    for file, address in addresses.items():
        html = html.replace(f'"{file}"', f'"{address}"')
    return Asset(html.encode(), "text/html", Content_Security_Policy=policy)
