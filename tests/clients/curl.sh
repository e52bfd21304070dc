#!/bin/sh
# The calls of common.py with curl: all of them in one curl process, one --next a call.
# Same options as the Python clients; CURL names another binary, --parallel and --text are taken and ignored.
set -eu
calls=1 stream=0 gzip=0 keep=1 tag=curl sim='' apis=chat,responses,messages text='What does our tariff say?'
while [ $# -gt 0 ]; do
	case $1 in
	--calls) calls=$2 ;;
	--stream) stream=$2 ;;
	--gzip) gzip=$2 ;;
	--keep) keep=$2 ;;
	--tag) tag=$2 ;;
	--sim) sim=$2 ;;
	--apis) apis=$2 ;;
	--parallel) ;;
	--text) text=$2 ;;
	*) echo "curl.sh: what is $1?" >&2; exit 2 ;;
	esac
	shift 2
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

nth() { # nth INDEX WORD...: the word at INDEX, turning around
	at=$1
	shift
	shift $((at % $#))
	echo "$1"
}

emit() { # emit INDEX: curl's configuration for one call
	api=$(nth "$1" $(echo "$apis" | tr , ' '))
	turn=$(($1 / 3))
	said="[{\\\"role\\\":\\\"user\\\",\\\"content\\\":\\\"$text\\\"}]"
	more=
	[ "$stream" = 0 ] || more=',\"stream\":true'
	case $api in
	chat)
		url=https://api.openai.com/v1/chat/completions
		model=$(nth $turn gpt-4o-mini gpt-4.1-mini gpt-5.5 gpt-6-sol)
		[ "$stream" = 0 ] || more="$more,\\\"stream_options\\\":{\\\"include_usage\\\":true}"
		body="\\\"messages\\\":$said"
		;;
	responses)
		url=https://api.openai.com/v1/responses
		model=$(nth $turn gpt-5.5 gpt-6-sol gpt-4.1-mini)
		body="\\\"input\\\":$said"
		;;
	messages)
		url=https://api.anthropic.com/v1/messages
		model=$(nth $turn claude-haiku-4-5 claude-opus-5-5 claude-sonnet-5)
		body="\\\"max_tokens\\\":512,\\\"messages\\\":$said"
		;;
	esac
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
	echo "data-binary = \"{\\\"model\\\":\\\"$model\\\"$more,$body}\""
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
	ident=$(grep -a -o -m1 '"id":"[a-z]*[-_][0-9a-f]*"' "$folder/$i" | head -n1 | cut -d'"' -f4)
	whole=true
	if [ "$stream" = 1 ]; then
		grep -a -q -e '^data: \[DONE\]' -e '"type":"response.completed"' -e '"type":"message_stop"' "$folder/$i" || whole=false
	fi
	printf '{"tag": "%s/%d", "id": "%s", "status": %d, "whole": %s}\n' "$tag" $i "$ident" "$status" $whole
	i=$((i + 1))
done <"$folder/status"
exit $code
