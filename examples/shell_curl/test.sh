#!/bin/sh
# Tests of the script against the gate: trackly-contract serve -- sh test.sh
set -eu
cd "$(dirname "$0")"
script=./${CLIENT:-put_audience}.sh
export MOST_SECONDS=3
failed=0

control() { # METHOD PATH [JSON]: the control interface of the gate
  curl --silent --show-error --fail --max-time 10 --request "$1" ${3:+--data "$3"} "$TRACKLY_CONTROL_URL$2"
}

expect() { # EXIT_CODE NAME: the script ends with that code
  ended=0
  sh "$script" "$TRACKLY_AUDIENCE_ID" audience.json 2>/dev/null || ended=$?
  if [ "$ended" = "$1" ]; then echo "ok: $2"; else echo "FAILED: $2: exit code $ended, not $1"; failed=1; fi
}

expect 0 'the audience is put'
control GET "/audiences/$TRACKLY_AUDIENCE_ID" | grep -q '"name":"Clickers of the week"' || failed=1

for scenario in $(control GET /scenarios | grep -o '"name":"update-[^"]*"' | cut -d '"' -f 4); do
  case $scenario in update-2*) code=0 ;; update-4*) code=1 ;; *) code=2 ;; esac
  control POST /reset >/dev/null
  control PUT /next "{\"scenario\": \"$scenario\"}" >/dev/null
  expect $code "$scenario"
done
exit $failed
