"""One page out of a shelf: window, predicate, sort, token. The same for both services.

A token holds the sort key of the last row given out. Sorted by update instant, a page costs a bisect and the rows that
it looks at; any other sort looks at all rows of the window.
"""
import bisect


class Page:
    """Rows of one page, before they are written. token is None on the last page. faults.py may change all of it."""

    __slots__ = ("rows", "token", "restart", "end", "asked")

    def __init__(self, rows, token=None, restart=None, end=None, asked=None):
        self.rows = rows
        self.token = token
        self.restart = restart      # makes a token that leads to this very page again
        self.end = end              # makes a token that leads to what is behind this page
        self.asked = asked          # the token that was sent, or None


class Walk:
    """A query, ready to give pages.

    low, high: bounds of the update instant in microseconds, inclusive (None: open).
    ids: the only ids that can be among them (None: any).
    keep: row -> bool.  by: None for the update instant, else row -> sortable list.  descending: bool.
    """

    def __init__(self, shelf, low, high, keep, by, descending, ids=None):
        self.shelf = shelf
        self.low = low
        self.high = high
        self.keep = keep
        self.by = by
        self.descending = descending
        self.ids = ids

    def _window(self):
        order = self.shelf.order(self.ids)
        start = 0 if self.low is None else bisect.bisect_left(order, (self.low,))
        end = len(order) if self.high is None else bisect.bisect_left(order, (self.high + 1,))
        return order, start, end

    def _ordered(self, after):
        """(sort key, row) behind the position, in order."""
        order, start, end = self._window()
        if self.by is not None:
            entries = sorted(([*self.by(row), row.seq], row) for _, _, row in order[start:end] if self.keep(row))
            if self.descending:
                entries.reverse()
            for key, row in entries:
                if after is None or (key < after if self.descending else key > after):
                    yield key, row
            return
        if after is not None and self.descending:
            end = min(end, bisect.bisect_left(order, tuple(after)))
        elif after is not None:
            start = max(start, bisect.bisect_left(order, (after[0], after[1] + 1)))
        places = range(end - 1, start - 1, -1) if self.descending else range(start, end)
        for at in places:
            updated, seq, row = order[at]
            if self.keep(row):
                yield [updated, seq], row

    def page(self, size, after, make_token, asked):
        rows, last, more = [], after, False
        for key, row in self._ordered(after):
            if row.gate is not None and not row.gate.open:
                continue
            if len(rows) == size:
                more = True
                break
            rows.append(row)
            last = key
        return Page(rows, make_token(last) if more else None, lambda: make_token(after), lambda: make_token(last), asked)
