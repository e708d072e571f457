package lab

import "fmt"

// Freeze has a machine do nothing any more, and answer nothing, as one that hangs does, or one without
// power: nobody is told.
func (l *Lab) Freeze(machine string) error { return l.freeze(machine, true) }

// Thaw has a machine that is frozen go on.
func (l *Lab) Thaw(machine string) error { return l.freeze(machine, false) }

func (l *Lab) freeze(machine string, frozen bool) error {
	all, err := l.table().All()
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.Name == machine {
			return p.Freeze(frozen)
		}
	}
	return fmt.Errorf("the lab has no machine %s", machine)
}
