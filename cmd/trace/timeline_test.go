package main

import (
	"strings"
	"testing"
	"time"
)

const spans = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pulumi-cli"}}]},"scopeSpans":[{"spans":[{"name":"pulumi","startTimeUnixNano":"1000000000","endTimeUnixNano":"3000000000"}]}]}]}
{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pulumi-sdk-go"}}]},"scopeSpans":[{"spans":[{"name":"SSH: log in","startTimeUnixNano":"2000000000","endTimeUnixNano":"2500000000"},{"name":"GET /version","startTimeUnixNano":"2100000000","endTimeUnixNano":"2101000000"}]}]}]}
`

// A call of a plugin shows its resource, and nothing else of its text.
func TestCall(t *testing.T) {
	all, err := parse([]byte(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pulumi-resource-provider"}}]},"scopeSpans":[{"spans":[{"name":"/pulumirpc.ResourceProvider/Create","startTimeUnixNano":"1000000000","endTimeUnixNano":"3000000000","attributes":[{"key":"Msg","value":{"stringValue":"{\"gRPC request\":\"urn:\\\"urn:pulumi:lab::webapp-balanced::webapp-balanced:index:Exposure$kubernetes:core/v1:Service::exposure-service\\\" properties:hidden"}}]}]}]},{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"pulumi-cli"}}]},"scopeSpans":[{"spans":[{"name":"pulumirpc.ResourceProvider/Create","startTimeUnixNano":"1000000000","endTimeUnixNano":"3000000000"}]}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	got := timeline(all, 0)
	if !strings.HasSuffix(got, "  plugin   Create exposure-service (kubernetes:core/v1:Service)\n") || strings.Contains(got, "hidden") || strings.Count(got, "\n") != 2 {
		t.Errorf("it is\n%s", got)
	}
}

// Each long enough span is a line, with a bar at its time.
func TestTimeline(t *testing.T) {
	all, err := parse([]byte(spans))
	if err != nil {
		t.Fatal(err)
	}
	want := "   at s  took s" + strings.Repeat(" ", width) + "    what\n" +
		"   0.00    2.00  " + strings.Repeat("█", 40) + "  pulumi   pulumi\n" +
		"   1.00    0.50  " + strings.Repeat(" ", 20) + strings.Repeat("█", 10) + strings.Repeat(" ", 10) + "  program  SSH: log in\n"
	if got := timeline(all, 20*time.Millisecond); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	if got := timeline(all, 0); !strings.Contains(got, "GET /version") {
		t.Errorf("with those that took no time it is\n%s", got)
	}
}

// The program's requests are counted, and not spans with similar names.
func TestSummary(t *testing.T) {
	all := []span{{name: "SSH: log in"}, {name: "SSH: run a command"}, {name: "SSH: run a command"}, {name: "GET /version"}, {name: "wait for the pods"}, {name: "pulumi"}}
	if got, want := summary(all), "the program's own: logins to NFS hosts 1, commands there 2, requests to the API server 1\n"; got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}

func TestNothingTraced(t *testing.T) {
	if got := timeline(nil, 0); got != "nothing was traced\n" {
		t.Errorf("it is %q", got)
	}
	if _, err := parse([]byte("{\n")); err == nil {
		t.Error("half a line is not an error")
	}
}
