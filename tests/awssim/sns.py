"""SNS: topics, and every message that was published, kept for the test to look at."""
import hashlib
import json
import re
import uuid

from . import query
from .errors import AwsError

LIMIT = 262_144
DEDUP_SECONDS = 300.0
OPS = ("Publish", "PublishBatch", "CreateTopic", "ListTopics")
_ARN = re.compile(r"^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]{1,256}$", re.ASCII)
_NAME = re.compile(r"^[A-Za-z0-9_-]{1,256}$", re.ASCII)
_FIFO_NAME = re.compile(r"^[A-Za-z0-9_-]{1,251}\.fifo$", re.ASCII)
_ATTRIBUTE = re.compile(r"^(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$", re.ASCII)
_DEDUP = re.compile(r"^[A-Za-z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}$", re.ASCII)
_TYPES = ("String", "String.Array", "Number", "Binary")


def wrong(message):
    return AwsError(400, "InvalidParameter", "Invalid parameter: " + message)


def call(ctx):
    run = {"Publish": _publish, "PublishBatch": _publish_batch, "CreateTopic": _create, "ListTopics": _list}
    return query.answer(ctx, run[ctx.op](ctx))


def _create(ctx):
    name = ctx.body.get("Name", "")
    attributes = {a.get("key"): a.get("value") for a in query.members(ctx.body, "Attributes.entry")}
    fifo = attributes.get("FifoTopic") == "true"
    if not (_FIFO_NAME if fifo else _NAME).match(name):
        raise wrong("Topic Name")
    arn = "arn:aws:sns:%s:%s:%s" % (ctx.region, ctx.account, name)
    ctx.world.add_topic(arn, attributes.get("ContentBasedDeduplication") == "true")
    return {"TopicArn": arn}


def _list(ctx):
    mine = [arn for arn, t in ctx.world.topics.items() if (t.account, t.region) == (ctx.account, ctx.region)]
    token = ctx.body.get("NextToken")
    start = int(token) if token and token.isdigit() else 0
    more = str(start + 100) if len(mine) > start + 100 else None
    return {"Topics": [{"TopicArn": arn} for arn in sorted(mine)[start:start + 100]], "NextToken": more}


def _topic(ctx):
    if "PhoneNumber" in ctx.body:
        raise wrong("PhoneNumber Reason: the simulator sends no text messages")
    arn = ctx.body.get("TopicArn") or ctx.body.get("TargetArn") or ""
    if not arn:
        raise wrong("TopicArn or TargetArn Reason: no value for required parameter")
    if not _ARN.match(arn):
        raise wrong("TopicArn Reason: An ARN must have at least 6 elements, not %d" % len(arn.split(":")))
    if arn.split(":")[3] != ctx.region:
        raise wrong("TopicArn")
    topic = ctx.world.topics.get(arn)
    if topic is None:
        raise AwsError(404, "NotFound", "Topic does not exist")
    if ctx.account != topic.account and ctx.account not in (topic.publishers or ()):
        raise AwsError(403, "AuthorizationError", "User: %s is not authorized to perform: SNS:Publish on resource: %s "
                       "because no resource-based policy allows the SNS:Publish action" % (ctx.key.arn, arn))
    return topic


def check_subject(subject):
    """SNS's rules: ASCII, at most 100, no line breaks or control characters, first a letter, number or punctuation."""
    if subject is None:
        return
    if not 1 <= len(subject) <= 100 or not all(" " <= c <= "~" for c in subject) or subject[0] == " ":
        raise wrong("Subject")


def _read_attribute(entry):
    name, kind = entry.get("Name", ""), entry.get("Value.DataType", "")
    reserved = name.lower().startswith(("aws.", "amazon.")) and not name.startswith("AWS.SNS.")
    if not _ATTRIBUTE.match(name) or reserved:
        raise AwsError(400, "ParameterValueInvalid", "The message attribute name '%s' is invalid." % name)
    if kind not in _TYPES:
        raise AwsError(400, "ParameterValueInvalid", "The message attribute '%s' has an invalid message attribute "
                       "type, the set of supported type prefixes is Binary, Number, and String." % name)
    field = "Value.BinaryValue" if kind == "Binary" else "Value.StringValue"
    if set(entry) - {"Name", "Value.DataType", field}:
        raise AwsError(400, "ParameterValueInvalid", "The message attribute '%s' has values of two types." % name)
    value = entry.get(field, "")
    if not value:
        raise AwsError(400, "ParameterValueInvalid", "The message attribute '%s' must contain non-empty message "
                       "attribute value for message attribute type '%s'." % (name, kind))
    _check_value(name, kind, value)
    return name, kind, value


def _check_value(name, kind, value):
    try:
        if kind == "Number":
            float(value)
        if kind == "String.Array" and not isinstance(json.loads(value), list):
            raise ValueError("no array")
    except ValueError as bad:
        raise AwsError(400, "ParameterValueInvalid", "Could not cast message attribute '%s' value to %s."
                       % (name, kind.lower())) from bad


