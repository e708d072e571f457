// Package measure has the common parts of the benchmarks.
package measure

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WatchMemory reads every 50 ms how much memory a process and its descendants use, until stop is called. stop
// returns the peak.
func WatchMemory(pid int) (stop func() int64) {
	done, most := make(chan struct{}), make(chan int64)
	go func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		var peak int64
		for {
			select {
			case <-done:
				most <- peak
				return
			case <-ticker.C:
				peak = max(peak, memoryOf(strconv.Itoa(pid)))
			}
		}
	}()
	return func() int64 { close(done); return <-most }
}

// memoryOf returns the resident memory of a process and its descendants, without memory shared with a file
// (proc_pid_status(5), RssAnon). A process that has ended has none.
func memoryOf(pid string) int64 {
	var bytes int64
	status, _ := os.ReadFile("/proc/" + pid + "/status")
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kilobytes, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			bytes = kilobytes << 10
		}
	}
	threads, _ := filepath.Glob("/proc/" + pid + "/task/*/children")
	for _, thread := range threads {
		children, _ := os.ReadFile(thread)
		for child := range strings.FieldsSeq(string(children)) {
			bytes += memoryOf(child)
		}
	}
	return bytes
}

// Median returns the middle value, or the mean of the two middle values.
func Median[T ~int64 | ~float64](all []T) T {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Processor returns the model name that the kernel reports.
func Processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "of an unknown model"
}
