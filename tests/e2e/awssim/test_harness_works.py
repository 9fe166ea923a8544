"""The servers and helpers that judge the daemon do what they say: the mail server fails at the stage it was told to and
keeps what it took, the webhook receiver sees a false signature, the certificates are good and bad, the ledger counts
what was lost and what came twice, the configuration is written in libconfig's syntax."""
import http.client
import json
import smtplib
import socket
import ssl
import time

import pytest

from lib import daemon, findings, hook, ledger
from lib.ledger import Arrival
from lib.looped import TimeUp

MESSAGE = ("From: a@example.com\r\nTo: b@example.com\r\nSubject: t\r\nMessage-ID: <fd1-1@host>\r\n"
           "X-Findingsd-Finding: id1\r\nX-Findingsd-Change: created\r\n\r\n..dots\r\n.\r\nend\r\n")


# mail

def client(mailbox, tls=None, login=None):
    made = smtplib.SMTP("127.0.0.1", mailbox.port, timeout=10)
    made.ehlo("client.example.com")
    if tls:
        made._host = "localhost"
        made.starttls(context=tls)
        made.ehlo("client.example.com")
    if login:
        made.login(*login)
    return made


def submit(smtp, *rcpts):
    return smtp.sendmail("a@example.com", list(rcpts) or ["b@example.com"], MESSAGE)


def test_mail_is_kept_as_it_came(mail):
    assert submit(client(mail), "b@example.com", "c@example.com") == {}
    got = mail.wait(1)[0]
    assert (got.mail_from, got.rcpt_tos) == ("a@example.com", ["b@example.com", "c@example.com"])
    assert got.data == MESSAGE.encode()
    assert (got.key, got.helo, got.tls, got.user, got.answered) == ("fd1-1@host", "client.example.com", False, None, True)
    assert [a[0] for a in got.answers if a[0] == "RCPT"] == ["RCPT", "RCPT"]
    with pytest.raises(TimeUp):
        mail.wait(2, timeout=0.1)


@pytest.mark.parametrize("stage", ["EHLO", "MAIL", "RCPT", "DATA", "END"])
def test_mail_is_refused_at_the_stage(mail, stage):
    fault = mail.fault(stage, "451 4.3.0 later", nth=1)
    smtp = smtplib.SMTP("127.0.0.1", mail.port, timeout=10)
    if stage == "EHLO":
        assert smtp.ehlo("x")[0] == 451
    else:
        with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)) as caught:
            submit(smtp)
        assert "451" in str(caught.value)
    assert fault.fired == 1
    submit(client(mail))
    assert len(mail.wait(1)) == 1


def test_mail_421_closes(mail):
    mail.fault("MAIL", "421 4.3.2 going down", nth=1)
    mail.fault("CONNECT", "421 busy", nth=2)
    smtp = client(mail)
    assert smtp.mail("a@example.com")[0] == 421
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        smtp.noop()
        smtp.noop()
    with pytest.raises(smtplib.SMTPConnectError, match="421"):
        smtplib.SMTP("127.0.0.1", mail.port, timeout=10)
    submit(client(mail))


def test_mail_one_recipient_refused(mail):
    mail.fault("RCPT", "550 5.1.1 no such user", rcpt="gone@example.com")
    refused = submit(client(mail), "b@example.com", "gone@example.com")
    assert {k: v[0] for k, v in refused.items()} == {"gone@example.com": 550}
    assert mail.wait(1)[0].rcpt_tos == ["b@example.com"]


@pytest.mark.parametrize("keep", [True, False])
def test_mail_dropped_before_the_answer(mail, keep):
    mail.fault("END", drop=True, keep=keep, nth=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, OSError)):
        submit(client(mail))
    assert len(mail.received) == (1 if keep else 0)
    if keep:
        assert mail.received[0].answered is False
    submit(client(mail))
    assert len(mail.received) == (2 if keep else 1)


