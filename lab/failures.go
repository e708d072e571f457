package lab

import (
	"context"
	"fmt"

	"webapp-balanced/lab/machine"
	"webapp-balanced/lab/proc"
)

// The lab's programs, which [Lab.Status] lists, are its machines and the parts of the control plane. These
// functions make one program fail and do not notify the others.

// Freeze makes a program hang: it does nothing and answers nothing.
func (l *Lab) Freeze(program string) error {
	return l.on(program, func(p *proc.Process) error { return p.Freeze(true) })
}

// Thaw lets a frozen program continue.
func (l *Lab) Thaw(program string) error {
	return l.on(program, func(p *proc.Process) error { return p.Freeze(false) })
}

// Kill ends a program at once. For a machine this is a power cut: it loses what it had not written to its disk.
func (l *Lab) Kill(program string) error { return l.on(program, (*proc.Process).Stop) }

// Restart starts a killed program with the same command line, a machine with its disk. For a machine, it
// waits until sshd answers.
func (l *Lab) Restart(ctx context.Context, program string) error {
	return l.on(program, func(p *proc.Process) error {
		again, err := l.table().Restart(p)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if n.Name == program {
				return machine.WaitSSH(ctx, again, n.Address)
			}
		}
		return nil
	})
}

func (l *Lab) on(program string, do func(*proc.Process) error) error {
	all, err := l.table().All()
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Name == program {
			return do(p)
		}
	}
	return fmt.Errorf("the lab has no program %s", program)
}
