"""A proxy between the daemon and a real receiver that breaks exchanges byte by byte, on order.

    with Faulty(hook.port, [cut_request(17), None, cut_answer(40), None, say(503)]) as proxy:
        ... the daemon sends to proxy.url ...
        proxy.exchanges        # what became of each: (case, key, was the whole request handed on)

One HTTP exchange takes one entry of the script, in order; None lets it pass, and so does the script's end. Every exchange
has a connection of its own ("Connection: close" is put into what passes), unless keeps_open: then a cut can strike a
connection that was used before. context: the proxy ends TLS; the receiver behind it is plain.

RawCut is for what lies below HTTP: it ends a connection when so many bytes went one way, whatever they are (a TLS handshake).
"""
import asyncio
import re
import socket
import struct

from .looped import Looped

_KEYS = (re.compile(rb"(?im)^webhook-id: *(\S+)"), re.compile(rb"message_key&[^&]*&[^&]*StringValue=([^&]+)"))


class Case:
    """want: what the daemon makes of it: retry, hold, dead, done. is_lost: the receiver has the message, the sender does not
    know it. is_silent: the daemon tries again within the same attempt."""

    def __init__(self, name, want, act, is_lost=False, is_silent=False, says=""):
        self.name, self.want, self.act = name, want, act
        self.is_lost, self.is_silent, self.says = is_lost, is_silent, says

    def __str__(self):
        return self.name


class Exchange:
    def __init__(self, case, request):
        self.case, self.request = case, request

    @property
    def is_whole(self):
        return _is_whole(self.request)

    @property
    def key(self):
        for pattern in _KEYS:
            found = pattern.search(self.request)
            if found:
                return found.group(1).decode()
        return None


def _is_whole(data):
    head, mark, body = data.partition(b"\r\n\r\n")
    if not mark:
        return False
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return len(body) >= (int(length.group(1)) if length else 0)


