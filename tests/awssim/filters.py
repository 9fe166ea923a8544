"""Security Hub's filters, compiled to a predicate. Names, kinds and rules as in AWS's model of GetFindings."""
import ipaddress

from . import instants
from .errors import AwsError

MAX_ATTRIBUTES = 10
MAX_VALUES = 20
_POSITIVE = ("EQUALS", "PREFIX", "CONTAINS")
_NEGATIVE = ("NOT_EQUALS", "PREFIX_NOT_EQUALS", "NOT_CONTAINS")

_DIRECT = ("ProductArn AwsAccountId Id GeneratorId Region Title Description SourceUrl ProductName CompanyName "
           "VerificationState WorkflowState RecordState")
_STRING = {
    "Type": "Types", "SeverityLabel": "Severity.Label", "RecommendationText": "Remediation.Recommendation.Text",
    "MalwareName": "Malware.Name", "MalwareType": "Malware.Type", "MalwarePath": "Malware.Path",
    "MalwareState": "Malware.State", "NetworkDirection": "Network.Direction", "NetworkProtocol": "Network.Protocol",
    "NetworkSourceDomain": "Network.SourceDomain", "NetworkSourceMac": "Network.SourceMac",
    "NetworkDestinationDomain": "Network.DestinationDomain", "ProcessName": "Process.Name",
    "ProcessPath": "Process.Path", "ThreatIntelIndicatorType": "ThreatIntelIndicators.Type",
    "ThreatIntelIndicatorValue": "ThreatIntelIndicators.Value",
    "ThreatIntelIndicatorCategory": "ThreatIntelIndicators.Category",
    "ThreatIntelIndicatorSource": "ThreatIntelIndicators.Source",
    "ThreatIntelIndicatorSourceUrl": "ThreatIntelIndicators.SourceUrl", "ResourceType": "Resources.Type",
    "ResourceId": "Resources.Id", "ResourcePartition": "Resources.Partition", "ResourceRegion": "Resources.Region",
    "ResourceAwsEc2InstanceType": "Resources.Details.AwsEc2Instance.Type",
    "ResourceAwsEc2InstanceImageId": "Resources.Details.AwsEc2Instance.ImageId",
    "ResourceAwsEc2InstanceKeyName": "Resources.Details.AwsEc2Instance.KeyName",
    "ResourceAwsEc2InstanceIamInstanceProfileArn": "Resources.Details.AwsEc2Instance.IamInstanceProfileArn",
    "ResourceAwsEc2InstanceVpcId": "Resources.Details.AwsEc2Instance.VpcId",
    "ResourceAwsEc2InstanceSubnetId": "Resources.Details.AwsEc2Instance.SubnetId",
    "ResourceAwsS3BucketOwnerId": "Resources.Details.AwsS3Bucket.OwnerId",
    "ResourceAwsS3BucketOwnerName": "Resources.Details.AwsS3Bucket.OwnerName",
    "ResourceAwsIamAccessKeyUserName": "Resources.Details.AwsIamAccessKey.UserName",
    "ResourceAwsIamAccessKeyPrincipalName": "Resources.Details.AwsIamAccessKey.PrincipalName",
    "ResourceAwsIamAccessKeyStatus": "Resources.Details.AwsIamAccessKey.Status",
    "ResourceAwsIamUserUserName": "Resources.Details.AwsIamUser.UserName",
    "ResourceContainerName": "Resources.Details.Container.Name",
    "ResourceContainerImageId": "Resources.Details.Container.ImageId",
    "ResourceContainerImageName": "Resources.Details.Container.ImageName",
    "ResourceApplicationArn": "Resources.ApplicationArn", "ResourceApplicationName": "Resources.ApplicationName",
    "ComplianceStatus": "Compliance.Status", "ComplianceSecurityControlId": "Compliance.SecurityControlId",
    "ComplianceAssociatedStandardsId": "Compliance.AssociatedStandards.StandardsId",
    "WorkflowStatus": "Workflow.Status", "RelatedFindingsProductArn": "RelatedFindings.ProductArn",
    "RelatedFindingsId": "RelatedFindings.Id", "NoteText": "Note.Text", "NoteUpdatedBy": "Note.UpdatedBy",
    "FindingProviderFieldsRelatedFindingsId": "FindingProviderFields.RelatedFindings.Id",
    "FindingProviderFieldsRelatedFindingsProductArn": "FindingProviderFields.RelatedFindings.ProductArn",
    "FindingProviderFieldsSeverityLabel": "FindingProviderFields.Severity.Label",
    "FindingProviderFieldsSeverityOriginal": "FindingProviderFields.Severity.Original",
    "FindingProviderFieldsTypes": "FindingProviderFields.Types", "AwsAccountName": "AwsAccountName",
}
_DATE = {
    "FirstObservedAt": "FirstObservedAt", "LastObservedAt": "LastObservedAt", "CreatedAt": "CreatedAt",
    "UpdatedAt": "UpdatedAt", "ProcessLaunchedAt": "Process.LaunchedAt",
    "ProcessTerminatedAt": "Process.TerminatedAt",
    "ThreatIntelIndicatorLastObservedAt": "ThreatIntelIndicators.LastObservedAt",
    "ResourceAwsEc2InstanceLaunchedAt": "Resources.Details.AwsEc2Instance.LaunchedAt",
    "ResourceAwsIamAccessKeyCreatedAt": "Resources.Details.AwsIamAccessKey.CreatedAt",
    "ResourceContainerLaunchedAt": "Resources.Details.Container.LaunchedAt", "NoteUpdatedAt": "Note.UpdatedAt",
}
_NUMBER = {
    "SeverityProduct": "Severity.Product", "SeverityNormalized": "Severity.Normalized", "Confidence": "Confidence",
    "Criticality": "Criticality", "NetworkSourcePort": "Network.SourcePort",
    "NetworkDestinationPort": "Network.DestinationPort", "ProcessPid": "Process.Pid",
    "ProcessParentPid": "Process.ParentPid", "FindingProviderFieldsConfidence": "FindingProviderFields.Confidence",
    "FindingProviderFieldsCriticality": "FindingProviderFields.Criticality",
}
_MAP = {"ProductFields": "ProductFields", "UserDefinedFields": "UserDefinedFields", "ResourceTags": "Resources.Tags",
        "ResourceDetailsOther": "Resources.Details.Other"}
