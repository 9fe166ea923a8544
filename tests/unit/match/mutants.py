"""Mutants of the public conformance cases: patterns and events changed a little, in every way that we could think of.

A case is a tree that keeps the spelling of everything: ('o', [(key, node)]), ('a', [node]), ('r', raw text). Values travel
between a pattern and its event, so that about half of the mutants still match.
"""
import json
import random
import re

TOKEN = re.compile(r'\s*([{}\[\]:,]|"(?:[^"\\]|\\.)*"|[^\s{}\[\]:,"]+)', re.S)
OPERATORS = ["prefix", "suffix", "equals-ignore-case", "wildcard", "numeric", "cidr", "exists", "anything-but", "exactly"]
NUMBERS = ["0", "-0", "0.0", "1", "1.0", "1e0", "10e-1", "100", "1E2", "-1", "1.5", "15e-1", "0.1", "1e-1", "9007199254740993",
           "9007199254740992", "12345678901234567", "1e400", "1e-400", "-1e400", "5e-324", "4.9e-324", "1.7976931348623157e308",
           "-1.7976931348623157e308", "0.30000000000000004", "123456789.123456789", "300", "3.0e2", "5e9", "-5000000000.000001",
           "00", "1.", ".5", "+1", "1e", "0e5", "2147483648", "1.0000000000000002", "0.1000000000000000055"]
STRINGS = ["", "a", "A", "ab", "aB", "b", "*", "a*", "*a", "a*b", "**", "\\\\*", "\\\\", "\\\\a", "a\\\"", "\\\"", "\\/", "/", "é", "É",
           "\\u00e9", "e\\u0301", "ß", "SS", "ss", "\\u0130", "i", "I", "ı", "ς", "σ", "Σ", "\\u212a", "k", "K", "ǅ", "ǆ", "Ǆ", "😀",
           "\\ud83d\\ude00", "A😀", "a😀", "??", "\\ud83d", "10.0.0.1", "010.0.0.01", "10.0.0.0/8", "10.0.0.7/24", "0.0.0.0/0", "::/0",
           "::1", "2001:DB8::1", "2001:db8:0:0:0:0:0:1", "2001:db8::/32", "::ffff:a00:1", "::ffff:10.0.0.1", "1::2::3", "10.0.0.0/32",
           "::/128", "10.0.0.0/31", "::/127", "10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0.0/+8", "10.0.0.0//8", "10.0.0.0/8/", "256.1.1.1", "1.2.3",
           "12:30", "true", "null", "123", "1e2", "\\u0000", "\\n", "x" * 300, ">", "=", "<=", "\\u002a", "a\\u002ab", "arn:aws:s3:::x"]
LITERALS = ["true", "false", "null"]


def parse(text):
    tokens = [m.group(1) for m in TOKEN.finditer(text)]
    at = 0

    def value():
        nonlocal at
        token = tokens[at]
        at += 1
        if token == "{":
            members = []
            while tokens[at] != "}":
                key = tokens[at]
                at += 2
                members.append((key, value()))
                at += tokens[at] == ","
            at += 1
            return ("o", members)
        if token == "[":
            items = []
            while tokens[at] != "]":
                items.append(value())
                at += tokens[at] == ","
            at += 1
            return ("a", items)
        return ("r", token)
    return value()


def text_of(node):
    kind, inner = node
    if kind == "r":
        return inner
    if kind == "o":
        return "{%s}" % ",".join("%s:%s" % (k, text_of(v)) for k, v in inner)
    return "[%s]" % ",".join(text_of(v) for v in inner)


def places(node, found):
    """Every container's slots: (list, index, is member)."""
    kind, inner = node
    if kind == "r":
        return found
    for i, item in enumerate(inner):
        found.append((inner, i, kind == "o"))
        places(item[1] if kind == "o" else item, found)
    return found


def leaves(node, found):
    kind, inner = node
    if kind == "r":
        found.append(node)
    for item in inner if kind != "r" else ():
        leaves(item[1] if kind == "o" else item, found)
    return found


def copy(node):
    kind, inner = node
    return node if kind == "r" else (kind, [(k, copy(v)) for k, v in inner] if kind == "o" else [copy(v) for v in inner])


