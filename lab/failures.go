package lab

import (
	"context"
	"fmt"

	"webapp-balanced/lab/machine"
	"webapp-balanced/lab/proc"
)

// The lab's programs, which [Lab.Status] lists, are its machines and the parts of the control plane.
// These functions make a program fail, without telling the others.

// Freeze has a program do nothing any more, and answer nothing, as one that hangs does.
func (l *Lab) Freeze(program string) error {
	return l.on(program, func(p *proc.Process) error { return p.Freeze(true) })
}

// Thaw has a program that is frozen go on.
func (l *Lab) Thaw(program string) error {
	return l.on(program, func(p *proc.Process) error { return p.Freeze(false) })
}

// Kill ends a program at once. To a machine that is a power cut: what it had not written to its
// disk is lost.
func (l *Lab) Kill(program string) error { return l.on(program, (*proc.Process).Stop) }

// Restart starts a program that was killed as it was started before, a machine from its disk, and
// waits for a machine until its sshd answers.
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
