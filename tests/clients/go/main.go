// The calls of ../common.py with Go's net/http: HTTP/1.1 or HTTP/2, crypto/tls, one goroutine for each parallel call.
//
// Same options. Build: CGO_ENABLED=0 go build -o BIN main.go; -ldflags='-s -w' and -buildmode=pie for the other shapes.
package main

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	calls    = flag.Int("calls", 1, "")
	stream   = flag.Int("stream", 0, "")
	gzipped  = flag.Int("gzip", 0, "")
	keep     = flag.Int("keep", 1, "0: a new connection for each call")
	parallel = flag.Int("parallel", 1, "")
	http2    = flag.Int("http2", 0, "1: HTTP/2")
	apis     = flag.String("apis", "chat,responses,messages", "")
	tag      = flag.String("tag", "go", "")
	sim      = flag.String("sim", "", "controls for the simulator, JSON")
	text     = flag.String("text", "What does our tariff say?", "what to ask; @N: N characters")
)

var models = map[string][]string{
	"chat":      {"gpt-4o-mini", "gpt-4.1-mini", "gpt-5.5", "gpt-6-sol"},
	"responses": {"gpt-5.5", "gpt-6-sol", "gpt-4.1-mini"},
	"messages":  {"claude-haiku-4-5", "claude-opus-5-5", "claude-sonnet-5"},
}

var urls = map[string]string{
	"chat":      "https://api.openai.com/v1/chat/completions",
	"responses": "https://api.openai.com/v1/responses",
	"messages":  "https://api.anthropic.com/v1/messages",
}

type object = map[string]any

func request(i int) (*http.Request, error) {
	all := strings.Split(*apis, ",")
	api, turn := all[i%len(all)], i/len(all)
	said := []object{{"role": "user", "content": *text}}
	doc := object{"model": models[api][turn%len(models[api])]}
	switch api {
	case "responses":
		doc["input"] = said
	case "messages":
		doc["max_tokens"] = 512
		fallthrough
	default:
		doc["messages"] = said
	}
	if *stream != 0 {
		doc["stream"] = true
		if api == "chat" {
			doc["stream_options"] = object{"include_usage": true}
		}
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest("POST", urls[api], bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Close = *keep == 0
	req.Header.Set("content-type", "application/json")
	req.Header.Set("x-test-tag", fmt.Sprintf("%s/%d", *tag, i))
	// set by hand: net/http would ask for gzip by itself, or not at all
	req.Header.Set("accept-encoding", "identity")
	if *gzipped != 0 {
		req.Header.Set("accept-encoding", "gzip, deflate")
	}
	if *sim != "" {
		req.Header.Set("x-sim", *sim)
	}
	if api == "messages" {
		req.Header.Set("x-api-key", "sk-ant-test-0000")
		req.Header.Set("anthropic-version", "2023-06-01")
	} else {
		req.Header.Set("authorization", "Bearer sk-test-0000")
	}
	return req, nil
}

// The answer as the program that asked sees it: codings undone.
func plain(answer *http.Response) ([]byte, error) {
	var r io.Reader = answer.Body
	var err error
	switch answer.Header.Get("content-encoding") {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		b := bufio.NewReader(r)
		if head, _ := b.Peek(2); len(head) == 2 && head[0]&0x0f == 8 { // in a zlib coat, as most servers send it
			b.Discard(2)
		}
		r = flate.NewReader(b)
	}
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	if err == nil { // what is after the coding's end has to be read too, or the connection is not used again
		_, err = io.Copy(io.Discard, answer.Body)
	}
	return body, err
}

type answer struct {
	ID                string `json:"id"`
	Response, Message struct {
		ID string `json:"id"`
	}
}

func (a answer) ident() string {
	return a.ID + a.Response.ID + a.Message.ID // one of them is there
}

func report(i, status int, body []byte) error {
	var a answer
	whole := false
	if bytes.HasPrefix(body, []byte("{")) {
		if err := json.Unmarshal(body, &a); err != nil {
			return err
		}
		whole = true
	} else {
		for _, line := range bytes.Split(body, []byte("\n")) {
			if a.ident() == "" && bytes.HasPrefix(line, []byte("data: {")) {
				if err := json.Unmarshal(line[6:], &a); err != nil {
					return err
				}
			}
		}
		for _, end := range []string{"data: [DONE]", `"type":"response.completed"`, `"type":"message_stop"`} {
			whole = whole || bytes.Contains(body, []byte(end))
		}
	}
	line, err := json.Marshal(object{"tag": fmt.Sprintf("%s/%d", *tag, i), "id": a.ident(), "status": status,
		"whole": whole, "bytes": len(body)})
	if err == nil {
		_, err = os.Stdout.Write(append(line, '\n')) // one write a line: goroutines share the pipe
	}
	return err
}

func call(client *http.Client, i int) error {
	req, err := request(i)
	if err != nil {
		return err
	}
	got, err := client.Do(req)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	body, err := plain(got)
	if err != nil {
		return err
	}
	return report(i, got.StatusCode, body)
}

func main() {
	flag.Parse()
	if strings.HasPrefix(*text, "@") {
		n, err := strconv.Atoi((*text)[1:])
		if err != nil {
			fmt.Fprintln(os.Stderr, "--text:", err)
			os.Exit(2)
		}
		*text = strings.Repeat("tariff ", n/7+1)
	}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: *parallel, ForceAttemptHTTP2: *http2 != 0}
	if *http2 == 0 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	client := &http.Client{Timeout: 2 * time.Minute, Transport: transport}
	next := make(chan int)
	failed := make(chan error, *calls)
	var all sync.WaitGroup
	for n := 0; n < *parallel; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range next {
				if err := call(client, i); err != nil {
					failed <- fmt.Errorf("%s/%d: %w", *tag, i, err)
				}
			}
		}()
	}
	for i := 0; i < *calls; i++ {
		next <- i
	}
	close(next)
	all.Wait()
	close(failed)
	bad := false
	for err := range failed {
		fmt.Fprintln(os.Stderr, err)
		bad = true
	}
	if bad {
		os.Exit(1)
	}
}
