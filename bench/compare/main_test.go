package main

import (
	"slices"
	"testing"
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
