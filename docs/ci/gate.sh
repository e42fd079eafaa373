#!/bin/sh
# Runs a client's own tests against a mock of the API, and judges what they send:  gate.sh COMMAND [ARGUMENT...]
#
# Needs trackly-contract on PATH. COMMAND gets TRACKLY_BASE_URL, TRACKLY_API_KEY, TRACKLY_AUDIENCE_ID and
# TRACKLY_CONTROL_URL of the mock, which does what the documentation says and ends with COMMAND. A client that works
# against it has not been tested against the API itself. Tests that use the fixtures of the pytest plugin do not need
# this script: run pytest alone.
#
#   TRACKLY_FAIL_UNDER   a percentage of responses received and requests sent, such as 80, responses:90, requests:50
#
# Exit codes: COMMAND's own, if it is not 0. 1: a request had a violation, none arrived, or too little was covered.
# 2: no COMMAND. 4: COMMAND cannot be started.
set -eu

if [ $# -eq 0 ]; then
  echo 'usage: gate.sh COMMAND [ARGUMENT...]' >&2
  exit 2
fi

exec trackly-contract serve ${TRACKLY_FAIL_UNDER:+--fail-under "$TRACKLY_FAIL_UNDER"} -- "$@"
