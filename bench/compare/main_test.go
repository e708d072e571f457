package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOrder(t *testing.T) {
	for round, want := range [][]int{{0, 1, 2, 3, 4}, {1, 0, 4, 3, 2}, {2, 3, 4, 0, 1}, {3, 2, 1, 0, 4}, {4, 0, 1, 2, 3}} {
		if got := order(round, len(want)); !slices.Equal(got, want) {
			t.Errorf("round %d: %v, want %v", round, got, want)
		}
	}
	if got := order(3, 1); !slices.Equal(got, []int{0}) {
		t.Errorf("a single tool: %v", got)
	}
}

// The ratios are those of each round: the second round is on a machine of half the speed.
func TestTable(t *testing.T) {
	tool := func(name string, seconds ...float64) contender {
		c := contender{name: name, measurements: map[string][]measurement{}}
		for _, s := range seconds {
			c.measurements["switch"] = append(c.measurements["switch"], measurement{took: time.Duration(s * float64(time.Second))})
		}
		return c
	}
	got := table([]contender{tool("by hand", 1, 2, 1), tool("this program", 3, 8, 5), tool("Helm")})
	const want = "| from the Ingress to a node port, until that answers | **1.0** (1.0–2.0) | **5.0** (3.0–8.0) 4.0× (3.0–5.0) | – |\n"
	if !strings.Contains(got, want) {
		t.Errorf("the table is\n%s\nwant in it\n%s", got, want)
	}
}
