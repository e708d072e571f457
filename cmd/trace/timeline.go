package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// span is something that took time.
type span struct {
	service, name string
	begin, end    time.Time
}

// parse reads what Pulumi's file exporter writes: OTLP in JSON, one batch a line
// (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/).
func parse(content []byte) ([]span, error) {
	type attribute struct {
		Key   string
		Value struct{ StringValue string }
	}
	type batch struct {
		ResourceSpans []struct {
			Resource   struct{ Attributes []attribute }
			ScopeSpans []struct {
				Spans []struct {
					Name                               string
					StartTimeUnixNano, EndTimeUnixNano string
					Attributes                         []attribute
				}
			}
		}
	}
	var spans []span
	for line := range bytes.Lines(content) {
		var b batch
		if err := json.Unmarshal(line, &b); err != nil {
			return nil, err
		}
		for _, resource := range b.ResourceSpans {
			service := ""
			for _, a := range resource.Resource.Attributes {
				if a.Key == "service.name" {
					service = a.Value.StringValue
				}
			}
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					begin, err1 := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
					end, err2 := strconv.ParseInt(s.EndTimeUnixNano, 10, 64)
					if err := cmp.Or(err1, err2); err != nil {
						return nil, err
					}
					spans = append(spans, span{service, s.Name, time.Unix(0, begin), time.Unix(0, end)})
				}
			}
		}
	}
	return spans, nil
}

const width = 40 // of the bars, in characters

// timeline has a line for each span that took so long at least, in the order in which they began.
func timeline(spans []span, least time.Duration) string {
	if len(spans) == 0 {
		return "nothing was traced\n"
	}
	slices.SortStableFunc(spans, func(a, b span) int { return a.begin.Compare(b.begin) })
	begin, end := spans[0].begin, spans[0].end
	for _, s := range spans {
		if s.end.After(end) {
			end = s.end
		}
	}
	column := func(t time.Time) int { return int(t.Sub(begin) * width / max(end.Sub(begin), 1)) }
	var b strings.Builder
	fmt.Fprintf(&b, "%7s %7s  %-*s  what\n", "at s", "took s", width, "")
	for _, s := range spans {
		took := s.end.Sub(s.begin)
		if took < least {
			continue
		}
		from := min(column(s.begin), width-1)
		to := max(column(s.end), from+1)
		bar := strings.Repeat(" ", from) + strings.Repeat("█", to-from)
		fmt.Fprintf(&b, "%7.2f %7.2f  %-*s  %s: %s\n", s.begin.Sub(begin).Seconds(), took.Seconds(), width, bar, s.service, s.name)
	}
	return b.String()
}
