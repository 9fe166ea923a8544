"""A real SMTP server (aiosmtpd) that keeps every mail and fails on order.

    with Mailbox(starttls=certs.context(certs.good), users={"u": "secret"}) as mail:
        mail.fault("RCPT", "550 5.1.1 no such user", rcpt="gone@example.com")
        mail.fault("END", drop=True, keep=True, nth=1)       # mail taken, connection dropped before the 250
        mail.wait(2)

Stages: CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA (the command), END (the dot). A reply of 421 closes the connection.
"""
import asyncio
import email
import email.policy
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

from .looped import Looped, Turn

STAGES = ("CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "END")


class Mail:
    """One mail that was taken. data is what came, dots unstuffed; answered is False when the client never saw the
    250."""

    def __init__(self, session, envelope, tls, answers, answered):
        self.mail_from = envelope.mail_from
        self.rcpt_tos = list(envelope.rcpt_tos)
        self.data = envelope.original_content
        self.helo = session.host_name
        self.tls = tls
        self.user = session.auth_data       # what _authenticate gave: the name
        self.answers = answers          # [(stage, argument, reply)] of the session so far
        self.answered = answered

    @property
    def message(self):
        return email.message_from_bytes(self.data, policy=email.policy.default)

    @property
    def key(self):
        """The Message-ID without its brackets."""
        return (self.message["Message-ID"] or "").strip().strip("<>")

    def text(self, kind="plain"):
        """The decoded text/plain (or text/html) part."""
        part = self.message.get_body((kind,))
        return part.get_content() if part is not None else None

    def __str__(self):
        return "mail %s to %s: %s" % (self.key, ", ".join(self.rcpt_tos), self.message["Subject"])


class Fault:
    def __init__(self, stage, reply, rcpt, drop, keep, stall, turn):
        self.stage, self.reply, self.rcpt = stage, reply, rcpt
        self.drop, self.keep, self.stall, self.turn = drop, keep, stall, turn

    @property
    def fired(self):
        return self.turn.fired


class _Server(SMTP):
    """aiosmtpd's server, with a fault looked for at each stage before it does its work."""

    def __init__(self, mailbox, **settings):
        self.mailbox = mailbox
        self.answers = []
        self.stage = ("CONNECT", "")
        self.greeted = False
        super().__init__(mailbox, **settings)

    def connection_made(self, transport):
        super().connection_made(transport)
        self.mailbox.transports.add(transport)

    def connection_lost(self, error):
        self.mailbox.transports.discard(self.transport)
        super().connection_lost(error)

    async def push(self, status):
        if not self.greeted:
            self.greeted = True
            fault = self.mailbox.find("CONNECT", "")
            if fault is not None:
                return await self.misbehave(fault)
        text = status if isinstance(status, str) else status.decode("utf-8", "replace")
        with self.mailbox.changed:
            self.answers.append((*self.stage, text))
            self.mailbox.talk.append((*self.stage, text))
        await super().push(status)

    async def misbehave(self, fault):
        """Answer as the fault says; the command is not carried out."""
        if fault.stall:
            await asyncio.Event().wait()
        if fault.reply:
            await self.push(fault.reply)
        if fault.drop or fault.reply.startswith("421"):
            self.transport.close()

    async def staged(self, stage, run, arg):
        self.stage = (stage, arg or "")
        fault = self.mailbox.find(stage, arg or "")
        if fault is None:
            await run(arg)
        else:
            await self.misbehave(fault)

    async def smtp_EHLO(self, arg):
        await self.staged("EHLO", super().smtp_EHLO, arg)

    async def smtp_STARTTLS(self, arg):
        await self.staged("STARTTLS", super().smtp_STARTTLS, arg)

    async def smtp_AUTH(self, arg):
        word = (arg or "").split(" ")[0]        # the secret behind it is not to be kept
        fault = self.mailbox.find("AUTH", word)
        self.stage = ("AUTH", word)
        if fault is None:
            await super().smtp_AUTH(arg)
        else:
            await self.misbehave(fault)

    async def smtp_MAIL(self, arg):
        await self.staged("MAIL", super().smtp_MAIL, arg)

    async def smtp_RCPT(self, arg):
        await self.staged("RCPT", super().smtp_RCPT, arg)

    async def smtp_DATA(self, arg):
        await self.staged("DATA", super().smtp_DATA, arg)


class Mailbox(Looped):
    """starttls: SSLContext to offer STARTTLS with. implicit: SSLContext for TLS from the first byte. users: name ->
    password; None: no AUTH wanted. size: SIZE limit, 0: not announced. greylist: each (sender, recipient) is first told
    451."""

    def __init__(self, starttls=None, implicit=None, users=None, size=33554432, greylist=False, require_tls=False,
                 auth=("PLAIN", "LOGIN")):
        super().__init__(implicit)
        self.starttls = starttls
        self.users = users
        self.size = size
        self.greylist = greylist
        self.require_tls = require_tls
        self.auth = auth
        self.talk = []          # (stage, argument, reply) of all sessions
        self._faults = []
        self._grey = set()
        self._lock = threading.Lock()

    @property
    def url(self):
        return "%s://localhost:%d" % ("smtps" if self.context else "smtp", self.port)

    def make_protocol(self):
        settings = {}
        if self.users is not None:
            settings = {"authenticator": self._authenticate, "auth_required": True, "auth_require_tls":
                        self.starttls is not None and self.require_tls,
                        "auth_exclude_mechanism": [m for m in ("PLAIN", "LOGIN") if m not in self.auth]}
        else:
            settings = {"auth_exclude_mechanism": ["PLAIN", "LOGIN"]}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _Server(self, loop=self._loop, hostname="mail.example.com", data_size_limit=self.size or None,
                           tls_context=self.starttls, require_starttls=self.require_tls, timeout=600,
                           enable_SMTPUTF8=False, **settings)

    def _authenticate(self, _server, _session, _envelope, _mechanism, data):
        name, password = data.login.decode(), data.password.decode()
        good = self.users.get(name) == password
        return AuthResult(success=good, handled=False, auth_data=name if good else None)

    def fault(self, stage, reply="", rcpt=None, drop=False, keep=False, stall=False, nth=None, skip=0, count=None):
        """Script one failure: a reply in place of the work, or drop (close without one), or stall. keep: at END, the mail
        is taken all the same. Returns it; .fired counts."""
        if stage not in STAGES:
            raise ValueError("stage %r: one of %s" % (stage, ", ".join(STAGES)))
        made = Fault(stage, reply, rcpt, drop, keep, stall, Turn(nth, skip, count))
        with self._lock:
            self._faults.append(made)
        return made

    def heal(self):
        with self._lock:
            self._faults.clear()

    def find(self, stage, arg):
        with self._lock:
            for fault in self._faults:
                if fault.stage == stage and (fault.rcpt is None or fault.rcpt in arg) and fault.turn.mine():
                    return fault
        return None

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):
        session.host_name = hostname
        return [r for r in responses if r.strip() != "250-AUTH"]        # nothing to authenticate with: not offered

    async def handle_RCPT(self, server, _session, envelope, address, options):
        pair = (envelope.mail_from, address)
        if self.greylist and pair not in self._grey:
            self._grey.add(pair)
            return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        server.stage = ("END", "")
        fault = self.find("END", " ".join(envelope.rcpt_tos))
        if fault is None or fault.keep:
            tls = server.transport.get_extra_info("ssl_object") is not None
            self.keep(Mail(session, envelope, tls, list(server.answers), fault is None))
        if fault is None:
            return "250 2.0.0 OK: queued as %d" % len(self.received)
        if fault.stall:
            await asyncio.Event().wait()
        if fault.drop:
            server.transport.abort()
            await asyncio.sleep(0)
            raise asyncio.CancelledError
        if fault.reply.startswith("421"):
            self._loop.call_later(0.2, server.transport.close)
        return fault.reply
