"""Where things are: the source tree, the build tree, the shared data."""
import os

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE = os.path.dirname(TESTS)


def build_dir():
    """The build tree: FINDINGSD_BUILDDIR, else the working directory if it was configured, else the source tree."""
    named = os.environ.get("FINDINGSD_BUILDDIR")
    if named:
        return os.path.abspath(named)
    return os.getcwd() if os.path.exists("config.status") else SOURCE


def program(name):
    """The path of findingsd or findingsctl (FINDINGSD_BIN, FINDINGSCTL_BIN win); None when it has not been built."""
    named = os.environ.get(name.upper() + "_BIN")
    if named:
        return os.path.abspath(named) if os.access(named, os.X_OK) else None
    for place in (("src", name), (name,), ("src", "daemon", name), ("src", "ctl", name)):
        path = os.path.join(build_dir(), *place)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def shared(*parts):
    """A file of the shared data beside the project (FINDINGSD_SHARED overrides), or None when it is not there."""
    root = os.environ.get("FINDINGSD_SHARED") or os.path.join(os.path.dirname(SOURCE), "shared")
    path = os.path.join(root, *parts)
    return path if os.path.exists(path) else None