def test_mail_tls_and_login(make_mail, certs):
    trust = ssl.create_default_context(cafile=certs.ca)
    box = make_mail(starttls=certs.context(certs.good), users={"u": "right"}, require_tls=True)
    smtp = client(box)
    assert not smtp.has_extn("auth") and smtp.has_extn("starttls")
    smtp = client(box, tls=trust)
    assert smtp.has_extn("auth")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.login("u", "wrong")
    submit(client(box, tls=trust, login=("u", "right")))
    got = box.wait(1)[0]
    assert got.tls and got.user == "u"
    assert "right" not in json.dumps(box.talk)
    box.fault("STARTTLS", "454 4.7.0 not now", nth=1)
    with pytest.raises(smtplib.SMTPResponseException):
        client(box, tls=trust)


def test_mail_implicit_tls(make_mail, certs):
    box = make_mail(implicit=certs.context(certs.good))
    trust = ssl.create_default_context(cafile=certs.ca)
    smtp = smtplib.SMTP_SSL("localhost", box.port, context=trust, timeout=10)
    submit(smtp)
    assert box.wait(1)[0].tls


def test_mail_settings(make_mail):
    assert not client(make_mail(size=0)).has_extn("size")
    box = make_mail(greylist=True)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        submit(client(box))
    submit(client(box))
    assert len(box.received) == 1


# webhooks

def post(receiver, body=b"{}", headers=None, timeout=10):
    conn = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=timeout)
    try:
        conn.request("POST", "/hook", body, headers or {})
        return conn.getresponse().status
    finally:
        conn.close()


def test_signature_by_the_specs_own_vector():
    """The vector of the Standard Webhooks specification."""
    body = b'{"test": 2432232314}'
    headers = {"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
               "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}
    secret = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]

    def fault(now=1614265330, body=body, secret=secret, **change):
        return hook.check_signature(secret, {**headers, **change}, body, now)
    assert fault() is None
    assert fault(secret=["whsec_" + "QUJD" * 6, *secret]) is None
    assert "no signature fits" in fault(body=body + b" ")
    assert "no signature fits" in fault(**{"webhook-id": "other"})
    assert "no signature fits" in fault(secret=["whsec_" + "QUJD" * 6])
    assert "5 minutes" in fault(now=1614265330 + 301)
    assert "missing" in fault(**{"webhook-signature": ""})
    assert fault(**{"webhook-signature": "v1,AAAA " + headers["webhook-signature"]}) is None


def test_webhook_keeps_and_answers(hook):
    hook.answer(503, retry_after=3, count=2)
    hook.answer(fault="reset", nth=2)
    hook.answer(301, location="http://127.0.0.1:1/", contains="moved")
    assert [post(hook) for _ in range(3)] == [503, 503, 204]
    with pytest.raises(OSError):
        post(hook)
    assert post(hook, b'"moved"') == 301
    got = hook.wait(5)
    assert [g.status for g in got] == [503, 503, 204, 200, 301]
    assert [g.accepted for g in got] == [False, False, True, False, False]
    assert [g.signed for g in got] == [False] * 5 and "missing" in got[0].fault
    assert [g.n for g in got] == [1, 2, 3, 4, 5]
    hook.heal()
    with pytest.raises(ValueError):
        hook.answer(fault="stal")
    with pytest.raises(ValueError):
        hook.answer(fault="cut", att=5)
    hook.answer(fault="stall", nth=1)
    with pytest.raises(TimeoutError):
        post(hook, timeout=0.2)
    port = hook.port
    hook.stop()
    with pytest.raises(OSError):
        post(hook)
    hook.start(port)
    assert post(hook) == 204


@pytest.mark.parametrize("name, wrong", [("good", None), ("wrong_name", "match|not valid for"), ("expired", "expired"),
                                         ("unknown_ca", "unable to get local issuer")])
