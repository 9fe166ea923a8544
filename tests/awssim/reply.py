"""What an operation gives back, before it becomes an HTTP answer."""
import json


class Reply:
    """A body, whole."""

    __slots__ = ("status", "parts", "content_type")

    def __init__(self, parts, content_type=b"application/json", status=200):
        self.parts = parts
        self.content_type = content_type
        self.status = status

    @classmethod
    def json(cls, value, status=200):
        return cls([json.dumps(value).encode()], status=status)

    @classmethod
    def xml(cls, text):
        return cls([text.encode()], b"text/xml")


class Paged:
    """A page that is still rows, so that faults may take from it or add to it. encode: page -> [bytes]."""

    __slots__ = ("page", "encode")

    def __init__(self, page, encode):
        self.page = page
        self.encode = encode
