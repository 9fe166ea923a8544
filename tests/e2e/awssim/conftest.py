"""The simulator's own tests have nothing of the daemon in them: they need not run again under sanitizers."""
import os

collect_ignore_glob = ["test_*.py"] if os.environ.get("FINDINGSD_SANITIZED") else []
