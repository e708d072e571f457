// Package step tells a person how a long piece of work is getting on: one line
// a step, with its number, its name and the time that it took.
package step

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Progress numbers the steps of one piece of work and prints them. On a
// terminal the line of the step under way counts the seconds; elsewhere a line
// is printed when a step ends, and once more in between when it takes long.
type Progress struct {
	out      io.Writer
	terminal bool
	n, total int
}

// patience is how long a step may take, where nothing counts seconds, before
// a line says that it is under way.
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

// Run runs f as the next step and prints its name with the time that it took.
// What f returns beside the error is a remark for the end of the line
// ("cached"), empty for none.
func (p *Progress) Run(name string, f func() (remark string, err error)) error {
	p.n++
	label := fmt.Sprintf("[%*d/%d] %s", len(fmt.Sprint(p.total)), p.n, p.total, name)
	start := time.Now()
	stop := p.watch(label, start)
	remark, err := f()
	stop()

	took := fmt.Sprintf("%.1f s", time.Since(start).Seconds())
	switch {
	case err != nil:
		remark = "failed"
	case remark != "":
		took = ""
	}
	p.clear()
	fmt.Fprintf(p.out, "%-58s %s%s\n", label, took, pad(took, remark))
	return err
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

// watch shows that a step is under way until the function it returns is called.
func (p *Progress) watch(label string, start time.Time) (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		interval := patience
		if p.terminal {
			interval = time.Second
			fmt.Fprintf(p.out, "%s …", label)
		}
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			if !p.terminal {
				fmt.Fprintf(p.out, "%s …\n", label)
				ticker.Stop()
				continue
			}
			p.clear()
			fmt.Fprintf(p.out, "%s … %.0f s", label, time.Since(start).Seconds())
		}
	})
	return func() { close(done); wg.Wait() }
}
