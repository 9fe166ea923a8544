"""R5: every system call of a start-poll-deliver-stop run fails once, by `strace -e inject`, with the errors of CALLS; then each pair once
for good, from the middle of the run on.

The daemon goes on, or leaves with a status that it documents; it does not crash, does not turn in circles, and where it did not deliver in
the first run it said why. What it left behind is whole: a clean daemon delivers all, and nothing under a second message key.

In short form three occurrences of each pair. What fails before main (the loader's calls) is the loader's to answer. brk gives 0, not
an error: that is how the kernel says no.
"""
import collections
import os
import re
import shutil
import time

import pytest

from bed import Bed
from lib import verdict

TORTURE = "R5"
CALLS = """openat:EMFILE openat:EACCES newfstatat:EIO read:EIO read:EAGAIN pread64:EIO write:EIO write:EAGAIN pwrite64:EIO pwrite64:ENOSPC
fdatasync:EIO fdatasync:ENOSPC fsync:EIO ftruncate:EIO fallocate:EOPNOTSUPP fallocate:ENOSPC link:EPERM unlink:EIO statfs:EIO mkdir:EACCES
lseek:EIO fcntl:EAGAIN close:EIO socket:EMFILE socket:ENOBUFS connect:ECONNREFUSED connect:ENETUNREACH sendto:EPIPE sendto:ECONNRESET
sendto:ENOBUFS recvfrom:ECONNRESET recvfrom:ETIMEDOUT setsockopt:EINVAL getsockopt:ENOBUFS getsockname:ENOBUFS getpeername:ENOTCONN bind:EADDRINUSE
listen:EADDRINUSE chmod:EPERM fchown:EPERM epoll_wait:EINTR epoll_ctl:ENOMEM epoll_create1:EMFILE eventfd2:EMFILE timerfd_create:EMFILE
timerfd_settime:EINVAL pipe2:EMFILE socketpair:EMFILE poll:EINTR poll:ENOMEM mmap:ENOMEM munmap:ENOMEM brk:0 madvise:EINVAL clone3:EAGAIN
getrandom:EINTR prctl:EINVAL prlimit64:EPERM access:EACCES readlinkat:EACCES shutdown:ENOTCONN sysinfo:EPERM uname:EFAULT""".split()
DOCUMENTED = (0, 71, 74, 75, 78)
# As they would be for ever only in a broken kernel; the loop may well spin then.
NOT_FOR_GOOD = ("epoll_wait", "epoll_ctl", "poll", "read:EAGAIN", "read:EIO", "write", "timerfd_settime", "recvfrom")
IN_FLIGHT = 3 * 8
CPU_SECONDS = 0.35      # what a run itself takes, under strace, and 200 ms a second on top
MAIN = "prctl"          # the first of our own calls
REASONS = {"EMFILE": "Too many open files", "ENOBUFS": "No buffer space"}


class Tally:
    def __init__(self):
        self.runs = self.lost = self.repeated = self.most = 0
        self.cpu = 0.0
        self.bad = []
        self.codes = collections.Counter()


def traced(call):
    """The arguments of strace for one call."""
    return ("strace", "-D", "-f", "-q", "--seccomp-bpf", "-e", "trace=" + call)


