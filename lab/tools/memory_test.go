package tools

import (
	"fmt"
	"testing"
)

func TestCompilerEnv(t *testing.T) {
	const meminfo = "MemTotal:       24644912 kB\nMemFree:        13851264 kB\nMemAvailable:   21042100 kB\n"
	if got := available(meminfo); got != 21042100 {
		t.Errorf("%d KiB are available", got)
	}
	for _, c := range []struct {
		gogc, meminfo string
		processors    int
		want          string
	}{
		{"", meminfo, 2, "[GOGC=400]"},
		{"", meminfo, 16, "[]"},
		{"50", meminfo, 2, "[]"},
		{"", "MemTotal: 99999999 kB\n", 2, "[]"},
	} {
		if got := fmt.Sprint(compilerEnv(c.gogc, c.meminfo, c.processors)); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}
