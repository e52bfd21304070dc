#!/bin/sh
# The calls of common.py with curl: all of them in one curl process, one --next a call.
# CURL names another binary. --parallel counts with --http2 1 alone: streams of one connection.
set -eu
. "${0%/*}/common.sh"

emit() { # emit INDEX: curl's configuration for one call
	call "$1"
	printf '%s' "$body" >"$folder/$1.body"
	[ "$1" = 0 ] || echo next
	echo "url = \"$url\""
	echo "output = \"$folder/$1\""
	printf '%s\n' "write-out = \"$1 %{http_code}\\n\""
	echo 'silent'
	echo 'show-error'
	echo 'no-buffer'
	echo 'max-time = 120'
	[ "$gzip" = 0 ] || echo compressed
	[ -z "$accept" ] || printf 'compressed\nheader = "accept-encoding: %s"\n' "$accept"
	[ "$keep" = 1 ] || echo 'header = "connection: close"'
	if [ "$api" = messages ]; then
		echo 'header = "x-api-key: sk-ant-test-0000"'
		echo 'header = "anthropic-version: 2023-06-01"'
	else
		echo 'header = "authorization: Bearer sk-test-0000"'
	fi
	echo 'header = "content-type: application/json"'
	echo "header = \"x-test-tag: $tag/$1\""
	[ -z "$sim" ] || echo "header = \"x-sim: $(echo "$sim" | sed 's/"/\\"/g')\""
	echo "data-binary = \"@$folder/$1.body\""
}

[ "$keep" = 1 ] || [ "$http2" = 0 ] || sim='{"close":true}' # no such header in HTTP/2
i=0
while [ $i -lt "$calls" ]; do
	emit $i
	i=$((i + 1))
done >"$folder/config"
[ "$http2" = 0 ] || [ "$parallel" = 1 ] || printf 'no-progress-meter\nparallel\nparallel-max = %d\n' "$parallel" >>"$folder/config"
code=0
"${CURL:-curl}" --config "$folder/config" >"$folder/status" || code=$?
while read -r i status; do
	report "$i" "$status" "$folder/$i"
done <"$folder/status"
exit $code
