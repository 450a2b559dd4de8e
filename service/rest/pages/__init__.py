"""The pages for people: ``/``, ``/docs`` (Swagger UI from the package itself) and ``/openapi.json``."""

from service.rest.pages.routes import page_routes

__all__ = ["page_routes"]
