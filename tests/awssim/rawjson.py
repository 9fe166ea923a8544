"""Findings as raw text: cut out of files and requests without ever being written again.

What a test hands in is what a client gets back, byte for byte; a parsed copy serves only for filters and sorting.
"""
import json

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


def _skip(text, at, more=""):
    while at < len(text) and text[at] in _SPACE + more:
        at += 1
    return at


def slices(data):
    """[(raw bytes, parsed)] of a text that holds one JSON object, an array of them, or several one after another
    (JSON lines, pretty-printed or not). Raises ValueError where it is none of these."""
    text = data.decode("utf-8") if isinstance(data, (bytes, bytearray)) else data
    at = _skip(text, 0, "\ufeff")
    in_array = text[at:at + 1] == "["
    if in_array:
        at += 1
    found = []
    while True:
        at = _skip(text, at, ",")
        if at >= len(text) or text[at] == "]":
            return found
        doc, end = _DECODER.raw_decode(text, at)
        found.append((text[at:end].encode("utf-8"), doc))
        at = end


def compact(doc):
    """The form in which the simulator writes a finding that an update has changed."""
    return json.dumps(doc, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def values(doc, path):
    """All values at a path of names, arrays on the way being walked through. Scalars only."""
    here = [doc]
    for name in path:
        after = []
        for item in here:
            for one in item if isinstance(item, list) else [item]:
                if isinstance(one, dict) and name in one:
                    after.append(one[name])
        here = after
    flat = []
    for item in here:
        flat.extend(item if isinstance(item, list) else [item])
    return [v for v in flat if v is not None and not isinstance(v, (dict, list))]
