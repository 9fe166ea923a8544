"""R13: mail servers that put off, refuse, drop, stall, strip STARTTLS, and say what no mail server should.

For each: what becomes of the mail is what the contract says, a mail that was sent twice has one Message-ID and its answer had been
lost, only refused recipients are given up, and nothing is ever said in clear where TLS is required.
"""
import collections
import random
import time

import pytest
from lib import faulty, findings, ledger, sick, verdict
from lib.certs import Certs
from lib.daemon import mailbox, rule, source
from lib.rawsmtp import DROP, RESET, STALL, Endless, RawSmtp

TORTURE = "R13"
ALL = {"source": ["aws.securityhub"]}
RSS_MAX_KIB = 40 * 1024
STALL_MAX_S = 0.5
STEP = 1 if verdict.is_long() else 29


def identity(doc):
    return doc["Id"]


class Ward:
    """A daemon with one mailbox, to whom findings are told one after the other."""

    def __init__(self, sim, make_daemon, url, **sink):
        sim.service(hub=True)
        self.sim, self.docs = sim, []
        self.daemon = make_daemon(
            sim, sources=[source("securityhub", start="-24h", interval="1h", rate="1000/s")],
            sinks=[mailbox("mail", url, flood="off", backlog="each", max_in_flight=1, **{"timeout": "2s", **sink})],
            rules=[rule("all", ALL, "mail")])
        self.daemon.start()
        self.daemon.wait_log("poll.done")

    def tell(self, count=1):
        made = [findings.custom(seed="ward/%d" % (len(self.docs) + n), updated=time.time(), created=time.time()) for n in range(count)]
        self.docs += made
        self.sim.add("securityhub", made)
        since = self.daemon.mark()
        self.daemon.ctl("poll")
        self.daemon.wait_log("poll.done", since=since)

    def outcomes(self, since=0):
        return [a for a in sick.attempts(self.daemon, "mail") if a.at >= since]

    def wait_outcome(self, since):
        """The first attempt that ended after that line of the log."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            found = self.outcomes(since)
            if found:
                return found[0]
            time.sleep(0.005)
        raise AssertionError("no attempt ended:\n" + "\n".join(self.daemon.lines[-30:]))

    def wait_end(self, since):
        """Until it is delivered or buried; what it was."""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            found = [a for a in self.outcomes(since) if a.event in ("done", "dead")]
            if found:
                return found[0]
            time.sleep(0.005)
        raise AssertionError("it was neither delivered nor buried:\n" + "\n".join(self.daemon.lines[-30:]))


def arrivals(received):
    return ledger.from_mail(received)


def finish(ward, received, cases, wrong, excused, what, nurse, watch, also=True):
    """Stop, and tell the verdict. excused: how many mails the server took without the daemon knowing."""
    rss = sick.rss_kib(ward.daemon.process.pid)
    assert ward.daemon.stop() == 0
    dead = {one["key"] for one in ward.daemon.events("courier.dead")}
    row = ledger.close(ledger.wanted(ward.docs, lambda d: True, identity), arrivals(received))
    came = {a.key for a in arrivals(received)}
    lost = row["lost"] - len([k for k in dead if not any(k in c for c in came)])
    for one in wrong[:30]:
        print("WRONG", one)
    verdict.tell("R13", runs=cases, lost=lost, repeated=row["repeated"], worst="%s: %d wrong outcomes; loop held %.0f ms; %d MiB" % (
        what, len(wrong), 1000 * max(nurse.slow, watch.slow), rss // 1024),
        target="0 lost, repeats only of lost answers and under one Message-ID, outcomes as the contract says, nothing in clear",
        ok=also and not wrong and lost == 0 and not row["twice"] and not row["unexpected"] and row["repeated"] <= excused and rss < RSS_MAX_KIB
        and max(nurse.slow, watch.slow) < STALL_MAX_S)


# what is said at which stage -> what becomes of the mail
REPLIES = [("CONNECT", "421 4.3.2 busy", "retry"), ("CONNECT", "554 5.3.2 go away", "retry"), ("CONNECT", "451 later", "retry"),
           ("EHLO", "421 4.3.2 closing", "retry"), ("EHLO", "451 later", "retry"),
           ("STARTTLS", "454 4.7.0 no TLS now", "retry"), ("STARTTLS", "421 closing", "retry"), ("STARTTLS", "501 what", "retry"),
           ("AUTH", "535 5.7.8 wrong", "hold"), ("AUTH", "534 5.7.9 too weak", "hold"), ("AUTH", "454 4.7.0 later", "retry"),
           ("AUTH", "421 closing", "retry"), ("MAIL", "451 later", "retry"), ("MAIL", "421 closing", "retry"), ("MAIL", "452 full", "retry"),
           ("MAIL", "550 5.7.1 not from you", "hold"), ("MAIL", "530 5.7.0 log in first", "hold"), ("RCPT", "450 later", "retry"),
           ("RCPT", "451 later", "retry"), ("RCPT", "421 closing", "retry"), ("RCPT", "452 too many", "retry"), ("RCPT", "550 5.1.1 nobody", "dead"),
           ("RCPT", "553 no", "dead"), ("DATA", "451 later", "retry"), ("DATA", "421 closing", "retry"), ("DATA", "554 no", "dead"),
           ("END", "451 later", "retry"), ("END", "452 full", "retry"), ("END", "421 closing", "retry"), ("END", "554 5.7.1 spam", "dead"),
           ("END", "550 no", "dead"), ("END", "552 too big", "dead")]


def test_every_refusal_at_every_stage(sim, make_mail, certs, make_daemon):
    """A real server with STARTTLS and AUTH; each stage in turn says each of these once, drops, or never answers."""
    mail = make_mail(starttls=Certs.context(certs.good), users={"u": "p"}, require_tls=True)
    cases = REPLIES + [(stage, how, "retry") for stage in ("CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "END")
                       for how in ("drop", "stall")] + [("END", "keep", "retry")]
    ward = Ward(sim, make_daemon, mail.url, ca_file=certs.ca, username="u", password="p", timeout="500ms")
    wrong = []
    with sick.Nurse(ward.daemon, ["mail"]) as nurse, sick.Watch(ward.daemon) as watch:
        for stage, what, want in cases:
            for transport in list(mail.transports):     # no connection is left from before: every stage is passed again
                mail._loop.call_soon_threadsafe(transport.close)
            mark = ward.daemon.mark()
            how = {"drop": {"drop": True}, "stall": {"stall": True}, "keep": {"drop": True, "keep": True}}.get(what, {"reply": what})
            fault = mail.fault(stage, count=1, **how)
            ward.tell()
            first = ward.wait_outcome(mark)
            end = ward.wait_end(mark)
            mail.heal()
            if not fault.fired:
                wrong.append((stage, what, "did not strike"))
            if first.event != want or end.event != ("dead" if want == "dead" else "done"):
                wrong.append((stage, what, "wanted " + want, first.event, end.event, first.answer))
        finish(ward, mail.received, len(cases), wrong, 1, "aiosmtpd, each stage", nurse, watch,
               also=all(m.tls and m.user for m in mail.received))


def odd_servers():
    """(name, entry of the script, what becomes of the mail: None where both done and retry will do)"""
    line = b"a" * 100_000
    at_dot = [("dot: yes in four pieces", [b"2", b"50 o", b"k\r", b"\n"], "done"), ("dot: slow", [1.0, b"250 ok\r\n"], "done"),
              ("dot: garbage, then yes", b"x\xff\x00y\r\n250 ok\r\n", "done"), ("dot: a line of 100 kB", b"250 " + line + b"\r\n", "done"),
              ("dot: 10,000 lines", b"250-more\r\n" * 10_000 + b"250 ok\r\n", "done"), ("dot: LF alone", b"250 ok\n", "done"),
              ("dot: half a reply", [b"250-\r\n", DROP], "retry"), ("dot: half a code", [b"25", DROP], "retry"),
              ("dot: 354 again", b"354 go on\r\n", "retry"), ("dot: 999", b"999 what\r\n", "retry"), ("dot: endless", Endless(b"250-more\r\n"), "retry"),
              ("dot: reset", RESET, "retry"), ("dot: drop", DROP, "retry"), ("dot: stall", STALL, "retry"),
              ("dot: one byte a second", [b"2", 1.0, b"5", 1.0, b"0", 1.0, b"\r\n"], "retry")]
    before = [("banner: SSH", {"CONNECT": b"SSH-2.0-OpenSSH_9.2\r\n"}, "retry"), ("banner: binary", {"CONNECT": b"\x00\xff\x15\x03" * 50 + b"\r\n"}, "retry"),
              ("banner: HTTP", {"CONNECT": b"HTTP/1.1 400 Bad Request\r\n\r\n"}, "retry"), ("banner: none", {"CONNECT": STALL}, "retry"),
              ("banner: a line of 100 kB", {"CONNECT": b"220 " + line + b"\r\n"}, None), ("banner: 100 kB, no end", {"CONNECT": [b"220 " + line, STALL]}, "retry"),
              ("banner: 10,000 lines", {"CONNECT": b"220-hello\r\n" * 10_000 + b"220 ok\r\n"}, None), ("banner: endless", {"CONNECT": Endless(b"220-x\r\n")}, "retry"),
              ("banner: twice", {"CONNECT": b"220 a\r\n220 b\r\n"}, None), ("banner: in pieces", {"CONNECT": [b"22", b"0-a\r", b"\n220", b" b\r\n"]}, "done"),
              ("EHLO: in pieces", {"EHLO": [b"250-mail\r\n250-SI", b"ZE 1000\r\n250 HE", b"LP\r\n"]}, "done"), ("EHLO: refused, HELO too", {"EHLO": b"502 what\r\n"}, "retry"),
              ("EHLO: a line of 100 kB", {"EHLO": b"250-" + line + b"\r\n250 HELP\r\n"}, None), ("EHLO: endless", {"EHLO": Endless(b"250-more\r\n")}, "retry"),
              ("MAIL: in pieces", {"MAIL": [b"2", b"50-a\r\n25", b"0 ok\r\n"]}, "done"), ("MAIL: yes twice", {"MAIL": b"250 ok\r\n250 ok\r\n"}, "retry"),
              ("MAIL: 354", {"MAIL": b"354 go\r\n"}, "retry"), ("MAIL: nonsense", {"MAIL": b"hello\r\n"}, "retry"), ("MAIL: 100 kB", {"MAIL": b"250 " + line + b"\r\n"}, "done"),
              ("RCPT: in pieces", {"RCPT": [b"250-1\r", b"\n250-2\r\n250 ", b"3\r\n"]}, "done"), ("RCPT: all at once", {"RCPT": b"250 ok\r\n354 go\r\n250 queued\r\n"}, "retry"),
              ("RCPT: endless", {"RCPT": Endless(b"250-more\r\n")}, "retry"), ("DATA: two lines", {"DATA": [b"354-go\r\n", b"354 on\r\n"]}, "done"),
              ("DATA: yes", {"DATA": b"250 queued\r\n"}, "retry"), ("DATA: go, and yes at once", {"DATA": b"354 go\r\n250 queued\r\n"}, "retry"),
              ("DATA: reset", {"DATA": RESET}, "retry"), ("DATA: go, then gone", {"DATA": [b"354 go\r\n", RESET]}, "retry")]
    return before + [(name, {"END": said}, want) for name, said, want in at_dot]


def test_what_no_mail_server_should_say(sim, make_daemon):
    wrong, cases = [], odd_servers()
    with RawSmtp() as server:
        ward = Ward(sim, make_daemon, server.url, tls="none")
        with sick.Nurse(ward.daemon, ["mail"]) as nurse, sick.Watch(ward.daemon) as watch:
            for name, plan, want in cases:
                for transport in list(server.transports):
                    server._loop.call_soon_threadsafe(transport.close)
                mark = ward.daemon.mark()
                with server.changed:
                    server.script = [plan]
                ward.tell()
                first, end = ward.wait_outcome(mark), ward.wait_end(mark)
                if (want and first.event != want) or first.event not in ("done", "retry") or end.event != "done":
                    wrong.append((name, "wanted %s" % want, first.event, end.event, first.answer))
            excused = sum(1 for m in server.received if not m.answered)
            finish(ward, server.received, len(cases), wrong, excused, "a server by hand", nurse, watch)


def test_nothing_is_said_in_clear_where_tls_is_required(sim, make_daemon):
    """STARTTLS stripped from the offer, refused, faked, followed by injected replies: no name, no address, no mail."""
    offer = b"250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"
    plans = [{}, {"EHLO": b"250-mail\r\n250 AUTH PLAIN LOGIN\r\n"}, {"EHLO": offer, "STARTTLS": b"454 not now\r\n"},
             {"EHLO": offer, "STARTTLS": b"502 what\r\n"}, {"EHLO": offer, "STARTTLS": b"220 go\r\nEHLO what\r\n250 ok\r\n"},
             {"EHLO": offer, "STARTTLS": [b"220 go\r\n", b"250 no TLS, but come in\r\n"]}, {"EHLO": offer, "STARTTLS": b"250 ok\r\n"},
             {"EHLO": offer, "STARTTLS": [b"220 go\r\n", RESET]}, {"EHLO": offer, "STARTTLS": [b"220 go\r\n", STALL]},
             {"EHLO": b"502 what\r\n"}, {"CONNECT": b"220-a\r\n250-STARTTLS\r\n220 b\r\n"}]
    wrong = []
    with RawSmtp() as server:
        ward = Ward(sim, make_daemon, server.url, username="user-word", password="secret-word", timeout="500ms")
        ward.tell()
        with sick.Watch(ward.daemon) as watch:
            for plan in plans:
                mark = ward.daemon.mark()
                with server.changed:
                    server.script = [plan] * 20
                ward.daemon.request("POST", "/v1/sinks/resume?name=mail")
                first = ward.wait_outcome(mark)
                if first.event != "retry":
                    wrong.append((str(plan), first.event, first.answer))
        clear = [words for _, words in server.said if words[:4].upper() in ("AUTH", "MAIL", "RCPT", "DATA") or "secret-word" in words]
        assert ward.daemon.stop() == 0
        told = "\n".join(ward.daemon.lines)
    for one in wrong + clear:
        print("WRONG", one)
    verdict.tell("R13", runs=len(plans), lost=0, repeated=len(server.received), worst="%d commands in clear" % len(clear),
                 target="never in clear", ok=not clear and not wrong and not server.received and "secret-word" not in told
                 and watch.slow < STALL_MAX_S)


def test_only_refused_recipients_are_given_up(sim, make_mail, make_daemon):
    """Three recipients: one refused for good, one put off at times, one fine; answers to the dot are lost at times."""
    count = 1000 if verdict.is_long() else 60
    mail, rng = make_mail(), random.Random(13)
    from lib.looped import Turn
    from lib.smtpd import Fault
    lost_answers = 0

    def find(stage, arg):
        nonlocal lost_answers
        if stage == "RCPT" and "gone@" in arg:
            return Fault(stage, "550 5.1.1 nobody", None, False, False, False, Turn())
        if stage == "RCPT" and "busy@" in arg and rng.random() < 0.3:
            return Fault(stage, "451 4.2.1 later", None, False, False, False, Turn())
        if stage == "END" and rng.random() < 0.1:
            lost_answers += 1
            return Fault(stage, "", None, True, True, False, Turn())
        return None
    mail.find = find
    ward = Ward(sim, make_daemon, mail.url, tls="none", to=["gone@example.com", "fine@example.com", "busy@example.com"])
    with sick.Nurse(ward.daemon, ["mail"]) as nurse, sick.Watch(ward.daemon) as watch:
        ward.tell(count)
        ward.daemon.wait_log("courier.delivered", count=count, timeout=60 + count * 0.5)
    assert ward.daemon.stop() == 0
    got = {to: collections.Counter() for to in ("gone@example.com", "fine@example.com", "busy@example.com")}
    for one in mail.received:
        for to in one.rcpt_tos:
            got[to][one.key] += 1
    lost = 2 * count - len(got["fine@example.com"]) - len(got["busy@example.com"])
    repeated = sum(sum(c.values()) - len(c) for c in got.values())
    verdict.tell("R13", runs=count, lost=lost, repeated=repeated, worst="3 recipients, %d answers lost; loop held %.0f ms" % (
        lost_answers, 1000 * max(nurse.slow, watch.slow)), target="0 lost, the refused one gets nothing, repeats only of lost answers",
        ok=lost == 0 and not got["gone@example.com"] and repeated <= 2 * lost_answers and not ward.daemon.events("courier.dead")
        and len({m.key for m in mail.received}) == count)


def test_greylisted_mail_arrives_once(sim, make_mail, make_daemon):
    mail = make_mail(greylist=True)
    ward = Ward(sim, make_daemon, mail.url, tls="none", to=["a@example.com", "b@example.com"])
    with sick.Nurse(ward.daemon, ["mail"]) as nurse, sick.Watch(ward.daemon) as watch:
        ward.tell(5)
        mail.wait(lambda got: len({(m.key, r) for m in got for r in m.rcpt_tos}) >= 10, timeout=60)
        ward.daemon.wait_log("courier.delivered", count=5)
        finish(ward, mail.received, 5, [], 0, "greylisted", nurse, watch, also=len([1 for m in mail.received for _ in m.rcpt_tos]) == 10)


@pytest.mark.parametrize("tls", ["none", "required"])
def test_a_conversation_that_ends_at_any_byte(tls, sim, make_mail, certs, make_daemon):
    mail = make_mail(starttls=Certs.context(certs.good)) if tls == "required" else make_mail()
    script = [(way, at, with_reset) for with_reset in (True, False) for way, most in (("out", 600), ("in", 300 if tls == "none" else 600))
              for at in range(0, most, STEP)]
    if tls == "none":       # into the mail, and behind its end
        script += [("out", at, True) for at in range(600, 6000, STEP * 7)]
    with faulty.RawCut(mail.port, script) as cut:
        ward = Ward(sim, make_daemon, "smtp://localhost:%d" % cut.port, tls=tls, timeout="1s", **({"ca_file": certs.ca} if tls == "required" else {}))
        with sick.Nurse(ward.daemon, ["mail"]) as nurse, sick.Watch(ward.daemon) as watch:
            while cut.left:
                ward.tell(10)
                mail.wait(lambda got: len({m.key for m in got}) >= len(ward.docs) or not cut.left, timeout=60 + len(script) * 0.2)
            mail.wait(lambda got: len({m.key for m in got}) >= len(ward.docs), timeout=60)
            finish(ward, mail.received, len(script), [], cut.cuts, "cut, tls = " + tls, nurse, watch)
