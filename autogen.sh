#!/bin/sh
# Make configure from configure.ac. Needs autoconf, automake and pkg-config.
set -e
cd "$(dirname "$0")"
autoreconf --install --warnings=all,no-obsolete
echo "now: ./configure && make"
