# What the shell clients share: their options, the calls to make, one line an answer. To be read with `.`
calls=1 stream=0 gzip=0 keep=1 parallel=1 http2=0 tag=${0##*/} sim='' apis=chat,responses,messages accept= text='What does our tariff say?'
while [ $# -gt 0 ]; do
	case $1 in
	--calls) calls=$2 ;;
	--stream) stream=$2 ;;
	--gzip) gzip=$2 ;;
	--keep) keep=$2 ;;
	--tag) tag=$2 ;;
	--sim) sim=$2 ;;
	--apis) apis=$2 ;;
	--parallel) parallel=$2 ;;
	--http2) http2=$2 ;;
	--accept) accept=$2 ;;
	--text) text=$2 ;;
	*) echo "${0##*/}: what is $1?" >&2; exit 2 ;;
	esac
	shift 2
done
case $text in # @N: N characters
@*) text=$(yes tariff | head -n $((${text#@} / 7 + 1)) | tr '\n' ' ') ;;
esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

nth() { # nth INDEX WORD...: the word at INDEX, turning around
	at=$1
	shift
	shift $((at % $#))
	echo "$1"
}

call() { # call INDEX: sets api, url and body
	api=$(nth "$1" $(echo "$apis" | tr , ' '))
	turn=$(($1 / 3))
	said="[{\"role\":\"user\",\"content\":\"$text\"}]"
	more=
	[ "$stream" = 0 ] || more=',"stream":true'
	case $api in
	chat)
		url=https://api.openai.com/v1/chat/completions
		model=$(nth $turn gpt-4o-mini gpt-4.1-mini gpt-5.5 gpt-6-sol)
		[ "$stream" = 0 ] || more="$more,\"stream_options\":{\"include_usage\":true}"
		body="\"messages\":$said"
		;;
	responses)
		url=https://api.openai.com/v1/responses
		model=$(nth $turn gpt-5.5 gpt-6-sol gpt-4.1-mini)
		body="\"input\":$said"
		;;
	messages)
		url=https://api.anthropic.com/v1/messages
		model=$(nth $turn claude-haiku-4-5 claude-opus-5-5 claude-sonnet-5)
		body="\"max_tokens\":512,\"messages\":$said"
		;;
	esac
	body="{\"model\":\"$model\"$more,$body}"
}

report() { # report INDEX STATUS FILE
	ident=$(grep -a -o -m1 '"id":"[a-z]*[-_][0-9a-f]*"' "$3" | head -n1 | cut -d'"' -f4)
	whole=true
	if [ "$stream" = 1 ]; then
		grep -a -q -e '^data: \[DONE\]' -e '"type":"response.completed"' -e '"type":"message_stop"' "$3" || whole=false
	fi
	printf '{"tag": "%s/%d", "id": "%s", "status": %d, "whole": %s}\n' "$tag" "$1" "$ident" "$2" $whole
}
