#!/bin/sh
# Changes an audience to what a file says: put_audience.sh ID FILE
# Exit code: 0 done; 1 rejected, and the response says why; 2 no response of the API, try again later.
set -eu
id=$1 file=$2
url=${TRACKLY_BASE_URL:-https://app.tracklysms.com/api}/v2/audiences/$id
response=$(mktemp)
trap 'rm -f "$response"' EXIT

# The key comes from standard input: arguments of a program can be seen by everybody on the machine.
put() {
  printf 'X-Api-Key: %s\n' "$TRACKLY_API_KEY" | curl --silent --request PUT --max-time "${MOST_SECONDS:-10}" \
    --header @- \
    --header 'Content-Type: application/json' \
    --data-binary "@$file" \
    --output "$response" --write-out '%{http_code}' "$url"
}

status=$(put) || exit 2
case $status in
  2??) grep -q "$id" "$response" || exit 2 ;;
  400 | 401 | 404) cat "$response" >&2 && exit 1 ;;
  *) exit 2 ;;
esac