_IP = {
    "NetworkSourceIpV4": "Network.SourceIpV4", "NetworkSourceIpV6": "Network.SourceIpV6",
    "NetworkDestinationIpV4": "Network.DestinationIpV4", "NetworkDestinationIpV6": "Network.DestinationIpV6",
    "ResourceAwsEc2InstanceIpV4Addresses": "Resources.Details.AwsEc2Instance.IpV4Addresses",
    "ResourceAwsEc2InstanceIpV6Addresses": "Resources.Details.AwsEc2Instance.IpV6Addresses",
}
_STRING.update((name, name) for name in _DIRECT.split())


def path_of(text):
    """A dotted path as the tuple that Row.values takes."""
    return tuple(text.split("."))


def invalid(message):
    return AwsError(400, "InvalidInputException", message)


def _only(name, value, allowed):
    if not isinstance(value, dict):
        raise invalid("Invalid parameter 'Filters'. Each value of %s must be an object." % name)
    for member in value:
        if member not in allowed:
            raise invalid("Invalid parameter 'Filters'. Unknown member %s in %s." % (member, name))



def _compare(found, how, wanted):
    if how.endswith("CONTAINS"):
        return wanted in found
    return found.startswith(wanted) if how.startswith("PREFIX") else found == wanted


def _text_rule(name, values):
    """[(comparison, value)] -> list of found strings -> bool. Positive ones are alternatives, negative ones all hold."""
    positive = [(c, v) for c, v in values if c in _POSITIVE]
    negative = [(c, v) for c, v in values if c in _NEGATIVE]
    used = {c for c, _ in values}
    if {"EQUALS", "NOT_EQUALS"} <= used or {"CONTAINS", "NOT_CONTAINS"} <= used or {"EQUALS", "PREFIX_NOT_EQUALS"} <= used:
        raise invalid("Invalid parameter 'Filters'. %s cannot mix %s." % (name, " and ".join(sorted(used))))

    def rule(found):
        if positive and not any(_compare(f, c, v) for c, v in positive for f in found):
            return False
        return not any(_compare(f, c.replace("NOT_EQUALS", "").replace("NOT_", "").rstrip("_") or "EQUALS", v)
                       for c, v in negative for f in found)
    return rule


def _comparison(name, value):
    how = value.get("Comparison")
    text = value.get("Value")
    if how not in _POSITIVE + _NEGATIVE:
        raise invalid("Invalid parameter 'Filters'. Comparison %r of %s is not one of %s."
                      % (how, name, ", ".join(_POSITIVE + _NEGATIVE)))
    if not isinstance(text, str) or not text:
        raise invalid("Invalid parameter 'Filters'. %s needs a non-empty Value." % name)
    return how, text


def _string(name, path, values):
    for value in values:
        _only(name, value, ("Value", "Comparison"))
    rule = _text_rule(name, [_comparison(name, v) for v in values])
    return lambda row: rule([str(v) for v in row.values(path)])


def _map(name, path, values):
    rules = {}
    for value in values:
        _only(name, value, ("Key", "Value", "Comparison"))
        if not value.get("Key"):
            raise invalid("Invalid parameter 'Filters'. %s needs a Key." % name)
        rules.setdefault(value["Key"], []).append(_comparison(name, value))
    compiled = [(key, _text_rule(name, pairs)) for key, pairs in rules.items()]
    return lambda row: all(rule([str(v) for v in row.values(path + (key,))]) for key, rule in compiled)


