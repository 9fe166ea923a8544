"""SNS takes what the real one takes and refuses the rest: a subject, an attribute or a size that would fail in
production fails here."""
import pytest

from lib.signed import call
from lib.sim import ACCOUNT

TOPIC = "arn:aws:sns:us-east-1:%s:oncall" % ACCOUNT
FIFO = TOPIC + ".fifo"


@pytest.fixture(scope="module")
def topics(tmp_path_factory):
    from lib.sim import Sim
    with Sim(str(tmp_path_factory.mktemp("sns"))) as sim:
        sim.topic(TOPIC)
        sim.topic(FIFO)
        sim.topic(TOPIC + "-content.fifo", content_based_deduplication=True)
        sim.topic("arn:aws:sns:us-east-1:444455556666:theirs")
        sim.topic("arn:aws:sns:us-east-1:444455556666:open", publishers=[ACCOUNT])
        yield sim


def publish(sim, attributes=None, topic=TOPIC, message="m", **fields):
    form = {"Action": "Publish", "TopicArn": topic, "Message": message, **fields}
    for n, (name, kind, value) in enumerate(attributes or (), 1):
        form["MessageAttributes.entry.%d.Name" % n] = name
        form["MessageAttributes.entry.%d.Value.DataType" % n] = kind
        field = "BinaryValue" if kind == "Binary" else "StringValue"
        form["MessageAttributes.entry.%d.Value.%s" % (n, field)] = value
    return call(sim, "sns", body=form)


@pytest.mark.parametrize("subject, good", [
    ("[HIGH] GuardDuty: a - b", True), ("x" * 100, True), ("x" * 101, False), ("", False), ("line\nbreak", False),
    ("tab\there", False), (" leading", False), ("grün", False), ("del\x7f", False), ("1", True)])
def test_subjects(topics, subject, good):
    answer = publish(topics, Subject=subject)
    assert (answer.status, answer.code) == ((200, "") if good else (400, "InvalidParameter")), answer.body


@pytest.mark.parametrize("attribute, good", [
    (("severity", "String", "HIGH"), True), (("n", "Number", "-1.5e3"), True), (("n", "Number", "many"), False),
    (("a", "String.Array", '["x"]'), True), (("a", "String.Array", "x"), False), (("b", "Binary", "AAA="), True),
    (("", "String", "x"), False), ((".a", "String", "x"), False), (("a.", "String", "x"), False),
    (("a..b", "String", "x"), False), (("a b", "String", "x"), False), (("AWS.x", "String", "x"), False),
    (("amazon.x", "String", "x"), False), (("e", "String", ""), False), (("t", "Text", "x"), False),
    (("x" * 256, "String", "x"), True), (("x" * 257, "String", "x"), False)])
def test_attributes(topics, attribute, good):
    answer = publish(topics, [attribute])
    assert (answer.status, answer.code) == ((200, "") if good else (400, "ParameterValueInvalid")), answer.body


def test_attribute_twice(topics):
    assert publish(topics, [("a", "String", "1"), ("a", "String", "2")]).code == "ParameterValueInvalid"


def test_sizes_count_bytes_and_attributes(topics):
    assert publish(topics, message="ü" * 131072).status == 200
    assert publish(topics, message="ü" * 131072 + "x").code == "InvalidParameter"
    room = 262144 - len("name") - len("String") - len("value")
    assert publish(topics, [("name", "String", "value")], message="x" * room).status == 200
    assert publish(topics, [("name", "String", "value")], message="x" * (room + 1)).code == "InvalidParameter"
    assert publish(topics, message="").code == "InvalidParameter"


@pytest.mark.parametrize("topic, status, code", [
    (TOPIC + "-none", 404, "NotFound"), ("oncall", 400, "InvalidParameter"), ("", 400, "InvalidParameter"),
    (TOPIC.replace("us-east-1", "eu-west-1"), 400, "InvalidParameter"),
    ("arn:aws:sns:us-east-1:444455556666:theirs", 403, "AuthorizationError"),
    ("arn:aws:sns:us-east-1:444455556666:open", 200, "")])
def test_topics(topics, topic, status, code):
    answer = publish(topics, topic=topic)
    assert (answer.status, answer.code) == (status, code), answer.body


def test_fifo_wants_its_ids_and_drops_repeats(topics):
    assert publish(topics, topic=FIFO).code == "InvalidParameter"
    assert publish(topics, topic=FIFO, MessageGroupId="g").code == "InvalidParameter"
    assert publish(topics, MessageDeduplicationId="d").code == "InvalidParameter", "not on a standard topic"
    topics.set(skew=0)
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "fd1-x-1"}
    before = len(topics.published(topic=FIFO))
    first, second = publish(topics, topic=FIFO, **ids), publish(topics, topic=FIFO, message="again", **ids)
    named = [a.body.partition(b"<MessageId>")[2].partition(b"<")[0] for a in (first, second)]
    assert named[0] == named[1] and b"<SequenceNumber>" in first.body
    kept = topics.published(topic=FIFO)[before:]
    assert [(m["message"], m["deduplicated"]) for m in kept] == [("m", False), ("again", True)]
    content = TOPIC + "-content.fifo"
    publish(topics, topic=content, MessageGroupId="g")
    publish(topics, topic=content, MessageGroupId="g")
    assert [m["deduplicated"] for m in topics.published(topic=content)] == [False, True]


def test_fifo_window_is_five_minutes(topics):
    import time
    ids = {"Action": "Publish", "TopicArn": FIFO, "Message": "m", "MessageGroupId": "g", "MessageDeduplicationId": "w"}
    before = len(topics.published(topic=FIFO))
    call(topics, "sns", body=ids)
    topics.set(skew=301)
    call(topics, "sns", body=ids, at=time.time() + 301)
    topics.set(skew=0)
    assert [m["deduplicated"] for m in topics.published(topic=FIFO)[before:]] == [False, False]


@pytest.mark.parametrize("ids, code", [
    ([], "EmptyBatchRequest"), ([str(n) for n in range(11)], "TooManyEntriesInBatchRequest"),
    (["a", "a"], "BatchEntryIdsNotDistinct"), (["a b"], "InvalidBatchEntryId")])
def test_batches(topics, ids, code):
    form = {"Action": "PublishBatch", "TopicArn": TOPIC}
    for n, id_ in enumerate(ids, 1):
        form["PublishBatchRequestEntries.member.%d.Id" % n] = id_
        form["PublishBatchRequestEntries.member.%d.Message" % n] = "m"
    assert call(topics, "sns", body=form).code == code


def test_structured_messages(topics):
    assert publish(topics, message='{"default":"x"}', MessageStructure="json").status == 200
    assert publish(topics, message='{"email":"x"}', MessageStructure="json").code == "InvalidParameter"
    assert publish(topics, message="x", MessageStructure="json").code == "InvalidParameter"
