package tools

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// CompilerEnv returns the environment in which Go's compilers are faster, if the computer has the memory: with
// GOGC=400 they collect garbage less often. A GOGC of the user's stays. The limit of a container is not considered.
func CompilerEnv() []string {
	memory, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil
	}
	return compilerEnv(os.Getenv("GOGC"), string(memory), runtime.NumCPU())
}

// compilerEnv needs 2 GiB for each compiler. There are two builds, and each runs as many compilers as there are
// processors.
func compilerEnv(gogc, meminfo string, processors int) []string {
	if gogc != "" || available(meminfo) < 2*processors*(2<<20) {
		return nil
	}
	return []string{"GOGC=400"}
}

// available returns the available memory in KiB (proc(5), /proc/meminfo).
func available(meminfo string) (kib int) {
	for line := range strings.Lines(meminfo) {
		if _, err := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); err == nil {
			return kib
		}
	}
	return 0
}
