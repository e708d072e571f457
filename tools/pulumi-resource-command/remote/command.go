package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"golang.org/x/crypto/ssh"
)

// Command is the resource command:remote:Command.
type Command struct{}

// Logging says which output of a command goes to the log.
type Logging string

// The values of Logging.
const (
	LogStdout          Logging = "stdout"
	LogStderr          Logging = "stderr"
	LogStdoutAndStderr Logging = "stdoutAndStderr"
	NoLogging          Logging = "none"
)

// Values lists them for the schema.
func (Logging) Values() []infer.EnumValue[Logging] {
	return []infer.EnumValue[Logging]{
		{Name: string(LogStdout), Value: LogStdout, Description: "log stdout"},
		{Name: string(LogStderr), Value: LogStderr, Description: "log stderr"},
		{Name: string(LogStdoutAndStderr), Value: LogStdoutAndStderr, Description: "log both"},
		{Name: string(NoLogging), Value: NoLogging, Description: "log neither"},
	}
}

// CommandArgs are a command's inputs.
type CommandArgs struct {
	Connection             *Connection        `pulumi:"connection" provider:"secret"`
	Environment            *map[string]string `pulumi:"environment,optional"`
	Triggers               *[]any             `pulumi:"triggers,optional" provider:"replaceOnChanges"`
	Create                 *string            `pulumi:"create,optional"`
	Delete                 *string            `pulumi:"delete,optional"`
	Update                 *string            `pulumi:"update,optional"`
	Stdin                  *string            `pulumi:"stdin,optional"`
	Logging                *Logging           `pulumi:"logging,optional"`
	AddPreviousOutputInEnv *bool              `pulumi:"addPreviousOutputInEnv,optional"`
}

// CommandState is what is kept of a command that was run.
type CommandState struct {
	CommandArgs
	Stdout string `pulumi:"stdout"`
	Stderr string `pulumi:"stderr"`
}

// Create runs the create command.
func (Command) Create(ctx context.Context, req infer.CreateRequest[CommandArgs]) (infer.CreateResponse[CommandState], error) {
	response := infer.CreateResponse[CommandState]{Output: CommandState{CommandArgs: req.Inputs}}
	var err error
	if response.ID, err = resource.NewUniqueHex(req.Name, 8, 0); err != nil || req.DryRun {
		return response, err
	}
	err = response.Output.run(ctx, req.Inputs.Create)
	return response, err
}

// Update runs the update command, or the create command where there is none.
func (Command) Update(ctx context.Context, req infer.UpdateRequest[CommandArgs, CommandState]) (infer.UpdateResponse[CommandState], error) {
	state := CommandState{CommandArgs: req.Inputs, Stdout: req.State.Stdout, Stderr: req.State.Stderr}
	if req.DryRun {
		return infer.UpdateResponse[CommandState]{Output: state}, nil
	}
	command := req.Inputs.Update
	if command == nil {
		command = req.Inputs.Create
	}
	err := state.run(ctx, command)
	return infer.UpdateResponse[CommandState]{Output: state}, err
}

// Delete runs the delete command.
func (Command) Delete(ctx context.Context, req infer.DeleteRequest[CommandState]) (infer.DeleteResponse, error) {
	return infer.DeleteResponse{}, req.State.run(ctx, req.State.Delete)
}

// WireDependencies says that what a command prints is unknown until it has
// run again.
func (Command) WireDependencies(f infer.FieldSelector, args *CommandArgs, state *CommandState) {
	f.OutputField(&state.Connection).DependsOn(f.InputField(&args.Connection))
	f.OutputField(&state.Environment).DependsOn(f.InputField(&args.Environment))
	f.OutputField(&state.Triggers).DependsOn(f.InputField(&args.Triggers))
	f.OutputField(&state.Create).DependsOn(f.InputField(&args.Create))
	f.OutputField(&state.Delete).DependsOn(f.InputField(&args.Delete))
	f.OutputField(&state.Update).DependsOn(f.InputField(&args.Update))
	f.OutputField(&state.Stdin).DependsOn(f.InputField(&args.Stdin))
	f.OutputField(&state.Logging).DependsOn(f.InputField(&args.Logging))
	f.OutputField(&state.AddPreviousOutputInEnv).DependsOn(f.InputField(&args.AddPreviousOutputInEnv))
	for _, input := range []infer.InputField{
		f.InputField(&args.Create), f.InputField(&args.Update), f.InputField(&args.Stdin), f.InputField(&args.Environment),
	} {
		f.OutputField(&state.Stdout).DependsOn(input)
		f.OutputField(&state.Stderr).DependsOn(input)
	}
}

// run runs a command on the host and keeps what it prints; no command is none
// to run.
func (s *CommandState) run(ctx context.Context, command *string) error {
	if command == nil {
		return nil
	}
	client, err := s.Connection.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	defer session.Close()
	s.setEnvironment(session)
	if s.Stdin != nil && *s.Stdin != "" {
		session.Stdin = strings.NewReader(*s.Stdin)
	}
	var stdout, stderr bytes.Buffer
	both := &locked{} // the session copies the two at the same time
	logged := &lines{say: func(line string) { p.GetLogger(ctx).InfoStatus(line) }}
	logging := or(s.Logging, LogStdoutAndStderr)
	session.Stdout = tee(&stdout, both, logged, logging == LogStdout || logging == LogStdoutAndStderr)
	session.Stderr = tee(&stderr, both, logged, logging == LogStderr || logging == LogStdoutAndStderr)

	if err := session.Run(*command); err != nil {
		return fmt.Errorf("%w: running %q:\n%s", err, *command, both.String())
	}
	s.Stdout = strings.TrimSuffix(stdout.String(), "\n")
	s.Stderr = strings.TrimSuffix(stderr.String(), "\n")
	return nil
}

// setEnvironment sends the variables, which a host takes only as far as its
// AcceptEnv allows; a refusal is not an error.
func (s *CommandState) setEnvironment(session *ssh.Session) {
	for name, value := range or(s.Environment, nil) {
		_ = session.Setenv(name, value)
	}
	if !or(s.AddPreviousOutputInEnv, true) {
		return
	}
	if s.Stdout != "" {
		_ = session.Setenv("PULUMI_COMMAND_STDOUT", s.Stdout)
	}
	if s.Stderr != "" {
		_ = session.Setenv("PULUMI_COMMAND_STDERR", s.Stderr)
	}
}

func tee(own io.Writer, both *locked, log io.Writer, logged bool) io.Writer {
	if logged {
		return io.MultiWriter(own, both, log)
	}
	return io.MultiWriter(own, both)
}

// locked is a buffer that several may write to at once.
type locked struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *locked) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(data)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.String()
}

// lines says every whole line that is written to it.
type lines struct {
	mu   sync.Mutex
	rest []byte
	say  func(line string)
}

func (l *lines) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, data...)
	for {
		line, rest, found := bytes.Cut(l.rest, []byte("\n"))
		if !found {
			return len(data), nil
		}
		l.say(string(line))
		l.rest = rest
	}
}
