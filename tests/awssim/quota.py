"""Token buckets, per account and region, as AWS publishes them (and guesses where it does not: GuardDuty)."""
import time

RATES = {  # (service, op) or service -> (tokens a second, burst)
    ("securityhub", "GetFindings"): (3.0, 6.0),
    "securityhub": (10.0, 30.0),
    "guardduty": (5.0, 10.0),
    "sns": (300.0, 300.0),
    "sts": (600.0, 600.0),
}


class Quotas:
    def __init__(self, on=False, now=time.monotonic):
        self.on = on
        self.rates = dict(RATES)
        self._now = now
        self._buckets = {}

    def take(self, account, region, service, op):
        """True when the call may pass."""
        if not self.on:
            return True
        name = (service, op) if (service, op) in self.rates else service
        rate, burst = self.rates[name]
        now = self._now()
        level, last = self._buckets.get((account, region, name), (burst, now))
        level = min(burst, level + (now - last) * rate)
        passed = level >= 1.0
        self._buckets[(account, region, name)] = (level - 1.0 if passed else level, now)
        return passed
