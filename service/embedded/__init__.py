"""The embedded MongoDB: a real ``mongod`` for trying and testing, owned by this process."""

from service.embedded.directory import served_uri
from service.embedded.failure import EmbeddedMongoError
from service.embedded.mongo import EmbeddedMongo

__all__ = ["EmbeddedMongo", "EmbeddedMongoError", "served_uri"]
