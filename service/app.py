"""The composition root: settings become an ASGI application."""

from fastapi import FastAPI

from service.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Return the application; its lifespan opens and closes the database."""
    return FastAPI(openapi_url=None, docs_url=None, redoc_url=None)


def from_environment() -> FastAPI:
    """Return the application that the environment's settings describe (what each worker runs)."""
    return create_app(Settings())
