"""STS: temporary keys for roles, and who am I."""
import re
import time

from . import query
from .errors import AwsError

OPS = ("AssumeRole", "GetCallerIdentity")
_ROLE = re.compile(r"^arn:[\w-]+:iam::(\d{12}):role/([\w+=,.@/-]{1,512})$", re.ASCII)
_SESSION = re.compile(r"^[\w+=,.@-]{2,64}$", re.ASCII)


def call(ctx):
    return query.answer(ctx, (_assume if ctx.op == "AssumeRole" else _identity)(ctx))


def _identity(ctx):
    return {"Arn": ctx.key.arn, "UserId": ctx.key.access_key, "Account": ctx.account}


def _denied(ctx, arn):
    return AwsError(403, "AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s"
                    % (ctx.key.arn, arn))


def _duration(ctx, role):
    text = ctx.body.get("DurationSeconds", "3600")
    seconds = int(text) if text.isdigit() else 0
    if not 900 <= seconds <= 43200:
        raise AwsError(400, "ValidationError", "1 validation error detected: Value '%s' at 'durationSeconds' failed to "
                       "satisfy constraint: Member must be between 900 and 43200" % text)
    most = 3600 if ctx.key.token else role.get("max_duration", 3600)
    if seconds > most:
        raise AwsError(400, "ValidationError", "The requested DurationSeconds exceeds the %s." %
                       ("1 hour session limit for roles assumed by role chaining" if ctx.key.token
                        else "MaxSessionDuration set for this role"))
    return seconds


def _assume(ctx):
    """Any role of any account can be assumed as long as no roles are configured; then only those, by whom they trust
    and with their external id."""
    arn, session = ctx.body.get("RoleArn", ""), ctx.body.get("RoleSessionName", "")
    found = _ROLE.match(arn)
    if not found:
        raise AwsError(400, "ValidationError", "%s is invalid" % (arn or "RoleArn"))
    if not _SESSION.match(session):
        raise AwsError(400, "ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to "
                       "satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*" % session)
    role = ctx.world.roles.get(arn, None if ctx.world.roles else {})
    if role is None or ctx.account not in role.get("trusts", [ctx.account]):
        raise _denied(ctx, arn)
    if role.get("external_id") is not None and ctx.body.get("ExternalId") != role["external_id"]:
        raise _denied(ctx, arn)
    name = found.group(2).rsplit("/", 1)[-1]
    user = "arn:aws:sts::%s:assumed-role/%s/%s" % (found.group(1), name, session)
    key = ctx.world.issue(found.group(1), user, role.get("life") or _duration(ctx, role))
    return {
        "AssumedRoleUser": {"AssumedRoleId": "AROA%s:%s" % (key.access_key[4:], session), "Arn": user},
        "Credentials": {"AccessKeyId": key.access_key, "SecretAccessKey": key.secret, "SessionToken": key.token,
                        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(key.expires))}}