class Mutator:
    def __init__(self, cases, seed):
        self.random = random.Random(seed)
        self.cases = cases

    def leaf(self, other):
        """A value: one of the other side's, or an odd one."""
        rnd, pool = self.random, leaves(other, [])
        pick = rnd.random()
        if pick < 0.5 and pool:
            return rnd.choice(pool)
        if pick < 0.7:
            return ("r", rnd.choice(NUMBERS))
        if pick < 0.95:
            return ("r", '"%s"' % rnd.choice(STRINGS))
        return ("r", rnd.choice(LITERALS))

    def respell(self, raw):
        """The same value, or nearly, in other letters."""
        rnd = self.random
        if raw[0] != '"':
            return rnd.choice([raw + ".0", raw + "e0", raw + "0", "-" + raw, raw.upper(), raw + "1", '"%s"' % raw, raw[:-1] or "0"])
        inner = raw[1:-1]
        if not inner:
            return rnd.choice(['"*"', '" "', "null"])
        i = rnd.randrange(len(inner))
        char = inner[i]
        if char.isalnum() and "\\" not in inner[max(0, i - 5):i]:
            changed = rnd.choice([char.swapcase(), "\\u%04x" % ord(char) if ord(char) < 0x10000 else char, "", char * 2, "*", "."])
            return '"%s"' % (inner[:i] + changed + inner[i + 1:])
        return rnd.choice(['"%s"' % inner.upper(), '"%s"' % inner.swapcase(), raw, '"%s*"' % inner, '"*%s"' % inner]) \
            if "\\" not in inner else '"%s%s"' % (inner, rnd.choice(["*", "x", "\\\\", "\\\\*"]))

    def matcher(self, other):
        """An operator around some value."""
        rnd, name = self.random, self.random.choice(OPERATORS)
        if name == "numeric":
            ops = [("r", '"%s"' % o) for o in rnd.sample(["<", "<=", ">", ">=", "=", "!="], 2)]
            form = [ops[0], self.leaf(other)] + ([ops[1], self.leaf(other)] if rnd.random() < 0.5 else [])
            value = ("a", form[:rnd.choice([len(form), len(form), 1, 3])])
        elif name == "exists":
            value = ("r", rnd.choice(["true", "false", "true", "false", "1", '"true"']))
        elif name == "anything-but":
            value = self.leaf(other)
            if rnd.random() < 0.4:
                value = ("a", [self.leaf(other) for _ in range(rnd.randrange(4))])
            if rnd.random() < 0.5:
                value = ("o", [('"%s"' % rnd.choice(["prefix", "suffix", "wildcard", "equals-ignore-case", "numeric", "exists"]), value)])
        elif name in ("prefix", "suffix") and rnd.random() < 0.3:
            value = ("o", [('"equals-ignore-case"', self.leaf(other))])
        else:
            value = self.leaf(other)
        return ("o", [('"%s"' % name, value)])

    def key(self, key, root):
        rnd, keys = self.random, [c[i][0] for c, i, is_member in places(root, []) if is_member]
        inner = key[1:-1]
        return rnd.choice([key, rnd.choice(keys or [key]), '"%s.%s"' % (inner, rnd.choice(keys or [key])[1:-1]), '"$or"',
                           '"%s"' % rnd.choice(OPERATORS), '""', '"%s"' % inner.swapcase(), '".%s"' % inner, '"%s."' % inner,
                           '"\\u%04x%s"' % (ord(inner[0]), inner[1:]) if inner and inner[0].isalnum() and ord(inner[0]) < 0x10000 else key])

    def change(self, tree, other, is_pattern):
        rnd, found = self.random, places(tree, [])
        if not found:
            return
        inner, i, is_member = rnd.choice(found)
        if i >= len(inner):
            return
        key, node = inner[i] if is_member else (None, inner[i])

        def put(new):
            inner[i] = (key, new) if is_member else new
        pick = rnd.randrange(14)
        if pick == 0:
            del inner[i]
        elif pick == 1:
            inner.insert(rnd.randrange(len(inner) + 1), copy_item(inner[i], is_member))
        elif pick == 2:
            rnd.shuffle(inner)
        elif pick == 3 and is_member:
            inner[i] = (self.key(key, tree), node)
        elif pick == 4 and is_member:     # a key again, with another value
            inner.insert(rnd.randrange(len(inner) + 1), (key, rnd.choice([copy(node), self.leaf(other), ("a", [self.leaf(other)])])))
        elif pick == 5:
            put(("a", [node] + [self.leaf(other)] * rnd.randrange(2)))
        elif pick == 6 and node[0] == "a" and node[1]:
            put(node[1][0])
        elif pick == 7:
            put(("o", [('"%s"' % rnd.choice(["a", "b", "x"]), node)]))
        elif pick == 8 and node[0] == "o" and node[1]:
            put(node[1][0][1])
        elif pick == 9 and is_pattern:
            put(("a", [self.matcher(other)]) if is_member else self.matcher(other))
        elif pick == 10 and is_pattern and is_member:
            inner.insert(i, ('"$or"', ("a", [("o", [(key, copy(node))]) for _ in range(rnd.randrange(1, 4))])))
        elif pick == 11:
            put(rnd.choice([("a", []), ("o", []), ("r", "null"), ("a", [("a", [])])]))
        elif node[0] == "r":
            put(("r", self.respell(node[1])) if rnd.random() < 0.5 else self.leaf(other))
        elif node[0] == "a" and node[1]:
            node[1].insert(rnd.randrange(len(node[1]) + 1), self.leaf(other))

    def garble(self, text):
        """A byte or two wrong, as typed by people."""
        rnd, i = self.random, self.random.randrange(len(text))
        return rnd.choice([text[:i], text[:i] + text[i + 1:], text[:i] + rnd.choice('{}[]",:\\\t\x01 é') + text[i:], text + " x", text + "}"])

    def next(self):
        rnd = self.random
        pattern, event = (copy(t) for t in rnd.choice(self.cases))
        if rnd.random() < 0.1:
            event = copy(rnd.choice(self.cases)[1])
        for _ in range(rnd.choice([1, 1, 2, 3, 5])):
            if rnd.random() < 0.6:
                self.change(pattern, event, True)
            else:
                self.change(event, pattern, False)
        text = text_of(pattern)
        return self.garble(text) if rnd.random() < 0.03 else text, text_of(event)


def copy_item(item, is_member):
    return (item[0], copy(item[1])) if is_member else copy(item)


def trees(lines):
    """(pattern, event) trees of those lines whose two texts are JSON objects."""
    found = []
    for line in lines:
        case = json.loads(line)
        try:
            if not isinstance(json.loads(case["pattern"]), dict) or not isinstance(json.loads(case["event"]), dict):
                continue
        except ValueError:
            continue
        found.append((parse(case["pattern"]), parse(case["event"])))
    return found
