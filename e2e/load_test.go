package e2e

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// load makes requests at a steady rate, each over its own connection, to all URLs in turn. A computer that is
// too slow for the rate makes fewer.
type load struct {
	urls     []string
	node     string        // the address of the machine to request; default that of the URL's host
	every    time.Duration // default 20 ms: 50 requests a second
	atOnce   int           // how many requests may wait for an answer; default 25
	patience time.Duration // of a request; default 30 s
}

// answer is the result of a request.
type answer struct {
	at, took time.Duration // at is after the load's beginning
	lost     string        // why; empty after an answer with status 200
	again    bool          // it was lost, and an immediate second attempt succeeded
}

type answers []answer

// during makes requests while f runs.
//
// While kube-proxy changes its rules under load, a node now and then treats the first packet of a connection
// as one for its own network, and answers that it has no route to the host: measured at MetalLB's address,
// one of some 5000 requests in a lab with ten other tests. The next request succeeds, so such a request is
// made once more, and only more than a few of them count.
func (l load) during(f func()) answers {
	var all answers
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := make(chan struct{})
	waiting := make(chan struct{}, cmp.Or(l.atOnce, 25))
	start := time.Now()
	wg.Go(func() {
		if len(l.urls) == 0 {
			return
		}
		ticker := time.NewTicker(l.interval())
		defer ticker.Stop()
		for n := 0; ; n++ {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			waiting <- struct{}{}
			wg.Go(func() {
				defer func() { <-waiting }()
				a := l.ask(l.urls[n%len(l.urls)], start)
				mu.Lock()
				defer mu.Unlock()
				all = append(all, a)
			})
		}
	})
	func() {
		defer wg.Wait()
		defer close(done) // also if f ends the test
		f()
	}()
	slices.SortFunc(all, func(a, b answer) int { return cmp.Compare(a.at, b.at) })
	return all
}

func (l load) interval() time.Duration { return cmp.Or(l.every, 20*time.Millisecond) }

func (l load) ask(url string, start time.Time) answer {
	a := answer{at: time.Since(start)}
	once := func() (why string, err error) {
		client := clientAt(cmp.Or(l.node, addressOf(url)), &tls.Config{InsecureSkipVerify: true})
		client.Timeout = cmp.Or(l.patience, client.Timeout)
		response, err := client.Get(url)
		if err != nil {
			return fmt.Sprintf("%s: %v", url, err), err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Sprintf("%s: %s", url, response.Status), nil
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return fmt.Sprintf("%s: in the middle of the answer: %v", url, err), err
		}
		return "", nil
	}
	var err error
	if a.lost, err = once(); errors.Is(err, syscall.EHOSTUNREACH) {
		why, _ := once()
		a.again = why == ""
	}
	a.took = time.Since(start) - a.at
	return a
}

// lost returns why requests were lost.
func (a answers) lost() []string {
	const few = 2
	var lost, again []string
	for _, answer := range a {
		switch {
		case answer.again:
			again = append(again, answer.lost)
		case answer.lost != "":
			lost = append(lost, answer.lost)
		}
	}
	if len(again) > few {
		lost = append(lost, again...)
	}
	return lost
}

// where returns the answers for which holds is true.
func (a answers) where(holds func(answer) bool) answers {
	var all answers
	for _, answer := range a {
		if holds(answer) {
			all = append(all, answer)
		}
	}
	return all
}

func isLost(a answer) bool { return a.lost != "" }

// slowest returns how long the slowest answer took.
func (a answers) slowest() time.Duration {
	var most time.Duration
	for _, answer := range a {
		most = max(most, answer.took)
	}
	return most
}

// slow is the time after which an answer counts as slow.
const slow = 800 * time.Millisecond

// slow is the number of requests that were answered slowly.
func (a answers) slow() int {
	return len(a.where(func(answer answer) bool { return !isLost(answer) && answer.took > slow }))
}

// hammer makes 20 requests a second to the URLs in total while f runs, and returns how many it made and what
// failed. Other tests share the cores; `make soak` makes more.
func hammer(urls []string, f func()) (requests int, failures []string) {
	all := load{urls: urls, every: 50 * time.Millisecond}.during(f)
	return len(all), all.lost()
}

// addressOf returns the address of a URL's host: the host itself if it is an address, or a node's.
func addressOf(url string) string {
	host := strings.Split(strings.SplitN(url, "/", 4)[2], ":")[0]
	if net.ParseIP(host) != nil {
		return host
	}
	return node2
}
