#!/bin/sh
# Makes an audience what a file says: put_audience.sh ID FILE
# Exit code: 0 done; 1 refused, and the answer says why; 2 no answer of the API, try again later.
set -eu
id=$1 file=$2
url=${TRACKLY_BASE_URL:-https://app.tracklysms.com/api}/v2/audiences/$id
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# The key comes from standard input: arguments of a program can be seen by everybody on the machine.
put() {
  printf 'X-Api-Key: %s\n' "$TRACKLY_API_KEY" | curl --silent --request PUT --max-time "${MOST_SECONDS:-10}" \
    --header @- \
    --header 'Content-Type: application/json' \
    --data-binary "@$file" \
    --output "$answer" --write-out '%{http_code}' "$url"
}

status=$(put) || exit 2
case $status in
  2??) grep -q "$id" "$answer" || exit 2 ;;
  400 | 401 | 404) cat "$answer" >&2 && exit 1 ;;
  *) exit 2 ;;
esac
