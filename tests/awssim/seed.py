"""The state to start from, out of a JSON file.

 {"accounts": [{"account", "access_key", "secret_key"}],
  "roles":    [{"arn", "external_id", "trusts": [account], "max_duration", "life"}],     none: any role can be assumed
  "topics":   ["arn:..." or {"arn", "content_based_deduplication", "publishers": [account]}],
  "aggregators": [{"account", "home", "linked": [region] or "ALL_REGIONS"}],
  "default_on": false,                                       both services on in regions that are not named
  "regions":  [{"account", "region", "guardduty": true, "securityhub": true, "opted_in": true,
                "guardduty_findings": [ITEM], "securityhub_findings": [ITEM]}]}

ITEM: the path of a file of findings (one, an array, or lines; kept byte for byte), {"raw": "text"},
{"generate": {"count", "seed", "start", "step", "pretty"}} (lib/findings.py), or a finding itself.
"""
import os

from . import rawjson


def _items(item, service, account, region, base):
    """[(raw, parsed)] of one ITEM."""
    if isinstance(item, str):
        with open(os.path.join(base, item), "rb") as file:
            return rawjson.slices(file.read())
    if "raw" in item and len(item) == 1:
        return rawjson.slices(item["raw"])
    if "generate" in item and len(item) == 1:
        from lib import findings
        return [(raw, None) for raw in findings.many(service, account=account, region=region, **item["generate"])]
    return [(rawjson.compact(item), item)]


def _region(world, spec, base):
    account, name = spec["account"], spec["region"]
    place = world.region(account, name)
    added = 0
    for service in ("guardduty", "securityhub"):
        for item in spec.get(service + "_findings", ()):
            for raw, doc in _items(item, service, account, name, base):
                world.add_finding(account, name, service, raw, doc)
                added += 1
    place.guardduty = spec.get("guardduty", place.guardduty)
    place.hub = spec.get("securityhub", place.hub)
    place.opted_in = spec.get("opted_in", place.opted_in)
    return added


def apply(world, spec, base="."):
    """Put the state into the world; returns what was added. Raises ValueError for what it does not know."""
    unknown = set(spec) - {"accounts", "roles", "topics", "aggregators", "default_on", "regions"}
    if unknown:
        raise ValueError("seed: %s unknown" % ", ".join(sorted(unknown)))
    world.default_on = spec.get("default_on", world.default_on)
    for one in spec.get("accounts", ()):
        world.add_key(one["account"], one["access_key"], one["secret_key"])
    for one in spec.get("roles", ()):
        world.roles[one["arn"]] = one
    for one in spec.get("topics", ()):
        one = {"arn": one} if isinstance(one, str) else one
        world.add_topic(one["arn"], one.get("content_based_deduplication", False), one.get("publishers"))
    for one in spec.get("aggregators", ()):
        world.aggregators[one["account"]] = {"home": one["home"], "linked": one["linked"]}
    return {"findings": sum(_region(world, r, base) for r in spec.get("regions", ()))}
