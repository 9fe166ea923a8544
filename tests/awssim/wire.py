"""HTTP/1.1 on asyncio: reads requests, writes answers, and misbehaves on order.

Written by hand because a server library would refuse to cut a body or to lie about its length, and because pages of
half a megabyte have to go out as one write.
"""
import asyncio
import socket
import struct

MAX_HEAD = 64 * 1024
MAX_BODY = 512 * 1024 * 1024
_REASONS = {200: b"OK", 301: b"Moved Permanently", 302: b"Found", 307: b"Temporary Redirect", 400: b"Bad Request",
            401: b"Unauthorized", 403: b"Forbidden", 404: b"Not Found", 408: b"Request Timeout",
            411: b"Length Required", 413: b"Payload Too Large", 429: b"Too Many Requests",
            500: b"Internal Server Error", 502: b"Bad Gateway", 503: b"Service Unavailable", 504: b"Gateway Timeout"}


class Request:
    """method, path and query as sent; headers by lower-case name, repeated ones joined by a comma; body."""

    __slots__ = ("method", "path", "query", "headers", "body")

    def __init__(self, method, target, headers, body):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body


class Answer:
    """status, headers [(name, value)] and body parts, all bytes; fault: what to do wrong in sending it."""

    __slots__ = ("status", "headers", "parts", "fault")

    def __init__(self, status, headers, parts, fault=None):
        self.status = status
        self.headers = headers
        self.parts = parts
        self.fault = fault

    def head(self, length, version=b"HTTP/1.1"):
        lines = [b"%s %d %s" % (version, self.status, _REASONS.get(self.status, b"Answer"))]
        lines.extend(b"%s: %s" % pair for pair in self.headers)
        if length is not None:
            lines.append(b"Content-Length: %d" % length)
        return b"\r\n".join(lines) + b"\r\n\r\n"


def parse_head(data):
    """(method, target, headers) of a request head without its empty line; ValueError if it is none."""
    lines = data.decode("latin-1").split("\r\n")
    method, target, version = lines[0].split(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise ValueError(version)
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(line)
        name, value = name.lower(), value.strip()
        headers[name] = headers[name] + "," + value if name in headers else value
    return method, target, headers


class Connection(asyncio.Protocol):
    """One client. app.handle(request) gives an Answer, or something to await for one."""

    def __init__(self, app):
        self.app = app
        self.buffer = bytearray()
        self.transport = None
        self.head = None
        self.busy = None
        self.room = asyncio.Event()
        self.room.set()

    def connection_made(self, transport):
        self.transport = transport
        sock = transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 << 20)
        self.app.connections.add(self)

    def connection_lost(self, _error):
        self.app.connections.discard(self)
        self.room.set()
        if self.busy is not None:
            self.busy.cancel()

    def pause_writing(self):
        self.room.clear()

    def resume_writing(self):
        self.room.set()

    def data_received(self, data):
        self.buffer += data
        self.pump()

    def pump(self):
        """Take as many requests as are there, one after another."""
        while self.busy is None and not self.transport.is_closing():
            request = self._next()
            if request is None:
                return
            result = self.app.handle(request)
            if isinstance(result, Answer) and result.fault is None:
                self.send(result)
                if request.headers.get("connection", "").lower() == "close":
                    self.transport.close()
            else:
                self.busy = asyncio.ensure_future(self._slowly(result))
                self.busy.add_done_callback(self._done)

    def _done(self, task):
        self.busy = None
        if not task.cancelled() and task.exception() is not None:
            self.app.trouble(task.exception())
            self.transport.abort()
        elif not self.transport.is_closing():
            self.pump()

    def _next(self):
        if self.head is None:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self.buffer) > MAX_HEAD:
                    self._refuse(400)
                return None
            try:
                self.head = parse_head(bytes(self.buffer[:end]))
                length = int(self.head[2].get("content-length", "0"))
            except ValueError:
                return self._refuse(400)
            del self.buffer[:end + 4]
            if "transfer-encoding" in self.head[2]:
                return self._refuse(411)
            if not 0 <= length <= MAX_BODY:
                return self._refuse(413)
            if self.head[2].get("expect", "").lower() == "100-continue":
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(self.head[2].get("content-length", "0"))
        if len(self.buffer) < length:
            return None
        request = Request(*self.head, bytes(self.buffer[:length]))
        del self.buffer[:length]
        self.head = None
        return request

    def _refuse(self, status):
        self.send(Answer(status, [(b"Connection", b"close")], [b""]))
        self.transport.close()

    def send(self, answer):
        length = sum(map(len, answer.parts))
        self.transport.write(b"".join((answer.head(length), *answer.parts)))

    async def _slowly(self, result):
        answer = result if isinstance(result, Answer) else await result
        if answer.fault is None:
            self.send(answer)
        else:
            await _MISDEEDS.get(answer.fault.kind, _plain)(self, answer, answer.fault)

    async def drained(self):
        """Until all that was written is in the kernel's hands."""
        self.transport.set_write_buffer_limits(0)
        await asyncio.sleep(0)
        while self.transport.get_write_buffer_size() and not self.transport.is_closing():
            self.room.clear()
            await self.room.wait()

    def reset(self):
        """Close with RST."""
        sock = self.transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


