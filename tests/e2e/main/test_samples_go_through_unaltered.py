"""Every public sample finding goes through: none refused, none altered.

What findingsd forwards in `raw` is what an EventBridge subscriber would have got, so the finding inside it must be the very bytes
that the API sent: number spellings, member order, unknown fields, white space. The samples are other projects' files: they are
used in place, and the test says so when they are missing.
"""
import glob
import json
import os

import pytest

from lib import paths
from lib.daemon import rule, source, webhook

EVERYTHING = {"source": ["aws.guardduty", "aws.securityhub"]}
OLD = "2015-01-01T00:00:00Z"


def samples(kind):
    folder = paths.shared("samples", kind)
    if folder is None:
        pytest.skip("the sample findings of %s are not beside the project" % kind)
    return sorted(glob.glob(os.path.join(folder, "*.json")))


def slice_of(event, service):
    """The finding's bytes within an event, found by scanning, not by parsing and writing again."""
    decoder = json.JSONDecoder()
    text = event.decode()
    start = text.index('"detail":') + len('"detail":')
    if service == "guardduty":
        _, end = decoder.raw_decode(text, start)
        return text[start:end].encode()
    start = text.index('"findings":', start) + len('"findings":')
    while text[start] in " [":
        start += 1
    _, end = decoder.raw_decode(text, start)
    return text[start:end].encode()


def forms(raw):
    """As the file has it, in one line, and pretty-printed."""
    doc = json.loads(raw)
    return raw.strip(), json.dumps(doc, separators=(",", ":"), ensure_ascii=False).encode(), json.dumps(doc, indent=3).encode()


@pytest.mark.parametrize("form", [0, 1, 2], ids=["as-is", "compact", "pretty"])
@pytest.mark.parametrize("kind", ["guardduty", "guardduty-synthetic", "securityhub"])
def test_samples_go_through_unaltered(kind, form, make_sim, make_hook, make_daemon):
    service = "securityhub" if kind == "securityhub" else "guardduty"
    files = samples(kind)
    # Files of one identity (the same finding in several versions) go into simulators of their own, one after the other.
    rounds = []
    for name in files:
        with open(name, "rb") as file:
            raw = forms(file.read())[form]
        doc = json.loads(raw)
        # A detector knows a GuardDuty finding by its id, we by its ARN; Security Hub by product, account, region and Id.
        ident = {doc.get("id") or name, doc.get("arn") or name} if service == "guardduty" else {
            (doc.get("ProductArn"), doc.get("AwsAccountId"), doc.get("Region"), doc.get("Id"))}
        for one in rounds:
            if not ident & one[0]:
                one[0].update(ident)
                one[1].append(raw)
                break
        else:
            rounds.append((set(ident), [raw]))
    for _, one in rounds:
        sim, hook = make_sim(), make_hook()
        for n, raw in enumerate(one):
            doc = json.loads(raw)
            how = {}
            if service == "guardduty" and ("updatedAt" not in doc or "id" not in doc):
                how = {"id": doc.get("id") or "%032x" % n, "updated": "2022-01-01T00:00:00.%03dZ" % n}
            sim.add(service, raw, **how)
        daemon = make_daemon(sim, sources=[source(service, start=OLD)], sinks=[webhook("hook", hook.url, format="raw")],
                             rules=[rule("all", EVERYTHING, "hook", on=["created"])])
        done = daemon.once()
        assert done.line is not None, done.stderr
        assert done.line["findings"] == len(one), done.stderr
        assert done.line["errors"] == 0 and done.code == 0, done.stderr
        sent = {slice_of(d.body, service) for d in hook.received}
        served = set(one)
        # Findings that are closed already (archived, resolved, passed) have nothing to open: they are remembered, not sent.
        assert sent <= served
        open_ones = {raw for raw in served if not is_closed(json.loads(raw))}
        assert open_ones <= sent, "of %d open findings these did not arrive: %s" % (len(open_ones), [(d.get("id"), d.get("updatedAt"), d.get("service", {}).get("archived")) for d in map(json.loads, open_ones - sent)])


def is_closed(doc):
    if "service" in doc:
        return bool(doc["service"].get("archived"))
    return (doc.get("RecordState") == "ARCHIVED" or (doc.get("Workflow") or {}).get("Status") in ("RESOLVED", "SUPPRESSED")
            or (doc.get("Compliance") or {}).get("Status") == "PASSED")
