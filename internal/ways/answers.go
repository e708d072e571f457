package ways

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"webapp-balanced/components/link"
	"webapp-balanced/internal/probe"
)

// answer has the addresses at which a URL answers, and those at which it does not.
type answer struct {
	at     []string
	silent probe.Silences
}

// ask requests a URL, and returns a function that waits for the answer.
func (e *Exposure) ask(ctx context.Context, w way) func() answer {
	answered := make(chan answer, 1)
	go func() {
		at, silent := e.There.Answering(ctx, probe.Target{
			URL: w.URL.URL, Addresses: w.addresses, Certificate: e.Certificate,
			Page: e.Page,
		})
		answered <- answer{at, silent}
	}()
	return sync.OnceValue(func() answer { return <-answered })
}

// thatAnswer returns the URLs that answer, and warns of the others. It is an error if none answers, unless
// that is only to be reported.
func (e *Exposure) thatAnswer(ways []way, answers []answer, lacking string, notReady error) ([]link.URL, error) {
	var answering []way
	for i, w := range ways {
		switch {
		case len(answers[i].at) == 0:
			e.warn("%s does not answer and is left out of the URLs: %v", w.URL.URL, answers[i].silent)
			continue
		case len(answers[i].silent) > 0:
			e.warn("%s does not answer everywhere: not at %v", w.URL.URL, answers[i].silent)
		}
		answering = append(answering, w)
	}
	if len(answering) > 0 || e.Answers == "reported" {
		return urlsOf(answering), nil
	}
	return nil, e.silence(ways, answers, lacking, notReady)
}

// silence says why no URL answers, as far as known, and what to do.
func (e *Exposure) silence(ways []way, answers []answer, lacking string, notReady error) error {
	reasons := []string{e.Names.Text("no URL answers, and the setting {answers} is required")}
	next := "set {answers} to reported if this computer cannot reach the cluster's nodes"
	for i, w := range ways {
		reasons = append(reasons, fmt.Sprintf("  %s: %v", w.URL.URL, answers[i].silent))
		for _, s := range answers[i].silent {
			if errors.Is(s.Reason, probe.ErrOtherAnswer) {
				next = "if the application answers like that, set {answerPath} and {answerStatus} accordingly"
			}
		}
	}
	if lacking != "" {
		reasons = append(reasons, lacking)
	}
	if notReady != nil {
		reasons = append(reasons, notReady.Error())
	}
	return errors.New(strings.Join(append(reasons, e.Names.Text(next)), "\n"))
}
