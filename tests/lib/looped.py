"""A server on an asyncio loop of its own, in a thread: what SMTP server and webhook receiver have in common."""
import asyncio
import threading
import time


class TimeUp(AssertionError):
    """A wait ran out of time; the message says what did come."""


class Looped:
    """start() listens on 127.0.0.1 (a given port brings a server back at its old place), stop() ends it. Subclasses
    give make_protocol() and keep what they receive in self.received under self.changed."""

    def __init__(self, context=None):
        self.context = context
        self.port = None
        self.received = []
        self.changed = threading.Condition()
        self.transports = set()
        self._loop = None
        self._thread = None
        self._server = None

    def make_protocol(self):
        raise NotImplementedError

    def start(self, port=0):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        made = self._loop.create_server(self.make_protocol, "127.0.0.1", port, ssl=self.context, backlog=256)
        self._server = asyncio.run_coroutine_threadsafe(made, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def _down(self):
        self._server.close()
        for transport in list(self.transports):
            transport.abort()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def stop(self):
        """Close the port and all connections; what was received stays."""
        if self._loop is None:
            return
        asyncio.run_coroutine_threadsafe(self._down(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
        self._loop = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def keep(self, item):
        """Called on the loop's thread with each thing received."""
        with self.changed:
            self.received.append(item)
            self.changed.notify_all()

    def wait(self, test, timeout=30.0):
        """Until test(list of what was received) is true; a number means at least so many. Returns that list."""
        wanted = (lambda got: len(got) >= test) if isinstance(test, int) else test
        until = time.monotonic() + timeout
        with self.changed:
            while not wanted(self.received):
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeUp("waited %s s for %s of %s; %d came: %s" % (
                        timeout, test, type(self).__name__, len(self.received), [str(r)[:200] for r in self.received[-3:]]))
                self.changed.wait(left)
            return list(self.received)


class Turn:
    """Decides on which of the matching events a scripted answer comes: nth (only that one), or skip so many, then count
    times (None: for ever)."""

    def __init__(self, nth=None, skip=0, count=None):
        self.nth, self.skip, self.count = nth, skip, count
        self.seen = 0
        self.fired = 0

    def mine(self):
        self.seen += 1
        if self.nth is not None:
            hit = self.seen == self.nth
        else:
            hit = self.seen > self.skip and (self.count is None or self.seen <= self.skip + self.count)
        self.fired += hit
        return hit
