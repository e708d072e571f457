package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// span is an operation with its duration.
type span struct {
	who, name  string
	begin, end time.Time
}

// services maps the service names of Pulumi's programs to the names shown here.
var services = map[string]string{
	"pulumi-cli": "pulumi", "pulumi-language-host": "language", "pulumi-resource-provider": "plugin", "pulumi-sdk-go": "program",
}

// twins are calls that both sides report. The called side reports more.
var twins = regexp.MustCompile(`^(pulumi-sdk-go pulumirpc\.|pulumi-cli pulumirpc\.(ResourceProvider|LanguageR))`)

// resource matches the name and type of a resource in a call of a plugin.
var resource = regexp.MustCompile(`urn:pulumi:[^"\\]*?([^"\\$:]+:[^"\\$:]+:[^"\\$:]+)::([^"\\]+)`)

// parse reads the output of Pulumi's file exporter: OTLP in JSON, one batch per line
// (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/).
func parse(content []byte) ([]span, error) {
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
		for _, of := range b.ResourceSpans {
			service := valueOf("service.name", of.Resource.Attributes)
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					if twins.MatchString(service + " " + s.Name) {
						continue
					}
					begin, err1 := strconv.ParseInt(s.StartTimeUnixNano, 10, 64)
					end, err2 := strconv.ParseInt(s.EndTimeUnixNano, 10, 64)
					if err := cmp.Or(err1, err2); err != nil {
						return nil, err
					}
					name := strings.TrimPrefix(s.Name, "/")
					// The call's text may have secrets. Show nothing else of it.
					if match := resource.FindStringSubmatch(valueOf("Msg", s.Attributes)); match != nil {
						name = name[strings.LastIndex(name, "/")+1:] + " " + match[2] + " (" + match[1] + ")"
					}
					spans = append(spans, span{cmp.Or(services[service], service), name, time.Unix(0, begin), time.Unix(0, end)})
				}
			}
		}
	}
	return spans, nil
}

// attribute is an attribute of a span.
type attribute struct {
	Key   string
	Value struct{ StringValue string }
}

func valueOf(key string, attributes []attribute) string {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value.StringValue
		}
	}
	return ""
}

const width = 40 // of the bars, in characters

// timeline returns a line for each span of at least that duration, in the order of their start.
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
		fmt.Fprintf(&b, "%7.2f %7.2f  %-*s  %-8s %s\n", s.begin.Sub(begin).Seconds(), took.Seconds(), width, bar, s.who, s.name)
	}
	return b.String()
}

// request matches the span name of a request to the API server.
var request = regexp.MustCompile(`^[A-Z]+ /`)

// summary counts the program's requests. Those of plugins are not included.
func summary(spans []span) string {
	var logins, commands, requests int
	for _, s := range spans {
		switch {
		case s.name == "SSH: log in":
			logins++
		case s.name == "SSH: run a command":
			commands++
		case request.MatchString(s.name):
			requests++
		}
	}
	return fmt.Sprintf("the program's own: logins to NFS hosts %d, commands there %d, requests to the API server %d\n", logins, commands, requests)
}
