"""lintlib: what the lint programs share: where the sources are, and C text without comments and strings.

Not a parser: the house style (STYLE.md: a function's name at column 1, its braces at column 1) is what makes
reading by line enough.
"""
import os
import re
import sys

TOP = os.environ.get("top_srcdir") or os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))


def files(folder, *suffixes):
    """Paths under folder (relative to the top), sorted."""
    found = []
    for where, dirs, names in os.walk(os.path.join(TOP, folder)):
        dirs.sort()
        for name in sorted(names):
            if name.endswith(suffixes):
                found.append(os.path.relpath(os.path.join(where, name), TOP))
    return found


def read(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as f:
        return f.read()


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_only(text):
    """text with comments and the insides of strings blanked; lines keep their numbers."""

    def blank(m):
        s = m.group(0)
        if s[0] in "\"'":
            return s[0] + s[0]
        return "\n" * s.count("\n") or " "

    return TOKEN.sub(blank, text)


def finish(name, problems, summary):
    for p in problems:
        print(p)
    print(f"{name}: {summary}, {len(problems)} problem{'' if len(problems) == 1 else 's'}")
    sys.exit(1 if problems else 0)


def skip(why):
    print("skip: " + why)
    sys.exit(77)
