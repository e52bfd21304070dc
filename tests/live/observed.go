// observed -- the observed side of capture_go.c: TLS between goroutines of one process, over net.Pipe, and a report on
// standard output of what was really sent, as observed.h gives it.
package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	dice "math/rand"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var calls, empty int64

// Byte i of a stream that begins with its seed: as in observed.h.
func streamByte(seed, i uint64) byte {
	if i < 8 {
		return byte(seed >> (8 * i))
	}
	x := seed + i/8*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return byte((x ^ x>>31) >> (8 * (i % 8)))
}

func must(err error) {
	if err != nil {
		fmt.Println("bad", err)
		os.Exit(3)
	}
}

//go:noinline
func deep(n int) int {
	var room [512]byte
	room[n%512] = byte(n)
	if n == 0 {
		return int(room[0])
	}
	return deep(n-1) + int(room[n%512])
}

// Grows the stack while the TLS call above it is under way, now and then.
type growing struct {
	net.Conn
	depth int
}

func (g growing) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	deep(dice.Intn(g.depth))
	return n, err
}

func (g growing) Write(p []byte) (int, error) {
	deep(dice.Intn(g.depth))
	return g.Conn.Write(p)
}

type side struct {
	conn *tls.Conn
	seed [2]uint64
	done [2]uint64 // out, in
}

func count(n int) {
	atomic.AddInt64(&calls, 1)
	if n == 0 {
		atomic.AddInt64(&empty, 1)
	}
}

func (s *side) send(total int) {
	for total > 0 {
		p := make([]byte, 1+dice.Intn(dice.Intn(60000)+1))
		if len(p) > total {
			p = p[:total]
		}
		for i := range p {
			p[i] = streamByte(s.seed[0], s.done[0]+uint64(i))
		}
		n, err := s.conn.Write(p)
		count(n)
		must(err)
		s.done[0] += uint64(n)
		total -= n
	}
}

// A goroutine of its own for each call, with a small stack and the buffer on it.
func (s *side) receiveSmall() (int, error) {
	type answer struct {
		n   int
		err error
	}
	out := make(chan answer)
	go func() {
		var p [700]byte
		n, err := s.conn.Read(p[:])
		for i := 0; i < n; i++ {
			if p[i] != streamByte(s.seed[1], s.done[1]+uint64(i)) {
				must(fmt.Errorf("content"))
			}
		}
		out <- answer{n, err}
	}()
	a := <-out
	return a.n, a.err
}

func (s *side) receive(total int) {
	large := make([]byte, 40000)
	for total > 0 {
		var n int
		var err error
		if dice.Intn(2) == 0 {
			n, err = s.receiveSmall()
		} else {
			n, err = s.conn.Read(large)
		}
		count(n)
		must(err)
		s.done[1] += uint64(n)
		total -= n
	}
}

func (s *side) close() {
	fmt.Printf("side %s %d %d %d %d\n", fmt.Sprintf("%p", s.conn)[2:], s.seed[0], s.done[0], s.seed[1], s.done[1])
	s.conn.Close()
}

var config = func() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &key.PublicKey, key)
	must(err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, InsecureSkipVerify: true}
}()

func pair(depth int) (*side, *side) {
	a, b := net.Pipe()
	c := &side{conn: tls.Client(growing{a, depth}, config)}
	s := &side{conn: tls.Server(growing{b, depth}, config)}
	done := make(chan error)
	go func() { done <- s.conn.Handshake() }()
	must(c.conn.Handshake())
	must(<-done)
	c.seed[0], c.seed[1] = dice.Uint64()|1, dice.Uint64()|1
	s.seed[0], s.seed[1] = c.seed[1], c.seed[0]
	return c, s
}

// Both directions at once: four goroutines for each connection, on few threads.
func many(pairs, total int) {
	var all sync.WaitGroup
	var kept []*side
	for i := 0; i < pairs; i++ {
		c, s := pair(400)
		kept = append(kept, c, s)
		for _, run := range []func(int){c.send, s.receive, s.send, c.receive} {
			all.Add(1)
			go func(run func(int)) {
				defer all.Done()
				run(total)
			}(run)
		}
	}
	all.Wait()
	for i, s := range kept {
		peer := kept[i^1]
		if s.done[1] != peer.done[0] {
			must(fmt.Errorf("length"))
		}
	}
	// Nobody reads the closing alert: the pipe goes first.
	for _, s := range kept {
		s.conn.NetConn().Close()
		s.close()
	}
}

// Close while another goroutine waits in Read, again and again.
func closing(times int) {
	for i := 0; i < times; i++ {
		c, s := pair(50)
		ended := make(chan int)
		sent := make(chan bool)
		go func() { c.send(100 + i); close(sent) }()
		s.receive(100 + i)
		<-sent
		go func() {
			n, _ := s.conn.Read(make([]byte, 10))
			ended <- n
		}()
		for j := 0; j < 50; j++ { // most often it is in Read by now
			runtime.Gosched()
		}
		go io.Copy(io.Discard, c.conn.NetConn())
		s.close()
		count(<-ended)
		c.close()
	}
}

// Goroutines in Read when the process ends.
func waiting(pairs int) {
	for i := 0; i < pairs; i++ {
		c, s := pair(50)
		go c.send(1000)
		s.receive(1000)
		for _, x := range []*side{c, s} {
			go func(x *side) { x.conn.Read(make([]byte, 10)) }(x)
		}
	}
	fmt.Println("waiting")
	bufio.NewReader(os.Stdin).ReadString('\n')
}

// Somebody waits in Read when the probes come: of its answer nobody knows whose it is, so that the connection ends there.
func joined() {
	c, s := pair(50)
	turn := bufio.NewReader(os.Stdin)
	read := make(chan int)
	go func() {
		for i := 0; i < 3; i++ {
			n, err := s.conn.Read(make([]byte, 200))
			must(err)
			read <- n
		}
	}()
	for i := 0; i < 50; i++ { // most often it is in Read by now
		runtime.Gosched()
	}
	fmt.Println("joined")
	turn.ReadString('\n')
	go func() { s.conn.Write(bytes.Repeat([]byte{1}, 50)) }() // memory that nobody has touched is not there yet
	io.ReadFull(c.conn, make([]byte, 50))
	for i := 0; i < 3; i++ {
		go func() { c.conn.Write(bytes.Repeat([]byte{1}, 100)) }()
		if n := <-read; n != 100 {
			must(fmt.Errorf("length %d", n))
		}
	}
	go io.Copy(io.Discard, c.conn.NetConn())
	s.conn.Close()
	c.conn.Close()
	fmt.Printf("server %p\n", s.conn)
}

func cost() {
	c, s := pair(1)
	const n = 20000
	buf := make([]byte, 256)
	start := time.Now()
	for i := 0; i < n; i++ {
		go c.conn.Write(buf[:128])
		k, err := s.conn.Read(buf)
		if k != 128 {
			must(err)
		}
	}
	fmt.Printf("cost %d ns a call\n", time.Since(start).Nanoseconds()/(2*n))
}

func main() {
	dice.Seed(time.Now().UnixNano())
	switch os.Args[1] {
	case "many":
		many(20, 300000)
	case "closing":
		closing(100)
	case "waiting":
		waiting(30)
	case "joined":
		joined()
	case "cost":
		cost()
	}
	fmt.Printf("calls %d %d\n", calls, empty)
}
