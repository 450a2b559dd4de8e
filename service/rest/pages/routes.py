"""Where the pages are. Their links are relative, so that they work behind any prefix."""

from importlib.resources import files

from starlette.routing import Route

from service.conformance.openapi import openapi_file
from service.rest.pages.asset import FOR_EVER, Asset

_POLICY = "; ".join(
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


def page_routes() -> list[Route]:
    """Return the routes of the pages and of the files that they need."""
    assets = {name: _asset("fastapi_swagger.resources", name, kind) for name, kind in _SWAGGER.items()}
    assets |= {name: _asset(__package__, name, kind) for name, kind in _OWN.items()}
    addresses = {name: f"docs/{asset.digest}/{name}" for name, asset in assets.items()}
    document = Asset(openapi_file().read_bytes(), "application/json")
    return [
        Route("/", _page("index.html", addresses).answer),
        Route("/docs", _page("docs.html", addresses).answer),
        Route("/openapi.json", document.answer),
        *(Route(f"/{address}", assets[name].answer) for name, address in addresses.items()),
    ]


def _asset(package: str, name: str, media_type: str) -> Asset:
    return Asset((files(package) / name).read_bytes(), media_type, FOR_EVER)


def _page(name: str, addresses: dict[str, str]) -> Asset:
    """Return a page with the addresses of its files filled in; they change when the files do."""
    html = (files(__package__) / name).read_text(encoding="utf-8")
    for file, address in addresses.items():
        html = html.replace(f'"{file}"', f'"{address}"')
    return Asset(html.encode(), "text/html", Content_Security_Policy=_POLICY, Referrer_Policy="no-referrer")