def test_certificates(make_hook, certs, name, wrong):
    receiver = make_hook(context=certs.context(getattr(certs, name)))
    trust = ssl.create_default_context(cafile=certs.ca)
    with socket.create_connection(("127.0.0.1", receiver.port), 10) as plain:
        if wrong is None:
            with trust.wrap_socket(plain, server_hostname="localhost") as tls:
                assert tls.version() >= "TLSv1.2"
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match=wrong):
                trust.wrap_socket(plain, server_hostname="localhost")


def test_simulator_over_tls(make_sim, certs):
    sim = make_sim(cert=certs.good[0], key=certs.good[1])
    assert sim.counters() == {}
    import boto3
    made = boto3.client("sts", endpoint_url=sim.url, region_name="us-east-1", verify=certs.ca,
                        aws_access_key_id=sim.accounts[0][1], aws_secret_access_key=sim.accounts[0][2])
    assert made.get_caller_identity()["Account"] == sim.accounts[0][0]


# the ledger

def test_ledger_counts():
    wanted = {("a", "created"): 1, ("b", "created"): 1, ("c", "created"): 1, ("d", "resolved"): 2}
    row = ledger.close(wanted, [
        Arrival("a", "created", "k1"), Arrival("a", "created", "k1"), Arrival("b", "created", "k2"),
        Arrival("b", "created", "k3"), Arrival("d", "resolved", "k4"), Arrival("x", "created", "k9")])
    assert {c: row[c] for c in ledger.SINK_COLUMNS} == {
        "expected": 5, "delivered": 5, "lost": 2, "twice": 1, "repeated": 1, "unexpected": 1}
    assert sorted(row["lost_items"]) == [("c", "created"), ("d", "resolved")]
    assert (row["twice_items"], row["unexpected_items"]) == ([("b", "created")], [("x", "created")])
    assert not ledger.is_clean(row)
    clean = ledger.close({("a", "created"): 1}, [Arrival("a", "created", "k"), Arrival("a", "created", "k")])
    assert ledger.is_clean(clean) and clean["repeated"] == 1
    assert "lost" in ledger.table({"hook": row}).splitlines()[0]


def test_ledger_reads_each_sink(mail, hook):
    submit(client(mail))
    assert ledger.from_mail(mail.wait(1)) == [Arrival("id1", "created", "fd1-1@host")]
    post(hook, b'{"type":"finding.resolved","data":{"identity":"id2"}}', {"webhook-id": "k2"})
    post(hook, b"raw", {"webhook-id": "k3", "X-Findingsd-Finding": "id3", "X-Findingsd-Change": "created"})
    post(hook, b'{"type":"findingsd.notice","data":{"identity":"","change":"created"}}', {"webhook-id": "own"})
    hook.answer(500)
    post(hook, b"{}", {"webhook-id": "k4"})
    assert ledger.from_hook(hook.wait(4)) == [Arrival("id2", "resolved", "k2"), Arrival("id3", "created", "k3")]
    message = {"attributes": {"finding": {"value": "id"}, "change": {"value": "created"},
                              "message_key": {"value": "k"}}, "deduplicated": False}
    assert ledger.from_sns([message, {**message, "deduplicated": True}]) == [Arrival("id", "created", "k")]
    high = [f for f in findings.many("guardduty", 40) if json.loads(f)["severity"] >= 7]
    found = ledger.wanted(findings.many("guardduty", 40), lambda d: d["severity"] >= 7, lambda d: d["id"])
    assert len(found) == len(high) > 5


# the daemon's helper

def test_configuration_is_written_in_libconfigs_syntax():
    text = daemon.settings({
        "a": "quote \" back \\ line\n", "n": 5, "big": 2**31, "on": True, "none": None, "list": ["x", "y"], "empty": [],
        "groups": [{"name": "g", "inner": {"k": False}}, {"name": "h"}], "raw": daemon.Raw("[ 1, 2 ]")})
    assert text == ('a = "quote \\" back \\\\ line\\n";\nn = 5;\nbig = 2147483648L;\non = true;\nlist = [ "x", "y" ];\n'
                    'empty = [  ];\ngroups = (\n  {\n    name = "g";\n    inner = {\n      k = false;\n    };\n  },\n'
                    '  {\n    name = "h";\n  }\n);\nraw = [ 1, 2 ];\n')


