#!/bin/sh
# The calls of common.py with curl: all of them in one curl process, one --next a call.
# CURL names another binary; --parallel is taken and ignored.
set -eu
. "${0%/*}/common.sh"

emit() { # emit INDEX: curl's configuration for one call
	call "$1"
	printf '%s' "$body" >"$folder/$1.body"
	[ "$1" = 0 ] || echo next
	echo "url = \"$url\""
	echo "output = \"$folder/$1\""
	printf '%s\n' 'write-out = "%{http_code}\n"'
	echo 'silent'
	echo 'show-error'
	echo 'no-buffer'
	echo 'max-time = 120'
	[ "$gzip" = 0 ] || echo compressed
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

i=0
while [ $i -lt "$calls" ]; do
	emit $i
	i=$((i + 1))
done >"$folder/config"
code=0
"${CURL:-curl}" --config "$folder/config" >"$folder/status" || code=$?
i=0
while read -r status; do
	report $i "$status" "$folder/$i"
	i=$((i + 1))
done <"$folder/status"
exit $code
