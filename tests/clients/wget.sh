#!/bin/sh
# The calls of common.py with wget (GnuTLS in Debian), one wget a call: a new connection each, whatever --keep says.
# WGET names another binary; --parallel is taken and ignored.
set -eu
. "${0%/*}/common.sh"
i=0
while [ $i -lt "$calls" ]; do
	call $i
	set -- --quiet --tries=1 --timeout=120 --no-hsts --ca-certificate="$SSL_CERT_FILE" --header="x-test-tag: $tag/$i" \
		--header='content-type: application/json' --post-file="$folder/body" --output-document="$folder/answer"
	if [ "$api" = messages ]; then
		set -- "$@" --header='x-api-key: sk-ant-test-0000' --header='anthropic-version: 2023-06-01'
	else
		set -- "$@" --header='authorization: Bearer sk-test-0000'
	fi
	[ "$gzip" = 0 ] && set -- "$@" --compression=none || set -- "$@" --compression=gzip
	[ "$keep" = 1 ] || set -- "$@" --no-http-keep-alive
	[ -z "$sim" ] || set -- "$@" --header="x-sim: $sim"
	printf '%s' "$body" >"$folder/body"
	"${WGET:-wget}" "$@" "$url"
	report $i 200 "$folder/answer" # another status is an error of wget's
	i=$((i + 1))
done
