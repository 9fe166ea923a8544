"""A mail server by hand, for what a real one never says: any bytes in any pieces at each stage.

    with RawSmtp([{"CONNECT": b"SSH-2.0-x\\r\\n"}, {}, {"END": [b"2", b"50 ok\\r\\n"]}]) as server:

The script has one entry a connection: stage -> what is said there in place of the usual. bytes; a list of bytes, each sent by
itself; DROP, RESET, STALL; ENDLESS + bytes (said until the client goes). Stages: CONNECT, EHLO, STARTTLS, MAIL, RCPT, DATA, END.
Behind the script all goes well. A mail whose dot came is kept in received, whatever is said to it then.
"""
import asyncio
import email
import email.policy
import socket

from .faulty import reset
from .looped import Looped

DROP, RESET, STALL = "drop", "reset", "stall"
USUAL = {"CONNECT": b"220 mail.example.com ESMTP\r\n", "EHLO": b"250-mail.example.com\r\n250 SIZE 10000000\r\n", "MAIL": b"250 ok\r\n",
         "RCPT": b"250 ok\r\n", "DATA": b"354 go on\r\n", "END": b"250 2.0.0 queued\r\n", "QUIT": b"221 bye\r\n", "STARTTLS": b"220 go\r\n",
         "RSET": b"250 ok\r\n"}


class Endless(bytes):
    pass


class Taken:
    """A mail whose final dot came. answered: whether the usual was said to it."""

    def __init__(self, rcpts, data, answered):
        self.rcpt_tos, self.data, self.answered = rcpts, data, answered

    @property
    def message(self):
        return email.message_from_bytes(self.data, policy=email.policy.default)

    @property
    def key(self):
        return (self.message["Message-ID"] or "").strip().strip("<>")


class RawSmtp(Looped):
    def __init__(self, script=()):
        super().__init__()
        self.script = list(script)
        self.said = []          # (number of the connection, command line) as they came

    @property
    def url(self):
        return "smtp://127.0.0.1:%d" % self.port

    def make_protocol(self):
        reader = asyncio.StreamReader(limit=1 << 22)
        return asyncio.StreamReaderProtocol(reader, self._serve)

    async def _serve(self, reader, writer):
        self.transports.add(writer.transport)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.changed:
            plan = self.script.pop(0) if self.script else {}
        try:
            await _Talk(self, reader, writer, plan).run()
        except (ConnectionError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.transports.discard(writer.transport)
            writer.close()


class _Talk:
    number = 0

    def __init__(self, server, reader, writer, plan):
        self.server, self.reader, self.writer, self.plan = server, reader, writer, plan
        _Talk.number += 1
        self.number = _Talk.number
        self.rcpts = []

    async def say(self, stage):
        """False: it is over."""
        what = self.plan.get(stage, USUAL[stage])
        if isinstance(what, Endless):
            while not self.writer.is_closing():
                self.writer.write(bytes(what) * 100)
                await self.writer.drain()
            return False
        for piece in what if isinstance(what, list) else [what]:
            if piece == STALL:
                while await self.reader.read(65536):
                    pass
                return False
            if piece in (DROP, RESET):
                await self.writer.drain()
                if piece == RESET:
                    reset(self.writer)
                return False
            if isinstance(piece, float):
                await asyncio.sleep(piece)
                continue
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.002)      # so that pieces are packets of their own
        return True

    async def run(self):
        alive = await self.say("CONNECT")
        while alive:
            line = await self.reader.readline()
            if not line:
                return
            words = line.decode("latin-1").strip()
            with self.server.changed:
                self.server.said.append((self.number, words))
            verb = {"HELO": "EHLO"}.get(words[:4].upper(), words[:8].upper() if words[:8].upper() == "STARTTLS" else words[:4].upper())
            if verb == "RCPT":
                self.rcpts.append(words[words.find("<") + 1:words.rfind(">")])
            if verb not in USUAL:
                self.writer.write(b"502 what\r\n")
                continue
            alive = await self.say(verb) and verb != "QUIT"
            if verb == "DATA" and alive and b"354" in self._joined("DATA"):
                alive = await self.take()

    def _joined(self, stage):
        what = self.plan.get(stage, USUAL[stage])
        return b"".join(p for p in what if isinstance(p, bytes)) if isinstance(what, list) else what

    async def take(self):
        data = await self.reader.readuntil(b"\r\n.\r\n")
        data = data[:-3].replace(b"\r\n..", b"\r\n.")
        self.server.keep(Taken(self.rcpts, data, "END" not in self.plan))
        self.rcpts = []
        return await self.say("END")
