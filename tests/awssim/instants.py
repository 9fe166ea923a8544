"""Instants as AWS writes them, as integers of microseconds since 1970, and the simulator's own clock."""
import calendar
import re
import time

_FORM = re.compile(r"^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?"
                   r"(Z|[+-]\d\d:?\d\d)?$", re.ASCII)


def parse(text):
    """Microseconds since 1970, or None. Takes what AWS takes: a date alone, hours alone, 0 to 9 digits of fraction,
    Z or an offset (none means Z)."""
    found = _FORM.match(text) if isinstance(text, str) else None
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= calendar.monthrange(max(int(year), 1), int(month))[1]):
        return None
    if int(hour or 0) > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        return None
    seconds = calendar.timegm((int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)))
    if zone and zone != "Z":
        digits = zone[1:].replace(":", "")
        offset = int(digits[:2]) * 3600 + int(digits[2:]) * 60
        seconds -= offset if zone[0] == "+" else -offset
    return seconds * 1_000_000 + int(((fraction or "") + "000000")[:6])


def text(micros):
    """RFC 3339 in UTC with milliseconds."""
    seconds, rest = divmod(int(micros), 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + ".%03dZ" % (rest // 1000)


class Clock:
    """The clock of the simulated AWS. Real time plus an offset that tests may change: everything that the simulator
    dates (Date headers, signatures' age, keys' expiry, NoteUpdatedAt) comes from here."""

    def __init__(self):
        self.skew = 0.0
        self._date = (0, b"")

    def now(self):
        return time.time() + self.skew

    def micros(self):
        return int(self.now() * 1_000_000)

    def http_date(self, shift=0.0):
        """The value of a Date header, as bytes."""
        second = int(self.now() + shift)
        if self._date[0] != second:
            days = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
            months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
            t = time.gmtime(second)
            line = "%s, %02d %s %04d %02d:%02d:%02d GMT" % (
                days[t.tm_wday], t.tm_mday, months[t.tm_mon - 1], t.tm_year, t.tm_hour, t.tm_min, t.tm_sec)
            self._date = (second, line.encode())
        return self._date[1]