def date_bounds(name, value, now):
    """(low, high) in microseconds, both inclusive, of one DateFilter."""
    _only(name, value, ("Start", "End", "DateRange"))
    if "DateRange" in value:
        span = value["DateRange"]
        if "Start" in value or "End" in value:
            raise invalid("Invalid parameter 'Filters'. %s has both a DateRange and Start or End." % name)
        _only(name, span, ("Value", "Unit"))
        if span.get("Unit") != "DAYS" or not isinstance(span.get("Value"), int) or not 1 <= span["Value"] <= 365:
            raise invalid("Invalid parameter 'Filters'. DateRange of %s must be a number of DAYS." % name)
        return now - span["Value"] * 86_400_000_000, now
    if "Start" not in value or "End" not in value:
        raise invalid("Invalid parameter 'Filters'. Both Start and End must be provided for %s, or a DateRange." % name)
    low, high = instants.parse(value["Start"]), instants.parse(value["End"])
    if low is None or high is None:
        raise invalid("Invalid parameter 'Filters'. Date of %s is not in ISO 8601." % name)
    if low > high:
        raise invalid("Invalid parameter 'Filters'. Start of %s is later than End." % name)
    return low, high


def _date(name, path, values, now):
    spans = [date_bounds(name, v, now) for v in values]

    def rule(row):
        for text in row.values(path):
            at = instants.parse(text)
            if at is not None and any(low <= at <= high for low, high in spans):
                return True
        return False
    return rule


def _number(name, path, values):
    tests = {"Gte": lambda f, v: f >= v, "Lte": lambda f, v: f <= v, "Eq": lambda f, v: f == v,
             "Gt": lambda f, v: f > v, "Lt": lambda f, v: f < v}
    for value in values:
        _only(name, value, tests)
        if not value or not all(isinstance(v, (int, float)) for v in value.values()):
            raise invalid("Invalid parameter 'Filters'. %s needs a number." % name)

    def rule(row):
        found = [v for v in row.values(path) if isinstance(v, (int, float))]
        return any(all(tests[op](f, v) for op, v in one.items()) for one in values for f in found)
    return rule


def _address(name, path, values):
    nets = []
    for value in values:
        _only(name, value, ("Cidr",))
        try:
            nets.append(ipaddress.ip_network(value.get("Cidr", ""), strict=False))
        except ValueError as bad:
            raise invalid("Invalid parameter 'Filters'. %s: %s" % (name, bad)) from bad

    def rule(row):
        for text in row.values(path):
            try:
                if any(ipaddress.ip_address(text) in net for net in nets):
                    return True
            except ValueError:
                continue
        return False
    return rule


def _keyword(values):
    words = [v.get("Value", "").lower() for v in values]
    return lambda row: any(w in row.raw.decode("utf-8", "replace").lower() for w in words)


def _boolean(name, values):
    for value in values:
        _only(name, value, ("Value",))
    wanted = {bool(v.get("Value")) for v in values}
    return lambda row: (True in row.values(("Sample",))) in wanted


def _one(name, values, now):
    if name in _STRING:
        return _string(name, path_of(_STRING[name]), values)
    if name in _DATE:
        return _date(name, path_of(_DATE[name]), values, now)
    if name in _NUMBER:
        return _number(name, path_of(_NUMBER[name]), values)
    if name in _MAP:
        return _map(name, path_of(_MAP[name]), values)
    if name in _IP:
        return _address(name, path_of(_IP[name]), values)
    if name == "Keyword":
        return _keyword(values)
    if name == "Sample":
        return _boolean(name, values)
    raise invalid("Invalid parameter 'Filters'. Unknown filter attribute %s." % name)


SORTABLE = {**_STRING, **_DATE, **_NUMBER}


def compile_filters(filters, now):
    """(low, high, ids, keep): bounds of UpdatedAt and the only possible ids (None: any), for the indexes, and the
    predicate for the rest. Raises AwsError."""
    if not isinstance(filters, dict):
        raise invalid("Invalid parameter 'Filters'. It must be an object.")
    if len(filters) > MAX_ATTRIBUTES:
        raise invalid("Invalid parameter 'Filters'. At most %d attributes." % MAX_ATTRIBUTES)
    low = high = ids = None
    rules = []
    for name, values in filters.items():
        if not isinstance(values, list) or not values:
            raise invalid("Invalid parameter 'Filters'. %s must be a non-empty list." % name)
        if len(values) > MAX_VALUES:
            raise invalid("Invalid parameter 'Filters'. At most %d values for %s." % (MAX_VALUES, name))
        if name == "UpdatedAt" and len(values) == 1:
            low, high = date_bounds(name, values[0], now)
        else:
            rules.append(_one(name, values, now))
        if name == "Id" and all(v["Comparison"] == "EQUALS" for v in values):
            ids = [v["Value"] for v in values]
    if not rules:
        return low, high, ids, lambda row: True
    return low, high, ids, lambda row: all(rule(row) for rule in rules)