def read_attributes(entries):
    """name -> {"type", "value"}, checked."""
    found = {}
    for entry in entries:
        name, kind, value = _read_attribute(entry)
        if name in found:
            raise AwsError(400, "ParameterValueInvalid", "The message attribute '%s' is given twice." % name)
        found[name] = {"type": kind, "value": value}
    return found


def _size(message, attributes):
    size = len(message.encode("utf-8"))
    for name, one in attributes.items():
        size += len(name) + len(one["type"]) + len(one["value"].encode("utf-8"))
    return size


def _check_message(fields):
    message = fields.get("Message", "")
    if not message:
        raise wrong("Empty message")
    if fields.get("MessageStructure") not in (None, "json"):
        raise wrong("MessageStructure")
    if fields.get("MessageStructure") == "json":
        try:
            structure = json.loads(message)
        except ValueError as bad:
            raise wrong("Message Structure - JSON message body failed to parse") from bad
        if not isinstance(structure, dict) or not isinstance(structure.get("default"), str):
            raise wrong("Message Structure - No default entry in JSON message body")
    check_subject(fields.get("Subject"))
    return message


def _check_fifo(topic, fields, message):
    """The deduplication id, or None on a standard topic."""
    group, dedup = fields.get("MessageGroupId"), fields.get("MessageDeduplicationId")
    if not topic.fifo:
        if dedup is not None:
            raise wrong("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is "
                        "not valid for this topic type")
        return None
    if not group or not _DEDUP.match(group):
        raise wrong("The MessageGroupId parameter is required for FIFO topics")
    if dedup is None and topic.content_dedup:
        dedup = hashlib.sha256(message.encode("utf-8")).hexdigest()
    if not dedup or not _DEDUP.match(dedup):
        raise wrong("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
                    "explicitly")
    return dedup


def _accept(ctx, topic, fields, entries):
    """Store one message; returns {"MessageId", "SequenceNumber"?}."""
    message = _check_message(fields)
    attributes = read_attributes(entries)
    if _size(message, attributes) > LIMIT:
        raise wrong("Message too long")
    dedup = _check_fifo(topic, fields, message)
    now = ctx.clock.now()
    before = topic.seen.get(dedup) if dedup else None
    repeat = before is not None and now - before["at"] < DEDUP_SECONDS
    given = before if repeat else {"at": now, "MessageId": str(uuid.uuid4()),
                                   "SequenceNumber": str(next(topic.sequence)) if topic.fifo else None}
    if dedup and not repeat:
        topic.seen[dedup] = given
    ctx.world.published.append({
        "topic": topic.arn, "subject": fields.get("Subject"), "message": message,
        "structure": fields.get("MessageStructure"), "attributes": attributes,
        "group_id": fields.get("MessageGroupId"), "dedup_id": fields.get("MessageDeduplicationId"),
        "message_id": given["MessageId"], "deduplicated": repeat, "received": now,
        "access_key": ctx.key.access_key, "account": ctx.account, "region": ctx.region,
        "n": len(ctx.world.published) + 1})
    ctx.count("deduplicated" if repeat else "published")
    return {"MessageId": given["MessageId"], "SequenceNumber": given["SequenceNumber"]}


def _publish(ctx):
    return _accept(ctx, _topic(ctx), ctx.body, query.members(ctx.body, "MessageAttributes.entry"))


def _entries(ctx):
    entries = query.members(ctx.body, "PublishBatchRequestEntries.member")
    if not entries:
        raise AwsError(400, "EmptyBatchRequest", "The batch request doesn't contain any entries.")
    if len(entries) > 10:
        raise AwsError(400, "TooManyEntriesInBatchRequest", "The batch request contains more entries than permissible.")
    ids = [e.get("Id", "") for e in entries]
    if not all(re.match(r"^[\w-]{1,80}$", i, re.ASCII) for i in ids):
        raise AwsError(400, "InvalidBatchEntryId", "The Id of a batch entry doesn't abide by the specification.")
    if len(set(ids)) != len(ids):
        raise AwsError(400, "BatchEntryIdsNotDistinct", "Two or more batch entries have the same Id.")
    sized = 0
    for entry in entries:
        sized += len(entry.get("Message", "").encode("utf-8"))
        sized += sum(len(v.encode("utf-8")) for k, v in entry.items() if k.startswith("MessageAttributes."))
    if sized > LIMIT:
        raise AwsError(400, "BatchRequestTooLong", "The length of all the batch messages is over the limit.")
    return entries


def _publish_batch(ctx):
    topic = _topic(ctx)
    done, failed = [], []
    for entry in _entries(ctx):
        fault = ctx.entry_fault(entry["Id"])
        try:
            if fault is not None:
                raise fault
            done.append({"Id": entry["Id"], **_accept(ctx, topic, entry, query.members(entry, "MessageAttributes.entry"))})
        except AwsError as refused:
            failed.append({"Id": entry["Id"], "Code": refused.code, "Message": refused.message,
                           "SenderFault": "true" if refused.status < 500 else "false"})
    return {"Successful": done, "Failed": failed}
