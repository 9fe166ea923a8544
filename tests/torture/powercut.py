"""What a folder may be after a power cut, from what powercut.c wrote down.

    cut = PowerCut(state, log, random.Random(7))
    daemon.start(env=cut.env()); ...; daemon.kill()
    cut.happen()                    # state is now what the disk may hold

What was synced is there. Of the rest, each sector of 512 bytes holds what it held at the last sync or any of what was written to it since,
each by chance and apart from all others: torn writes, and later ones without earlier ones. The same holds for each change of size, and
for each name that was made, moved or taken away since its folder was synced.
"""
import os
import struct

from bed import preload

SECTOR = 512
_ENTRY = struct.Struct("=QqIIc7x")


class _File:
    """One inode: what is certain of it, and what was done since."""

    def __init__(self, content=b""):
        self.content = bytearray(content)
        self.pending = []       # (offset, bytes), or (size, None)

    def sync(self):
        for at, data in self.pending:
            if data is None:
                self._resize(at)
            else:
                self._put(at, data)
        self.pending = []

    def _resize(self, size):
        if size <= len(self.content):
            del self.content[size:]
        else:
            self.content.extend(bytes(size - len(self.content)))

    def _put(self, at, data):
        if at + len(data) > len(self.content):
            self._resize(at + len(data))
        self.content[at:at + len(data)] = data

    def lose(self, rng):
        """Each sector as of some moment since the last sync."""
        for at, data in self.pending:
            if data is None:
                if rng.random() < 0.5:
                    self._resize(at)
                continue
            for start in range(at // SECTOR * SECTOR, at + len(data), SECTOR):
                if rng.random() < 0.5:
                    low, high = max(start, at), min(start + SECTOR, at + len(data))
                    self._put(low, data[low - at:high - at])
        self.pending = []


class PowerCut:
    def __init__(self, state, log, rng):
        self.state, self.log, self.rng = os.path.realpath(state), log, rng
        self.names = {}         # name -> _File: what is certain of the folder
        self.lost_bytes = 0

    def env(self):
        """For a daemon whose state_dir is written as self.state."""
        return {"LD_PRELOAD": preload("powercut"), "POWERCUT_DIR": self.state, "POWERCUT_LOG": self.log}

    def entries(self):
        """(what, ino, offset, name, data) of the record; a last one that was cut off did not happen."""
        try:
            with open(self.log, "rb") as file:
                raw = file.read()
        except FileNotFoundError:
            return
        at = 0
        while at + _ENTRY.size <= len(raw):
            ino, offset, name_bytes, data_bytes, what = _ENTRY.unpack_from(raw, at)
            end = at + _ENTRY.size + name_bytes + data_bytes
            if end > len(raw):
                return
            name = raw[at + _ENTRY.size:at + _ENTRY.size + name_bytes].decode()
            yield what.decode(), ino, offset, name, raw[end - data_bytes:end]
            at = end

    @staticmethod
    def _name(names, what, name, file):
        if what == "C":
            names[name] = file
        elif what == "U":
            names.pop(name, None)
        else:
            old, _, new = name.partition("\0")
            if old in names:
                names[new] = names[old]
                if what == "R":
                    del names[old]

    def happen(self):
        """Put into the folder what the disk may hold now; begin the next record."""
        inodes, now, waiting = {}, dict(self.names), []
        for what, ino, offset, name, data in self.entries():
            if what in "OC":
                if what == "C" or ino not in inodes:
                    inodes[ino] = now.get(name) if what == "O" and name in now else _File()
            if what in "CULR":
                change = (what, name, inodes.get(ino))
                waiting.append(change)
                self._name(now, *change)
            elif what == "D":
                for change in waiting:
                    self._name(self.names, *change)
                waiting = []
            elif what == "S":
                inodes[ino].sync()
            elif what == "W":
                inodes[ino].pending.append((offset, data))
            elif what == "T":
                inodes[ino].pending.append((offset, None))
        self.lost_bytes = sum(len(data or b"") for file in inodes.values() for _, data in file.pending)
        for change in waiting:
            if self.rng.random() < 0.5:
                self._name(self.names, *change)
        for file in {id(f): f for f in [*inodes.values(), *self.names.values()]}.values():
            file.lose(self.rng)
        self._write()

    def _write(self):
        for name in os.listdir(self.state):
            os.unlink(os.path.join(self.state, name))
        placed = {}
        for name, file in self.names.items():
            path = os.path.join(self.state, name)
            if id(file) in placed:
                os.link(placed[id(file)], path)
                continue
            with open(path, "wb") as out:
                out.write(file.content)
            os.chmod(path, 0o600)
            placed[id(file)] = path
        if os.path.exists(self.log):
            os.unlink(self.log)