@pytest.mark.parametrize("line, fields", [
    ("2026-01-15T12:00:00.000Z info poll.done source=hub findings=3", {"event": "poll.done", "source": "hub",
                                                                        "findings": "3"}),
    ('<4>sink.failing name=hook why="HTTP 503 \\"busy\\""', {"event": "sink.failing", "name": "hook",
                                                              "why": 'HTTP 503 "busy"'}),
    ("==123==ERROR: AddressSanitizer: heap-use-after-free", None)])
def test_log_lines_are_read(line, fields):
    got = daemon.parse_line(line)
    assert got == (fields and {**fields, "line": line})


FAKE = """#!/usr/bin/python3
import os, signal, socket, sys, time
if "--once" in sys.argv:
    print('{"findings":1,"delivered":1}'); sys.stderr.write("log\\n"); sys.exit(75)
def say(text):
    os.write(2, b"2026-01-15T12:00:00.000Z info %s\\n" % text.encode())
def end(*_):
    say("stop.done"); os._exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGHUP, lambda *_: say("reload.done plan=2"))
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"READY=1\\nSTATUS=up", os.environ["NOTIFY_SOCKET"])
say("start.done key=" + os.environ.get("AWS_ACCESS_KEY_ID", ""))
while True:
    time.sleep(5)
"""


def test_daemon_helper_starts_waits_and_ends(tmp_path, sim, monkeypatch):
    fake = tmp_path / "fake"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    monkeypatch.setenv("FINDINGSD_BIN", str(fake))
    made = daemon.Daemon(tmp_path / "d", sim, rules=[daemon.rule("r", {"source": ["aws.guardduty"]}, "hook")],
                         sinks=[daemon.webhook("hook", "http://127.0.0.1:1/")])
    try:
        code, line, err = made.once()
        assert (code, line["delivered"], err) == (75, 1, "log\n")
        made.start()
        assert "STATUS=up" in made.states
        assert made.wait_log("start.done")["key"] == sim.accounts[0][1]
        mark = made.mark()
        made.reload()
        assert made.wait_log("reload.done", since=mark, plan=2)["plan"] == "2"
        with pytest.raises(daemon.TimeUp, match="never.said"):
            made.wait_log("never.said", timeout=0.3)
        assert made.stop() == 0
        assert made.events("stop.done")
        made.start()
        made.kill()
        assert made.process.returncode == -9
        with pytest.raises(daemon.TimeUp, match="ended"):
            made.wait_log("never.said")
    finally:
        made.close()
    assert 'endpoint_url = "%s"' % sim.url in (tmp_path / "d" / "findingsd.conf").read_text()


def test_generator_is_steady_and_mixed():
    assert findings.many("securityhub", 30, start=findings.BASE) == findings.many("securityhub", 30, start=findings.BASE)
    docs = [json.loads(f) for f in findings.many("securityhub", 200, start=findings.BASE)]
    assert len({(d["ProductArn"], d["Id"]) for d in docs}) == 200
    assert {d["ProductName"] for d in docs} == {"GuardDuty", "Security Hub", "Default"}
    assert {d["Severity"]["Label"] for d in docs} == {"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
    sizes = [len(f) for f in findings.many("securityhub", 200) + findings.many("guardduty", 200)]
    assert min(sizes) > 800 and max(sizes) < 6000
    twin = findings.twin(findings.guardduty(7))
    assert twin["Id"] == findings.guardduty(7)["arn"]
    pretty = findings.text(findings.guardduty(1), pretty=True)
    assert json.loads(pretty) == findings.guardduty(1) and pretty.count(b"\n") > 50
    at = json.loads(findings.many("guardduty", 1)[0])["updatedAt"]
    assert at > findings.instant(time.time() - 120)
