package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// stories on one stack, in their order; TestAdopt has one more.
var stories = []string{"first-deploy", "refusal", "drift", "switch"}

// The files in stories have what a user types and sees, from the first deployment on.
func TestStories(t *testing.T) {
	parallel(t)
	if files, err := filepath.Glob("stories/*"); err != nil || len(files) != len(stories)+1 {
		t.Fatalf("stories are %q (%v), want %q and adopt", files, err, stories)
	}
	s := newStack(t, "e2e-stories")
	for _, name := range stories {
		if !s.tell(name) {
			return // the next story begins where this one ends
		}
	}
}

func TestAdopt(t *testing.T) {
	parallel(t)
	newShare(t, "e2e-adopt").tell("adopt")
}

// tell runs a story with the stack, and reports whether it passed.
func (s *stack) tell(name string) bool {
	return s.t.Run(name, func(t *testing.T) {
		testscript.RunT(teller{t}, testscript.Params{
			Files: []string{"stories/" + name + ".txtar"},
			Setup: func(env *testscript.Env) error {
				env.Cd = root
				env.Vars = append(env.Vars, s.prepare("pulumi").Env...)
				return nil
			},
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"pulumi": command("pulumi"),
				"verify": func(ts *testscript.TestScript, fails bool, _ []string) {
					out, err := s.verify()
					fmt.Fprint(ts.Stdout(), out)
					if (err != nil) != fails {
						ts.Fatalf("verify: %v", err)
					}
				},
				"ssh": command("ssh", "-F", os.Getenv("LAB_SSH_CONFIG")),
				// exported CLIENT COMMAND: the host exports the share to the client while the command runs.
				"exported": func(ts *testscript.TestScript, _ bool, args []string) {
					for _, lost := range watchTable(t, s.share, args[:1], func() { ts.Check(ts.Exec(args[1], args[2:]...)) }) {
						t.Error(lost)
					}
				},
			},
		})
	})
}

// command makes a script's command of a program. A failure that the script expects must come in time.
func command(name string, first ...string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, fails bool, args []string) {
		start := time.Now()
		err := ts.Exec(name, append(first, args...)...)
		if took := time.Since(start); (err != nil) != fails || fails && took > shared(refusal) {
			ts.Fatalf("%s %q, after %s: %v", name, args, took, err)
		}
	}
}

// teller is a test whose scripts do not run in parallel, since they use one stack, and print only what fails.
type teller struct{ *testing.T }

func (teller) Parallel()     {}
func (teller) Verbose() bool { return false }

func (t teller) Run(name string, f func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { f(teller{t}) })
}