def cpu_seconds(pid):
    """Processor time of a live process; None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_calls(bed):
    """call -> how often one thread makes it at most, in a run without faults; and how often before main."""
    one = bed.run("count")
    log = os.path.join(one.folder, "strace")
    calls = sorted({MAIN} | {pair.partition(":")[0] for pair in CALLS})
    one.daemon.start(wait=False, prefix=(*traced(",".join(calls)), "-o", log))
    assert one.wait(20), one.daemon.lines
    assert one.stop() == 0
    per_thread, before = collections.Counter(), collections.Counter()
    # The tracer is a grandchild: it may write its last lines after the daemon has gone.
    until = time.monotonic() + 10
    text = ""
    while "exited with" not in text and time.monotonic() < until:
        with open(log, encoding="utf-8", errors="replace") as file:
            text = file.read()
    for pid, call in re.findall(r"^(\d+) +(\w+)\(", text, re.M):
        per_thread[(call, pid)] += 1
        if not any(made == MAIN for made, _ in per_thread):
            before[call] += 1
    one.end()
    found = collections.Counter()
    for (call, _), number in per_thread.items():
        found[call] = max(found[call], number)
    return found, before


def once(bed, pair, when, tally, before):
    call, _, error = pair.partition(":")
    name = "%s-%s-%s" % (call, error, when.replace("+", "on"))
    one = bed.run(name.lower().replace("_", "-"))
    log = os.path.join(one.folder, "strace")
    started = time.monotonic()
    how = "error=" + error if error.isalnum() and not error.isdigit() else "retval=" + error
    one.daemon.start(wait=False, prefix=(*traced(call), "-o", log, "-e", "inject=%s:%s:when=%s" % (call, how, when)))
    arrived = one.wait(1.5 if when.endswith("+") else 30.0)
    cpu = cpu_seconds(one.daemon.process.pid) or 0.0
    spent = time.monotonic() - started
    code = one.stop()
    said = list(one.daemon.lines)
    later = one.settle() if not arrived or code != 0 else 0
    row = one.close()
    tally.runs += 1
    tally.codes[code] += 1
    tally.lost += row["lost"]
    tally.repeated += row["repeated"]
    tally.most = max(tally.most, row["repeated"])
    tally.cpu = max(tally.cpu, cpu - CPU_SECONDS * 0.5 - 0.2 * spent)
    at_load = int(when.rstrip("+")) <= before[call]
    alive = "\n".join(said)
    told = at_load or any(re.search(r" (err|warn) |^<[0-4]>|error|cannot", text) for text in said)
    with open(log, encoding="utf-8", errors="replace") as file:
        struck = [text.strip()[:160] for text in file if "INJECTED" in text][:3]
    wrong = [text for text, is_so in (
        ("left with %s" % code, code not in DOCUMENTED and not at_load), ("a clean one left with %s" % later, later != 0),
        ("lost %d" % row["lost"], row["lost"]), ("twice %d" % row["twice"], row["twice"]),
        ("unexpected %d" % row["unexpected"], row["unexpected"]), ("repeated %d" % row["repeated"], row["repeated"] > IN_FLIGHT),
        ("%.2f s of CPU in %.1f s" % (cpu, spent), cpu > CPU_SECONDS + 0.2 * spent),
        ("silent", struck and (not arrived or code != 0) and not told),
        ("does not say why", call == "socket" and " warn " in alive and REASONS[error] not in alive)) if is_so]
    if wrong:
        tally.bad.append("%s %s" % (pair, when))
        print("%s %s: %s\n    %s\n    %s\n" % (pair, when, ", ".join(wrong), "\n    ".join(struck), "\n    ".join(one.daemon.lines[-8:])),
              flush=True)
    one.end()


def test_every_system_call_fails_once(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    bed, tally = Bed(tmp_path, None, own=1, hub=1), Tally()
    pairs = (os.environ.get("FINDINGSD_TORTURE_CALLS") or "").split() or CALLS
    try:
        found, before = count_calls(bed)
        plan = []
        for pair in pairs:
            number = found[pair.partition(":")[0]]
            plan += [(pair, str(n)) for n in (range(1, number + 1) if verdict.is_long() else sorted({1, (number + 1) // 2, number} - {0}))]
            if number and not pair.startswith(NOT_FOR_GOOD):
                plan.append((pair, "%d+" % ((number + 1) // 2)))
        for pair, when in verdict.timeboxed(plan):
            once(bed, pair, when, tally, before)
    finally:
        bed.close()
    verdict.tell("R5", runs=tally.runs, lost=tally.lost, repeated=tally.repeated,
                 worst="%d pairs of call and error, %s; left with %s; %d repeated in one run; bad: %s" % (
                     len(pairs), ("each time" if verdict.is_long() else "three times") if tally.runs == len(plan) else "%d of %d, by chance" % (tally.runs, len(plan)), dict(tally.codes), tally.most, ", ".join(tally.bad[:5]) or "none"),
                 target="0 lost, no crash, no loop in circles, said why", ok=not tally.bad)
