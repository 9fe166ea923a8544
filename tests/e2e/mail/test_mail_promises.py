"""Mail: never in clear when TLS is required, the same Message-ID when it must be sent again, an outcome per recipient."""
import time

from lib import findings, ledger
from lib.certs import Certs
from lib.daemon import mailbox, rule, source

ALL = {"source": ["aws.securityhub"]}


def one_finding(sim, **how):
    doc = findings.custom(seed="mail", updated=time.time() - 60, **how)
    sim.add("securityhub", doc)
    return doc


def daemon_with(make_daemon, sim, sink, **more):
    return make_daemon(sim, sources=[source("securityhub", start="-24h")], sinks=[sink], rules=[rule("all", ALL, sink["name"])], **more)


def test_starttls_and_auth_with_a_private_ca(sim, make_mail, certs, make_daemon):
    mail = make_mail(starttls=Certs.context(certs.good), users={"u": "p w"}, require_tls=True)
    one_finding(sim)
    done = daemon_with(make_daemon, sim, mailbox("mail", mail.url, ca_file=certs.ca, username="u", password="p w")).once()
    assert done.code == 0 and done.line["delivered"] == 1, done.stderr
    assert mail.received[0].tls and mail.received[0].user


def test_implicit_tls(sim, make_mail, certs, make_daemon):
    mail = make_mail(implicit=Certs.context(certs.good))
    one_finding(sim)
    done = daemon_with(make_daemon, sim, mailbox("mail", mail.url, tls="implicit", ca_file=certs.ca)).once()
    assert done.code == 0 and len(mail.received) == 1, done.stderr


def test_starttls_stripped_is_never_sent_in_clear(sim, make_mail, make_daemon):
    mail = make_mail()  # offers no STARTTLS, as a man in the middle would make it look
    one_finding(sim)
    done = daemon_with(make_daemon, sim, mailbox("mail", mail.url, username="u", password="secret-word")).once()
    assert done.code == 75 and done.line["delivered"] == 0
    assert mail.received == []
    assert not any(stage in ("AUTH", "MAIL", "RCPT", "DATA") for stage, _, _ in mail.talk)
    assert "TLS" in done.stderr and "secret-word" not in done.stderr


def test_lost_answer_after_data_repeats_under_the_same_message_id(sim, make_mail, make_daemon):
    mail = make_mail()
    mail.fault("END", drop=True, keep=True, count=1)
    one_finding(sim)
    daemon = daemon_with(make_daemon, sim, mailbox("mail", mail.url, tls="none"))
    daemon.start()
    mail.wait(lambda got: len(got) >= 2, timeout=60)
    assert len({m.key for m in mail.received}) == 1 and mail.received[0].key
    assert daemon.stop() == 0


def test_an_outcome_per_recipient(sim, make_mail, make_daemon):
    """One refused for good, one for now, one taken: the taken one gets it once, the delayed one later, nobody twice."""
    mail = make_mail()
    mail.fault("RCPT", reply="550 5.1.1 no such user", rcpt="gone@example.com")
    mail.fault("RCPT", reply="451 4.3.0 try later", rcpt="busy@example.com", count=1)
    one_finding(sim)
    daemon = daemon_with(make_daemon, sim, mailbox("mail", mail.url, to=("gone@example.com", "good@example.com", "busy@example.com"),
                                                   tls="none"))
    daemon.start()
    mail.wait(lambda got: {r for m in got for r in m.rcpt_tos} >= {"good@example.com", "busy@example.com"}, timeout=60)
    daemon.wait_log("courier.delivered", timeout=30)
    taken = [r for m in mail.received for r in m.rcpt_tos]
    assert sorted(taken) == ["busy@example.com", "good@example.com"]
    assert len({m.key for m in mail.received}) == 1
    assert daemon.stop() == 0


def test_open_and_resolved_are_one_thread_with_one_subject(sim, mail, make_daemon):
    now = time.time()
    doc = one_finding(sim)
    daemon = daemon_with(make_daemon, sim, mailbox("mail", mail.url, tls="none"))
    daemon.start()
    mail.wait(lambda got: len(got) >= 1)
    sim.add("securityhub", dict(doc, UpdatedAt=findings.instant(now), Workflow={"Status": "RESOLVED"}))
    mail.wait(lambda got: len(got) >= 2)
    first, second = (m.message for m in mail.received)
    assert first["References"] == second["References"] and first["Subject"] == second["Subject"]
    assert first["Message-ID"] != second["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"
    assert [a.change for a in ledger.from_mail(mail.received)] == ["created", "resolved"]
    assert daemon.stop() == 0


def test_the_text_names_what_the_reader_needs_and_hostile_text_stays_text(sim, mail, make_daemon):
    title = "<script>alert(1)</script> \u202eevil \r\nBcc: everyone@example.com"
    doc = one_finding(sim, title=title, label="HIGH")
    done = daemon_with(make_daemon, sim, mailbox("mail", mail.url, tls="none")).once()
    assert done.code == 0, done.stderr
    got = mail.received[0]
    plain, page = got.text("plain"), got.text("html")
    for word in ("HIGH", doc["AwsAccountId"], doc["Region"], doc["Resources"][0]["Id"], "console.aws.amazon.com"):
        assert word in plain and word in page, word
    assert "<script>" not in page and "\u202e" not in plain + page
    assert got.message["Bcc"] is None
