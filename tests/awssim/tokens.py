"""Page tokens: opaque, bound to the query, never the same twice, with a life.

The real services refuse a token that comes with another query ("Input Query has changed"), a stale one, and a made-up
one. A token carries the sort key of the last row given out, so rows that arrive meanwhile take their place in order.
"""
import base64
import hashlib
import hmac
import itertools
import json


class BadToken(Exception):
    """Made up, damaged or expired."""


class QueryChanged(Exception):
    """A good token of another query."""


class Tokens:
    def __init__(self, clock):
        self.clock = clock
        self.life = 24 * 3600.0
        self.epoch = 0
        self._secret = b"awssim page tokens"
        self._count = itertools.count(1)

    @staticmethod
    def digest(scope, body, token_name):
        """What a token is bound to: who asks where, and the whole request but the token itself."""
        rest = {k: v for k, v in body.items() if k != token_name}
        return hashlib.sha256(json.dumps([scope, rest], sort_keys=True).encode()).hexdigest()[:20]

    def _mac(self, payload):
        return hmac.new(self._secret, payload, hashlib.sha256).digest()[:12]

    def make(self, query, position):
        payload = json.dumps([query, position, self.clock.now(), self.epoch, next(self._count)]).encode()
        return base64.b64encode(self._mac(payload) + payload).decode()

    def read(self, token, query):
        """The position, or raises."""
        try:
            blob = base64.b64decode(token, validate=True)
        except (ValueError, TypeError) as bad:
            raise BadToken from bad
        mac, payload = blob[:12], blob[12:]
        if not hmac.compare_digest(mac, self._mac(payload)):
            raise BadToken
        bound, position, made, epoch, _ = json.loads(payload)
        if bound != query:
            raise QueryChanged
        if epoch != self.epoch or self.clock.now() - made > self.life:
            raise BadToken
        return position