def reset(writer):
    """Close with RST."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Talk:
    """One exchange as a case's act sees it."""

    def __init__(self, proxy, reader, writer, first, exchange):
        self.proxy, self.reader, self.writer, self.exchange = proxy, reader, writer, exchange
        self.data = first

    async def read_request(self, at=None):
        """Until the request is whole, or at bytes of it came."""
        while not _is_whole(self.data) and (at is None or len(self.data) < at):
            piece = await self.reader.read(65536)
            if not piece:
                break
            self.data += piece
        self.exchange.request = self.data if at is None else self.data[:at]

    async def hand_on(self):
        """Give the request to the receiver; returns its whole answer."""
        await self.read_request()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.proxy.upstream)
        try:
            writer.write(self.data)
            answer = b""
            while not _is_whole(answer):
                piece = await reader.read(65536)
                if not piece:
                    break
                answer += piece
            return answer
        finally:
            writer.close()

    async def hand_on_part(self):
        """Give what came to the receiver, and break off."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.proxy.upstream)
        writer.write(self.exchange.request)
        try:
            await writer.drain()
        finally:
            reset(writer)

    async def send(self, data, piece=1 << 20):
        for at in range(0, len(data), piece):
            if self.writer.is_closing():
                raise ConnectionResetError
            self.writer.write(data[at:at + piece])
            await self.writer.drain()

    async def end(self, with_reset):
        if with_reset:
            # A write that waits would never go out: the reset is to come behind these bytes.
            self.writer.transport.set_write_buffer_limits(high=1, low=0)
            await self.writer.drain()
            reset(self.writer)
        else:
            self.writer.close()


# ---- cases: what is cut ----

def cut_request(at, with_reset=True):
    async def act(talk):
        await talk.read_request(at)
        await talk.hand_on_part()
        await talk.end(with_reset)
    return Case("request cut at %d by %s" % (at, "RST" if with_reset else "FIN"), "retry", act)


def cut_answer(at, with_reset=True, want="retry"):
    """want: any where the status line may or may not have come."""
    async def act(talk):
        answer = await talk.hand_on()
        await talk.send(answer[:at])
        await talk.end(with_reset)
    return Case("answer cut at %d by %s" % (at, "RST" if with_reset else "FIN"), want, act, is_lost=True)


def stall(hands_on):
    async def act(talk):
        if hands_on:
            await talk.hand_on()
        while await talk.reader.read(65536):
            pass
    return Case("stall %s" % ("instead of the answer" if hands_on else "in the request"), "retry", act, is_lost=hands_on)


def trickle():
    async def act(talk):
        for byte in await talk.hand_on():
            await talk.send(bytes([byte]))
            await asyncio.sleep(1)
    return Case("1 byte/s", "retry", act, is_lost=True)


# ---- cases: what is said instead ----

def say(status, head="", body=b"", want="retry", is_silent=False, says=""):
    """Answer in the receiver's place, which gets nothing."""
    async def act(talk):
        await talk.read_request()
        await talk.send(("HTTP/1.1 %d Said\r\n%sContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, head, len(body))).encode() + body)
        await talk.end(False)
    return Case("%d %s" % (status, head.strip()), want, act, is_silent=is_silent, says=says)


def raw(name, data, want, hands_on=False, is_lost=False, with_reset=False, stays=False, says=""):
    """Answer with these bytes; hands_on: the receiver has the request all the same."""
    async def act(talk):
        if hands_on:
            await talk.hand_on()
        else:
            await talk.read_request()
        await talk.send(data)
        if stays:
            while await talk.reader.read(65536):
                pass
        else:
            await talk.end(with_reset)
    return Case(name, want, act, is_lost=is_lost, says=says)


def pour(name, head, piece, count, want, hands_on=True, is_lost=False):
    """A head, and then count times the same piece, as long as the sender listens."""
    async def act(talk):
        if hands_on:
            await talk.hand_on()
        else:
            await talk.read_request()
        await talk.send(head)
        for _ in range(count):
            await talk.send(piece)
        await talk.end(False)
    return Case(name, want, act, is_lost=is_lost)


async def _pass(talk):
    answer = await talk.hand_on()
    if not talk.proxy.keeps_open:
        answer = answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    await talk.send(answer)


class Faulty(Looped):
    """upstream: the port of the receiver. script: cases and Nones, taken in order."""

    def __init__(self, upstream, script=(), context=None, keeps_open=False):
        super().__init__(context)
        self.upstream = upstream
        self.script = list(script)
        self.keeps_open = keeps_open
        self.exchanges = []
        self.troubles = []
        self.connections = 0

    @property
    def url(self):
        return "%s://%s:%d" % ("https" if self.context else "http", "localhost" if self.context else "127.0.0.1", self.port)

    @property
    def left(self):
        with self.changed:
            return sum(1 for case in self.script if case is not None)

    def make_protocol(self):
        reader = asyncio.StreamReader(limit=1 << 20)
        return asyncio.StreamReaderProtocol(reader, self._serve)

    async def _serve(self, reader, writer):
        self.transports.add(writer.transport)
        self.connections += 1
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, OSError):
            pass        # the other side had enough of it
        except Exception as error:  # noqa: BLE001 (shown by the test)
            self.troubles.append(error)
        finally:
            self.transports.discard(writer.transport)
            if not writer.is_closing():
                writer.close()

    async def _exchange(self, reader, writer):
        """One; false when the connection is not to be used again."""
        first = await reader.read(65536)
        if not first:
            return False
        with self.changed:
            case = self.script.pop(0) if self.script else None
            exchange = Exchange(case, first)
            self.exchanges.append(exchange)
            self.changed.notify_all()
        await (case.act if case else _pass)(Talk(self, reader, writer, first, exchange))
        return case is None and self.keeps_open


class RawCut(Looped):
    """script: ("out" | "in", bytes, with_reset) a connection: out counts what the daemon sends. Behind the script all pass."""

    def __init__(self, upstream, script=()):
        super().__init__()
        self.upstream = upstream
        self.script = list(script)
        self.cuts = 0

    @property
    def left(self):
        with self.changed:
            return len(self.script)

    def make_protocol(self):
        reader = asyncio.StreamReader(limit=1 << 20)
        return asyncio.StreamReaderProtocol(reader, self._serve)

    async def _serve(self, reader, writer):
        with self.changed:
            cut = self.script.pop(0) if self.script else None
        up_writer = None
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
            self.transports.update((writer.transport, up_writer.transport))
            ways = {"out": (reader, up_writer), "in": (up_reader, writer)}
            tasks = [asyncio.ensure_future(self._copy(*ways[way], cut[1] if cut and cut[0] == way else None)) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        except OSError:
            pass
        finally:
            self.cuts += cut is not None
            for one in (writer, up_writer):
                if one is not None:
                    self.transports.discard(one.transport)
                    if cut and cut[2]:
                        reset(one)
                    else:
                        one.close()

    @staticmethod
    async def _copy(reader, writer, limit):
        done = 0
        while limit is None or done < limit:
            piece = await reader.read(65536 if limit is None else min(65536, limit - done))
            if not piece:
                return
            done += len(piece)
            writer.write(piece)
            await writer.drain()
