TESTS += tests/e2e/run
EXTRA_DIST += tests/e2e/run
# The Python side of the tests goes into the tarball whole.
dist-hook: dist-python
dist-python:
	to=$$(cd "$(distdir)" && pwd) && cd $(srcdir) && \
	find tests -type f \( -name '*.py' -o -path 'tests/torture/*.c' -o -path 'tests/data/*' -o -path 'tests/fuzz/corpus/*' \) ! -path '*__pycache__*' | \
		while read -r f; do mkdir -p "$$to/$$(dirname "$$f")" && cp -p "$$f" "$$to/$$f"; done
.PHONY: dist-python
