#!/bin/sh
# Asks the live API, says what changed since the last time, and keeps one issue for each broken rule.
#
# Needs on PATH: trackly-contract, and gh (GH_TOKEN and GH_REPO where it is neither logged in nor in a checkout).
# Needs: TRACKLY_API_KEY and TRACKLY_AUDIENCE_ID. TRACKLY_KEEP (./trackly-nightly where it is not set) is a folder that
# stays from night to night and holds the last report. So must the folder of the journal, which puts the audience back
# after a crash: on a machine that is thrown away, have TRACKLY_STATE_DIR in what you keep.
# Arguments go to `trackly-contract check`, for example --effort quick.
#
# Exit codes: 0 conforms; drift, and each broken rule has its issue; inconclusive, which is said and is no failure.
# 3: the suite itself failed. Any other: it was not run.
set -eu

keep=${TRACKLY_KEEP:-trackly-nightly}
label=trackly-contract
mkdir -p "$keep"
rm -rf "$keep/report" "$keep/issues"

code=0
trackly-contract check --live --report "$keep/report" "$@" </dev/null || code=$?
case $code in
  0) ;;
  1) echo 'nightly: drift' ;;
  10) echo 'nightly: inconclusive: nothing is broken, something could not be found out' ;;
  *)
    echo "nightly: no verdict (exit code $code)" >&2
    exit "$code"
    ;;
esac

if [ -f "$keep/last.json" ]; then
  # Its exit code tells of a change, and the issues below do that.
  trackly-contract compare "$keep/last.json" "$keep/report/report.json" || :
fi

gh label create "$label" --force --color B60205 --description 'Drift of the audiences API'
gh issue list --label "$label" --state all --limit 1000 --json number,title,state,stateReason >"$keep/known.json"
trackly-contract issues "$keep/report/report.json" --known "$keep/known.json" --into "$keep/issues"
for file in "$keep"/issues/open/*.md; do
  [ -f "$file" ] || continue
  title=$(head -n 1 "$file")
  tail -n +3 "$file" | gh issue create --label "$label" --title "$title" --body-file -
done
for file in "$keep"/issues/close/*.md; do
  [ -f "$file" ] || continue
  number=${file##*/}
  gh issue close "${number%.md}" --reason completed --comment "$(cat "$file")"
done

cp "$keep/report/report.json" "$keep/last.json"
