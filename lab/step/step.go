// Package step shows the progress of long work: one line for each step, with its number, its name and its duration.
package step

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// Progress numbers the steps of one piece of work and prints them. Steps may run at the same time. On a
// terminal, a line names the running steps and counts the seconds. Elsewhere, a line is printed when a step
// ends, and an earlier one if the step takes long.
type Progress struct {
	out      io.Writer
	terminal bool
	total    int
	// Expected is the total of the steps' expected durations, to estimate the remaining time; 0 for no estimate.
	Expected time.Duration

	mutex    sync.Mutex
	begun    int
	start    time.Time // of the first step
	ended    time.Duration
	underWay []*step
}

// step is a running step.
type step struct {
	label, name string
	start       time.Time
	expected    time.Duration
}

// patience is how long a step may run before a line says so, if no terminal counts the seconds.
const patience = 10 * time.Second

// New returns a Progress that prints to out; total is the number of steps.
func New(out io.Writer, total int) *Progress {
	p := &Progress{out: out, total: total}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// Run runs f as the next step and prints its name and its duration. The remark that f returns is for the end
// of the line ("cached"), empty for none.
func (p *Progress) Run(name string, f func() (remark string, err error)) error {
	return p.RunFor(0, name, f)
}

// RunFor is like Run, for a step whose duration is known if nothing else runs.
func (p *Progress) RunFor(expected time.Duration, name string, f func() (remark string, err error)) error {
	s := p.begin(name, expected)
	stop := p.watch(s)
	remark, err := f()
	stop()
	p.end(s, remark, err)
	return err
}

func (p *Progress) begin(name string, expected time.Duration) *step {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.begun++
	s := &step{
		label: fmt.Sprintf("[%*d/%d] %s", len(fmt.Sprint(p.total)), p.begun, p.total, name), name: name,
		start: time.Now(), expected: expected,
	}
	if p.start.IsZero() {
		p.start = s.start
	}
	p.underWay = append(p.underWay, s)
	return s
}

func (p *Progress) end(s *step, remark string, err error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.underWay = slices.DeleteFunc(p.underWay, func(other *step) bool { return other == s })
	p.ended += s.expected
	took := fmt.Sprintf("%.1f s", time.Since(s.start).Seconds())
	switch {
	case err != nil:
		remark = "failed"
	case remark != "":
		took = ""
	default:
		remark = p.left()
	}
	p.clear()
	fmt.Fprintf(p.out, "%-58s %s%s\n", s.label, took, pad(took, remark))
}

func pad(took, remark string) string {
	if took != "" && remark != "" {
		return "  " + remark
	}
	return remark
}

func (p *Progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\033[K")
	}
}

// left returns how long the rest will take at the pace so far; empty if unknown.
func (p *Progress) left() string {
	begun := p.ended // plus the expected progress of the running steps
	for _, s := range p.underWay {
		begun += min(time.Since(s.start), s.expected)
	}
	took, rest := time.Since(p.start), p.Expected-begun
	if begun <= 0 || rest <= 0 || took < patience {
		return "" // too early to know the pace
	}
	left := time.Duration(float64(rest) * float64(took) / float64(begun)).Round(time.Minute)
	if left < time.Minute {
		return "less than a minute left"
	}
	return fmt.Sprintf("about %.0f min left", left.Minutes())
}

// watch shows that a step is running until stop is called.
func (p *Progress) watch(s *step) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		interval := patience
		if p.terminal {
			interval = time.Second
			p.show()
		}
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			if p.terminal {
				p.show()
				continue
			}
			ticker.Stop()
			p.mutex.Lock()
			fmt.Fprintf(p.out, "%s …\n", s.label)
			p.mutex.Unlock()
		}
	})
	return func() { close(done); wg.Wait() }
}

// show prints the running steps on a terminal.
func (p *Progress) show() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.underWay) == 0 {
		return
	}
	names := p.underWay[0].label
	for _, s := range p.underWay[1:] {
		names += ", " + s.name
	}
	rest := fmt.Sprintf(" … %.0f s", time.Since(p.underWay[0].start).Seconds())
	if left := p.left(); left != "" {
		rest += ", " + left
	}
	// A line longer than the terminal's could not be cleared.
	const columns = 79
	p.clear()
	fmt.Fprint(p.out, names[:min(len(names), columns-len(rest))]+rest)
}
