"""The AWS simulator as a test sees it: started, filled, broken, waited for, asked what came.

    with Sim(tmp) as sim:
        sim.add("guardduty", raw)                 # bytes, or a dict, or a list of either
        sim.topic("arn:aws:sns:us-east-1:111122223333:oncall")
        sim.fault("reset", op="GetFindings", nth=2, at=100)
        ... run something with sim.env() ...
        sim.wait("published>=1")
        sim.published()
"""
import http.client
import json
import os
import ssl
import sys
import tempfile
from urllib.parse import urlencode

from . import paths
from .process import Child

ACCOUNT = "111122223333"
ACCESS_KEY = "AKIDTESTTESTTESTTEST"
SECRET_KEY = "test/secret+key/of/the/simulator/only000"
REGION = "us-east-1"


class ControlError(RuntimeError):
    """The control path refused: what was asked, and why."""


class TimeUp(AssertionError):
    """A wait ran out of time; the counters say what did come."""


class Sim:
    def __init__(self, directory=None, seed=None, quotas=False, cert=None, key=None, log=None, accounts=None):
        self.directory = directory or tempfile.mkdtemp(prefix="awssim-")
        self.accounts = accounts or [(ACCOUNT, ACCESS_KEY, SECRET_KEY)]
        self.tls = cert is not None
        self.port = None
        self.child = None
        self._options = self._build_options(seed, quotas, cert, key, log)

    def _build_options(self, seed, quotas, cert, key, log):
        options = []
        for account, access_key, secret in self.accounts:
            options += ["--account", account, "--access-key", access_key, "--secret-key", secret]
        if seed is not None:
            if not isinstance(seed, str):
                path = os.path.join(self.directory, "seed.json")
                with open(path, "w", encoding="utf-8") as file:
                    json.dump(seed, file)
                seed = path
            options += ["--seed", seed]
        if quotas:
            options.append("--quotas")
        if cert:
            options += ["--tls-cert", cert, "--tls-key", key]
        return options + (["--log", log] if log else [])

    def start(self, port=0):
        """Start it; a given port lets a test stop it and bring it back at the same place."""
        port_file = os.path.join(self.directory, "awssim.port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        self.child = Child([sys.executable, os.path.join(paths.TESTS, "awssim"), "--listen", "127.0.0.1:%d" % port,
                            "--port-file", port_file, *self._options])
        self.port = int(self.child.await_file(port_file))
        return self

    def stop(self):
        """End it; returns the exit status (0 when it went down in order)."""
        child, self.child = self.child, None
        return child.stop() if child else None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        return "%s://%s:%d" % ("https" if self.tls else "http", "localhost" if self.tls else "127.0.0.1", self.port)

    def env(self, account=0, region=REGION):
        """AWS_* variables that lead a client here; nothing else of the environment's AWS settings stays."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        _, access_key, secret = self.accounts[account]
        env.update(AWS_ACCESS_KEY_ID=access_key, AWS_SECRET_ACCESS_KEY=secret, AWS_DEFAULT_REGION=region,
                   AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull,
                   AWS_EC2_METADATA_DISABLED="true", AWS_ENDPOINT_URL=self.url, AWS_PAGER="")
        return env

    def control(self, method, path, body=None, patience=60.0, **args):
        """One call of the control path; returns (status, parsed answer)."""
        if self.tls:
            context = ssl._create_unverified_context()  # noqa: S323 (our own child on loopback)
            conn = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=patience, context=context)
        else:
            conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            conn.request(method, "/_sim/" + path + ("?" + urlencode(args, doseq=True) if args else ""), data)
            answer = conn.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            conn.close()

    def _do(self, method, path, body=None, **args):
        status, answer = self.control(method, path, body, **args)
        if status != 200:
            raise ControlError("%s %s: %s" % (method, path, answer))
        return answer

    # filling
    def add(self, service, findings, account=ACCOUNT, region=REGION, **how):
        """Add or replace findings: bytes or str go in as they are, dicts compact. how: tag, or after_op and after, keep
        them out of sight; id and updated (and product_arn) for bytes that are no finding."""
        if isinstance(findings, (list, tuple)):
            body = b"\n".join(_raw(f) for f in findings)
        else:
            body = _raw(findings)
        return self._do("POST", "findings", body, account=account, region=region, service=service, **how)["added"]

    def release(self, tag):
        return self._do("POST", "release", tag=tag)["opened"]

    def remove(self, service, ids, account=ACCOUNT, region=REGION):
        return self._do("POST", "remove", {"account": account, "region": region, "service": service, "ids": ids})

    def state(self, seed):
        """Apply a seed on top of what is there (awssim/seed.py says what it may hold)."""
        return self._do("POST", "state", seed)

    def topic(self, arn, **settings):
        self.state({"topics": [{"arn": arn, **settings}]})
        return arn

    def set(self, **what):
        """skew, token_life, expire_tokens, expire_keys, quotas, rates, region={...}."""
        return self._do("POST", "set", what)

    def service(self, region=REGION, account=ACCOUNT, **on):
        """guardduty, hub, opted_in: on or off."""
        return self.set(region={"account": account, "region": region, **on})

    def reset(self):
        return self._do("POST", "reset")

    # breaking
    def fault(self, kind, nth=None, skip=None, count=None, service=None, op=None, region=None, account=None,
              contains=None, path=None, **settings):
        """Add one fault (awssim/faults.py lists the kinds); returns its id."""
        match = {name: value for name, value in (
            ("nth", nth), ("skip", skip), ("count", count), ("service", service), ("op", op), ("region", region),
            ("account", account), ("contains", contains), ("path", path)) if value is not None}
        return self._do("POST", "faults", [{"match": match, "fault": kind, **settings}])["ids"][0]

    def faults(self):
        return self._do("GET", "faults")

    def fired(self, fault):
        """How often the fault of that id has struck."""
        return next(f["fired"] for f in self.faults() if f["id"] == fault)

    def heal(self):
        """Take all faults away."""
        return self._do("DELETE", "faults")

    # looking
    def wait(self, *conditions, timeout=30.0):
        """Until all conditions on the counters hold, e.g. "published>=10", "requests.GetFindings>=3"."""
        status, counters = self.control("GET", "wait", patience=timeout + 10,
                                        **{"for": conditions, "timeout": timeout})
        if status == 408:
            raise TimeUp("waited %s s for %s; counters: %s" % (timeout, ", ".join(conditions), counters))
        if status != 200:
            raise ControlError(counters)
        return counters

    def requests(self, **filters):
        """What was asked (op, service, region, since, limit), in order."""
        return self._do("GET", "requests", **filters)

    def published(self, **filters):
        """What SNS took (topic, since, limit), in order; repeats within a FIFO topic's window have deduplicated true."""
        return self._do("GET", "published", **filters)

    def counters(self):
        return self._do("GET", "counters")


def _raw(finding):
    if isinstance(finding, bytes):
        return finding
    if isinstance(finding, str):
        return finding.encode()
    return json.dumps(finding, ensure_ascii=False, separators=(",", ":")).encode()
