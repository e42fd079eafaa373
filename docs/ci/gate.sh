#!/bin/sh
# Runs a client's own tests against a stand-in of the API:  gate.sh COMMAND [ARGUMENT...]
#
# Needs trackly-contract on PATH. COMMAND sees TRACKLY_BASE_URL, TRACKLY_API_KEY and TRACKLY_AUDIENCE_ID of the reference
# server, which does what the documentation says and ends with COMMAND. That a client works against it says nothing of
# the API itself.
#
# Exit codes: COMMAND's own. 2: no COMMAND. 3: the stand-in did not start.
set -eu

if [ $# -eq 0 ]; then
  echo 'usage: gate.sh COMMAND [ARGUMENT...]' >&2
  exit 2
fi

work=$(mktemp -d)
trackly-contract serve --port 0 >"$work/serve.txt" &
server=$!
trap 'kill "$server" 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

seconds=0
until grep -q '^stop it with' "$work/serve.txt"; do
  if [ "$seconds" -ge 30 ] || ! kill -0 "$server" 2>/dev/null; then
    echo 'gate: the stand-in did not start' >&2
    exit 3
  fi
  sleep 1
  seconds=$((seconds + 1))
done
sed -n 's/^  \(export TRACKLY_[A-Z_]*=[A-Za-z0-9_:./-]*\)$/\1/p' "$work/serve.txt" >"$work/exports.sh"
# shellcheck source=/dev/null
. "$work/exports.sh"

code=0
"$@" || code=$?

# The judgement of what was sent belongs here: trackly-contract judge, once a client's traffic is recorded.

exit "$code"
