"""Errors in the form in which each service puts them on the wire."""
import json
from xml.sax.saxutils import escape

QUERY_XMLNS = {
    "ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",
    "sns": "http://sns.amazonaws.com/doc/2010-03-31/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


class AwsError(Exception):
    """One refusal. code is what a client sees as the error's name; type_ is GuardDuty's inner name, where it has
    one; bare means that the refusal came from in front of the service, which words its body differently."""

    def __init__(self, status, code, message, type_=None, bare=False, headers=()):
        super().__init__(code, message)
        self.status = status
        self.code = code
        self.message = message
        self.type = type_
        self.bare = bare
        self.headers = list(headers)


def render(service, error, request_id):
    """(headers, body) of the answer that carries the error."""
    if service in QUERY_XMLNS:
        return _query(service, error, request_id)
    headers = [(b"Content-Type", b"application/json"), (b"x-amzn-ErrorType", error.code.encode())]
    if error.bare:
        body = {"message": error.message}
    elif service == "guardduty":
        body = {"message": error.message, "__type": error.type or error.code}
    else:
        body = {"Code": error.code, "Message": error.message}
    return headers, json.dumps(body).encode()


def _query(service, error, request_id):
    kind = "Sender" if error.status < 500 else "Receiver"
    body = ('<ErrorResponse xmlns="%s">\n  <Error>\n    <Type>%s</Type>\n    <Code>%s</Code>\n    <Message>%s</Message>\n'
            "  </Error>\n  <RequestId>%s</RequestId>\n</ErrorResponse>\n"
            % (QUERY_XMLNS[service], kind, escape(error.code), escape(error.message), request_id))
    return [(b"Content-Type", b"text/xml")], body.encode()


def throttled(service):
    """The answer over quota."""
    if service in QUERY_XMLNS:
        return AwsError(429 if service == "sns" else 400, "Throttled" if service == "sns" else "Throttling",
                        "Rate exceeded")
    return AwsError(429, "TooManyRequestsException", "Too Many Requests", bare=True)
