"""Rules of EventBridge become rules of findingsd: the same pattern, sinks for its targets, and a word on all that differs.

Inputs are what `aws events` and Terraform write (tests/data/import); the aws command itself writes one of them here, and
botocore's model judges the others. What is printed is compared to the letter with the .conf and .notes beside each input,
and findingsd --check has to take it.
"""
import glob
import http.server
import json
import os
import subprocess
import threading

import pytest

from lib import models, paths
from lib.daemon import Raw, rule, topic, webhook

DATA = os.path.join(paths.TESTS, "data", "import")
CASES = sorted(os.path.basename(p)[:-5] for p in glob.glob(os.path.join(DATA, "*.json")))
SNS = "arn:aws:sns:us-east-1:111122223333:"
NEWER_STATE = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"     # since Debian 12's botocore
PATTERN = '{"source":["aws.guardduty"],"detail":{"severity":[{"numeric":[">=",7.00]}],"type":[{"prefix":"\\u0042ackdoor"}]}}'


def read(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as file:
        return file.read()


def documents(text):
    """The JSON texts that stand one after the other."""
    found, at = [], 0
    while at < len(text.rstrip()):
        value, at = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
        at += len(text[at:]) - len(text[at:].lstrip())
    return found


def describe(name="gd-high", pattern=PATTERN, **more):
    return {"Name": name, "Arn": "arn:aws:events:us-east-1:111122223333:rule/" + name, "EventPattern": pattern,
            "State": "ENABLED", "EventBusName": "default", **more}


@pytest.fixture
def plain(make_daemon):
    """A configuration with one sink and no rule."""
    return make_daemon(sinks=[topic("mine", SNS + "mine")])


@pytest.fixture
def empty(make_daemon):
    """A path where no configuration is."""
    daemon = make_daemon()
    daemon.config_path += ".none"
    return daemon


def test_there_are_cases():
    assert len(CASES) >= 6


@pytest.mark.parametrize("case", CASES)
def test_output_is_to_the_letter(case, empty):
    done = empty.ctl("import", "eventbridge", os.path.join(DATA, case + ".json"))
    assert done.stdout == read(case + ".conf")
    assert done.stderr == read(case + ".notes")
    refused = ("not valid", "expression that only", "not known before")
    assert done.returncode == (1 if any(r in done.stderr for r in refused) else 0)


@pytest.mark.parametrize("case", CASES)
def test_what_is_printed_passes_check(case, plain):
    plain.write()
    done = plain.ctl("import", "eventbridge", os.path.join(DATA, case + ".json"))
    assert "CHANGE-ME" not in done.stdout
    plain.file("conf.d/imported.conf", done.stdout)
    check = plain.check()
    assert check.returncode == 0, check.stderr
    assert [line for line in check.stderr.splitlines() if "warning" not in line] == []


@pytest.mark.parametrize("case", CASES)
def test_files_pass_check_and_patterns_keep_their_meaning(case, plain):
    plain.write()
    done = plain.ctl("import", "eventbridge", "--out", plain.directory, os.path.join(DATA, case + ".json"))
    made = done.stdout.split()
    assert made and all(os.path.exists(p) for p in made)
    check = plain.check()
    assert check.returncode == 0, check.stderr
    for path in (p for p in made if p.endswith(".json")):
        with open(path, encoding="utf-8") as file:
            assert json.load(file) in [json.loads(p) for p in patterns_in(documents(read(case + ".json")))]


def patterns_in(value):
    """Every text that stands as an EventPattern or event_pattern, and can be read."""
    if isinstance(value, list):
        return [p for v in value for p in patterns_in(v)]
    if not isinstance(value, dict):
        return []
    mine = [v for k, v in value.items() if k in ("EventPattern", "event_pattern") and isinstance(v, str)]
    return [p for p in mine if is_json(p)] + [p for v in value.values() for p in patterns_in(v)]


def is_json(text):
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def test_inputs_are_what_the_api_answers():
    model = models.model("events")
    seen = 0
    for case in (c for c in CASES if c.startswith("aws-")):
        for document in documents(read(case + ".json")):
            op = "ListRules" if "Rules" in document else "ListTargetsByRule" if "Targets" in document else \
                "DescribeApiDestination" if "InvocationEndpoint" in document else "DescribeRule"
            faults = models.check_json(document, model.operation_model(op).output_shape, case)
            assert [f for f in faults if NEWER_STATE not in f] == []
            seen += 1
    assert seen >= 4


class Events(http.server.BaseHTTPRequestHandler):
    """EventBridge's answers to DescribeRule and ListTargetsByRule."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        name = self.headers["x-amz-target"].split(".")[1]
        answer = describe(Description="from the API") if name == "DescribeRule" else {"Targets": [
            {"Id": "1", "Arn": SNS + "mine"},
            {"Id": "2", "Arn": SNS + "new", "InputTransformer": {"InputPathsMap": {"s": "$.detail.severity"},
                                                                 "InputTemplate": "\"<s>\""}}]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-amz-json-1.1")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


def test_aws_command_piped_in(plain):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Events)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    env = {**plain.env, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}

    def aws(*arguments):
        return subprocess.run(["/usr/bin/aws", "--endpoint-url", "http://127.0.0.1:%d" % server.server_port, "--output", "json",
                               "events", *arguments], env=env, capture_output=True, text=True, check=True, timeout=120).stdout
    try:
        text = aws("describe-rule", "--name", "gd-high") + aws("list-targets-by-rule", "--rule", "gd-high")
    finally:
        server.shutdown()
        server.server_close()
    plain.write()
    done = plain.ctl("import", "eventbridge", "--out", plain.directory, "-", stdin=text)
    assert done.returncode == 0, done.stderr
    with open(os.path.join(plain.directory, "conf.d", "gd-high.conf"), encoding="utf-8") as file:
        written = file.read()
    assert 'sinks = [ "mine", "new" ];' in written and "# from the API" in written.replace("  #", "#")
    with open(os.path.join(plain.directory, "patterns", "gd-high.json"), encoding="utf-8") as file:
        pattern = file.read()
    assert "7.00" in pattern and "\\u0042ackdoor" in pattern, "values keep their spelling"
    assert plain.check().returncode == 0
    event = plain.file("event.json", {"source": "aws.guardduty", "detail": {"severity": 8, "type": "Backdoor:EC2/X"}})
    assert plain.ctl("explain", "--rule", "gd-high", event).returncode == 0


def test_nothing_is_written_over(plain):
    plain.write()
    file = plain.file("rule.json", describe())
    plain.file("conf.d/gd-high.conf", "# mine\n")
    done = plain.ctl("import", "eventbridge", "--out", plain.directory, file)
    assert done.returncode == 1 and "nothing was written over" in done.stderr and done.stdout == ""
    assert os.listdir(os.path.join(plain.directory, "patterns")) == []
    with open(os.path.join(plain.directory, "conf.d", "gd-high.conf"), encoding="utf-8") as kept:
        assert kept.read() == "# mine\n"
    os.unlink(os.path.join(plain.directory, "conf.d", "gd-high.conf"))
    assert plain.ctl("import", "eventbridge", "--out", plain.directory, file).returncode == 0
    again = plain.ctl("import", "eventbridge", "--out", plain.directory, file)
    assert again.returncode == 1 and "conf.d/gd-high.conf:" in again.stderr and "has a rule of this name" in again.stderr


def test_a_sink_of_a_file_that_failed_stands_in_the_next(plain):
    plain.write()
    text = "".join(json.dumps(d) for name in ("one", "two")
                   for d in (describe(name), {"Targets": [{"Id": "1", "Arn": SNS + "new"}]}))
    plain.file("conf.d/one.conf", "")
    done = plain.ctl("import", "eventbridge", "--out", plain.directory, "-", stdin=text)
    assert done.returncode == 1
    with open(os.path.join(plain.directory, "conf.d", "two.conf"), encoding="utf-8") as file:
        assert SNS + "new" in file.read()
    assert plain.check().returncode == 0


def test_without_a_sink_no_file_is_written(empty):
    file = empty.file("rule.json", describe())
    done = empty.ctl("import", "eventbridge", "--out", empty.directory, file)
    assert done.returncode == 1 and "would not load" in done.stderr
    assert os.listdir(os.path.join(empty.directory, "patterns")) == []
    named = empty.ctl("import", "eventbridge", "--sinks", "a,b", "--out", empty.directory, file)
    assert named.returncode == 0
    with open(os.path.join(empty.directory, "conf.d", "gd-high.conf"), encoding="utf-8") as text:
        assert 'sinks = [ "a", "b" ];' in text.read()


def test_known_sinks_are_used(make_daemon):
    daemon = make_daemon(sinks=[topic("mine", SNS + "t", format="text"), webhook("chat", "https://c.example.com/x"),
                                topic("t", SNS + "other"), topic("off", SNS + "off", enabled=Raw("false"))])
    daemon.write()
    arn = "arn:aws:events:us-east-1:111122223333:api-destination/c/1"
    text = "".join(json.dumps(d) for d in (
        describe(), {"Targets": [{"Id": "1", "Arn": SNS + "t"}, {"Id": "2", "Arn": arn},
                                 {"Id": "3", "Arn": SNS.replace("us-east-1", "eu-west-1") + "t"}]},
        {"ApiDestinationArn": arn, "Name": "c", "InvocationEndpoint": "https://c.example.com/x", "HttpMethod": "POST"},
        describe("no-targets")))
    first, second = (json.loads(t) for t in daemon.ctl("--json", "import", "eventbridge", "-", stdin=text).stdout.splitlines())
    assert first["sinks"] == ["mine", "chat", "t-eu-west-1"], "the name t is taken"
    assert [s["topic_arn"] for s in first["new_sinks"]] == [SNS.replace("us-east-1", "eu-west-1") + "t"]
    assert any('sends format = "text"' in n for n in first["notes"])
    assert second["sinks"] == ["mine", "chat", "t"], "those that are on"


def test_secrets_are_not_copied(plain):
    """What EventBridge sends in a header may be a key; the files that import writes can be read by everyone."""
    plain.write()
    arn = "arn:aws:events:us-east-1:111122223333:api-destination/c/1"
    text = "".join(json.dumps(d) for d in (
        describe(), {"Targets": [{"Id": "2", "Arn": arn, "HttpParameters": {"HeaderParameters": {
            "Authorization": "Bearer hush-1", "x-api-key": "hush-2", "X-Team": "sec"}}}]},
        {"ApiDestinationArn": arn, "Name": "c", "InvocationEndpoint": "https://c.example.com/x", "HttpMethod": "POST"}))
    for arguments in (["--json", "import", "eventbridge", "-"], ["import", "eventbridge", "-"]):
        done = plain.ctl(*arguments, stdin=text)
        assert done.returncode == 0 and "hush" not in done.stdout + done.stderr
        assert "x-api-key" in done.stderr and "file:PATH" in done.stderr
    assert 'headers = { X-Team = "sec"; };' in done.stdout


@pytest.mark.parametrize("text,said", [
    ("", "no rule was imported"),
    ("{", "line 1, column 2"),
    ("{} []", "neither"),
    ("[[]]", "array within an array"),
    ("3", "JSON object"),
    (PATTERN, "this is an event pattern"),
    ('{"Targets":[]}', "give the rule"),
    ('{"Rules":[{"Name":"a","ScheduleExpression":"rate(1 day)"},{"Name":"b","EventPattern":"{}"}]}{"Targets":[]}',
     "2 rules came before them"),
    ('{"Rules":{}}', "not a list"),
    ('{"Rules":[1]}', "no object"),
    ('{"Resources":{}}', "CloudFormation"),
    ('{"format_version":"1.0"}', "no rule was imported"),
    ('{"Name":"a","EventPattern":"{}"}', "not valid"),
    ('{"Name":"a","EventPattern":7}', "not valid"),
    ("\n\n{\"Rules\":[]} x", "line 3, column 14"),
])
def test_wrong_input_is_named(text, said, plain):
    plain.write()
    done = plain.ctl("import", "eventbridge", "-", stdin=text)
    assert done.returncode == 1 and said in done.stderr and done.stdout == "", done


def test_text_from_elsewhere_stays_where_it_is(plain):
    """Names, descriptions and templates can end neither a comment nor a text in quotes, nor reach the terminal."""
    plain.write()
    evil = "x\n*/ rules = ( { name = \"evil\"; } ); /*\r\u001b[31m\u2028\" }"
    text = json.dumps(describe(evil, Description=evil)) + json.dumps({"Targets": [
        {"Id": evil, "Arn": SNS + "new", "InputTransformer": {"InputPathsMap": {evil: evil}, "InputTemplate": evil}},
        {"Id": "2", "Arn": evil}]})
    done = plain.ctl("import", "eventbridge", "-", stdin=text)
    assert done.returncode == 0 and "\u001b" not in done.stderr + done.stdout
    plain.file("conf.d/imported.conf", done.stdout)
    check = plain.check()
    assert check.returncode == 0, check.stderr
    assert '"evil"' not in "".join(line for line in done.stdout.splitlines() if not line.lstrip().startswith("#"))


@pytest.mark.parametrize("arguments", [[], ["eventbridge"], ["terraform", "x"], ["eventbridge", "--out"],
                                       ["eventbridge", "--what", "x"],
                                       ["eventbridge", "--sinks", ",".join("abcdefghijklmnopq"), "x"]])
def test_usage(arguments, plain):
    plain.write()
    assert plain.ctl("import", *arguments).returncode == 64


def test_missing_file_and_folder(plain):
    plain.write()
    assert plain.ctl("import", "eventbridge", "/nonexistent.json").returncode == 64
    file = plain.file("rule.json", describe())
    done = plain.ctl("import", "eventbridge", "--out", "/nonexistent", file)
    assert done.returncode == 1 and "/nonexistent/patterns" in done.stderr


def test_rule_of_the_configuration_is_not_taken_twice(make_daemon):
    daemon = make_daemon(sinks=[topic("mine", SNS + "mine")], rules=[rule("gd-high", json.loads(PATTERN), "mine")])
    daemon.write()
    done = daemon.ctl("import", "eventbridge", "-", stdin=json.dumps(describe()))
    assert done.returncode == 1 and "has a rule of this name" in done.stderr