async def _plain(conn, answer, _fault):
    conn.send(answer)


async def _slow(conn, answer, fault):
    await asyncio.sleep(fault.get("seconds", 1.0))
    conn.send(answer)


async def _stall(conn, answer, fault):
    if fault.get("head"):
        conn.transport.write(answer.head(sum(map(len, answer.parts))))
    await asyncio.Event().wait()


async def _trickle(conn, answer, fault):
    body = b"".join(answer.parts)
    whole = answer.head(len(body)) + body
    at = fault.get("plain", 0)
    conn.transport.write(whole[:at])
    while at < len(whole) and not conn.transport.is_closing():
        await asyncio.sleep(fault.get("interval", 1.0))
        conn.transport.write(whole[at:at + 1])
        at += 1


async def _reset(conn, answer, fault):
    body = b"".join(answer.parts)
    whole = answer.head(len(body)) + body
    conn.transport.write(whole[:fault.get("at", 0)])
    await conn.drained()
    conn.reset()


async def _cut(conn, answer, fault):
    body = b"".join(answer.parts)
    keep = fault.get("at", len(body) // 2)
    conn.transport.write(answer.head(max(len(body), keep + 1)) + body[:keep])
    conn.transport.close()


async def _wrong_length(conn, answer, fault):
    body = b"".join(answer.parts)
    by = fault.get("by", 10)
    conn.transport.write(answer.head(max(0, len(body) + by)) + body)
    if not fault.get("keep_open"):
        conn.transport.close()


async def _http10(conn, answer, _fault):
    conn.transport.write(b"".join((answer.head(None, b"HTTP/1.0"), *answer.parts)))
    conn.transport.close()


async def _chunk_error(conn, answer, _fault):
    body = b"".join(answer.parts)
    half = len(body) // 2
    answer.headers.append((b"Transfer-Encoding", b"chunked"))
    conn.transport.write(answer.head(None) + b"%x\r\n" % half + body[:half] + b"\r\nnot-a-length\r\n" + body[half:])
    conn.transport.close()


async def _pour(conn, answer, fault):
    """A body over any ceiling (oversize: with its length; endless: chunked, until the client goes)."""
    total = fault.get("bytes", 64 << 20) if fault.kind == "oversize" else None
    chunk = b" " * 65536
    if total is None:
        answer.headers.append((b"Transfer-Encoding", b"chunked"))
    conn.transport.write(answer.head(total) + (b"" if total is not None else b"b\r\n" + b'{"Findings"' + b"\r\n"))
    sent = 0
    while not conn.transport.is_closing() and (total is None or sent < total):
        piece = chunk if total is None else chunk[:total - sent]
        conn.transport.write(b"%x\r\n%s\r\n" % (len(piece), piece) if total is None else piece)
        sent += len(piece)
        await conn.room.wait()
        await asyncio.sleep(0)


_MISDEEDS = {
    "slow": _slow, "stall": _stall, "trickle": _trickle, "reset": _reset, "cut": _cut,
    "wrong_content_length": _wrong_length, "http10": _http10, "chunk_error": _chunk_error, "oversize": _pour,
    "endless": _pour,
}
