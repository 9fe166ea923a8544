"""A child process that writes its port to a file, and is certain to be gone at the end."""
import os
import signal
import subprocess
import tempfile
import time


class Died(RuntimeError):
    """The process ended before it was ready."""


class Child:
    """Runs argv; output goes to a file, shown when it dies."""

    def __init__(self, argv, env=None, cwd=None):
        self.output = tempfile.TemporaryFile()
        self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
                                      env=env, cwd=cwd)

    def said(self):
        self.output.seek(0)
        return self.output.read().decode("utf-8", "replace")

    def await_file(self, path, seconds=20.0):
        """The content of a file that the child makes when it is ready."""
        until = time.monotonic() + seconds
        while not os.path.exists(path):
            if self.popen.poll() is not None:
                raise Died("%s ended with %s: %s" % (self.popen.args[:3], self.popen.returncode, self.said()))
            if time.monotonic() > until:
                raise Died("%s was not ready in %s s: %s" % (self.popen.args[:3], seconds, self.said()))
            time.sleep(0.01)
        with open(path, encoding="ascii") as file:
            return file.read()

    def stop(self, how=signal.SIGTERM, seconds=10.0):
        """End it; returns the exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(how)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.output.close()
        return self.popen.returncode
