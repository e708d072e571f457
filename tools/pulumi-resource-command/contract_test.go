package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// The contract of the plugin, held by talking to its program as Pulumi does. PULUMI_COMMAND_PLUGIN names another
// program to hold to it, such as the official pulumi-resource-command; without it this one is compiled.

const commandURN = "urn:pulumi:s::p::command:remote:Command::c"

// pluginProgram is the plugin's program.
var pluginProgram string

func TestMain(m *testing.M) {
	pluginProgram = os.Getenv("PULUMI_COMMAND_PLUGIN")
	if pluginProgram != "" {
		os.Exit(m.Run())
	}
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		panic(err)
	}
	pluginProgram = filepath.Join(dir, "pulumi-resource-command")
	code := 1
	if out, err := exec.Command("go", "build", "-o", pluginProgram, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

func TestCommandRuns(t *testing.T) {
	p, server := start(t), newSSHServer(t)
	state, err := p.create(commandURN, command(server, resource.PropertyMap{
		"create": text("cat; echo problem >&2"), "stdin": text("line 1\nline 2\n"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, state, "stdout", "line 1\nline 2") // one line break at the end is taken off
	expect(t, state, "stderr", "problem")
	if !state["connection"].IsSecret() {
		t.Error("the connection is not secret in the state")
	}
}

func TestCommandDefaults(t *testing.T) {
	p, server := start(t), newSSHServer(t)
	inputs, _ := p.check(commandURN, command(server, nil))
	connection := plain(inputs["connection"]).ObjectValue()
	if limit := connection["dialErrorLimit"]; limit.HasValue() && limit.NumberValue() != 10 {
		t.Errorf("dialErrorLimit is %v, want 10", limit)
	}
}

func TestCommandFailureRepeatsCommandAndOutput(t *testing.T) {
	p, server := start(t), newSSHServer(t)
	_, err := p.create(commandURN, command(server, resource.PropertyMap{"create": text("echo out; echo err >&2; exit 3")}))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Process exited with status 3", `running "echo out; echo err >&2; exit 3"`, "out", "err"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

func TestCommandUpdate(t *testing.T) {
	p, server := start(t), newSSHServer(t)
	before := command(server, resource.PropertyMap{"create": text("echo created"), "stdin": text("a")})
	state, err := p.create(commandURN, before)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("runs create again where there is no update", func(t *testing.T) {
		after := command(server, resource.PropertyMap{"create": text("echo again; echo \"$PULUMI_COMMAND_STDOUT\""), "stdin": text("b")})
		got, err := p.update(commandURN, state, after)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, got, "stdout", "again\ncreated") // what was printed before is in the environment
	})
	t.Run("runs update, without the output of before if so told", func(t *testing.T) {
		after := command(server, resource.PropertyMap{
			"create": text("echo no"), "update": text("echo \"updated$PULUMI_COMMAND_STDOUT\""),
			"addPreviousOutputInEnv": resource.NewBoolProperty(false),
		})
		got, err := p.update(commandURN, state, after)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, got, "stdout", "updated")
	})
	t.Run("any changed input updates, in place", func(t *testing.T) {
		after := command(server, resource.PropertyMap{"create": text("echo created"), "stdin": text("b")})
		diff := p.diff(commandURN, state, after)
		if diff.Changes != pulumirpc.DiffResponse_DIFF_SOME || len(diff.Replaces) > 0 {
			t.Errorf("diff is %v", diff)
		}
	})
	t.Run("nothing changed is not a diff", func(t *testing.T) {
		if diff := p.diff(commandURN, state, before); diff.Changes == pulumirpc.DiffResponse_DIFF_SOME {
			t.Errorf("diff is %v", diff)
		}
	})
}

func TestCommandDelete(t *testing.T) {
	p, server := start(t), newSSHServer(t)
	file := filepath.Join(t.TempDir(), "deleted")
	state, err := p.create(commandURN, command(server, resource.PropertyMap{
		"delete": text("cat > " + file), "stdin": text("what it was made with"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.delete(commandURN, state); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(file); string(got) != "what it was made with" {
		t.Errorf("delete got %q on its standard input", got)
	}
}

// The SDK and the engine replace what the schema says is replaced.
func TestTriggersReplace(t *testing.T) {
	response, err := start(t).client.GetSchema(context.Background(), &pulumirpc.GetSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Resources map[string]struct {
			InputProperties map[string]struct{ ReplaceOnChanges bool }
		}
	}
	if err := json.Unmarshal([]byte(response.Schema), &schema); err != nil {
		t.Fatal(err)
	}
	inputs := schema.Resources["command:remote:Command"].InputProperties
	for _, input := range []string{"triggers", "connection"} {
		if _, ok := inputs[input]; !ok {
			t.Errorf("there is no input %s", input)
		}
		if want := input == "triggers"; inputs[input].ReplaceOnChanges != want {
			t.Errorf("a change of %s replaces: %v, want %v", input, !want, want)
		}
	}
}

func TestLogin(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(resource.PropertyMap)
		want string
	}{
		{"another host key", func(m resource.PropertyMap) { m["hostKey"] = text(newAuthorizedKey(t)) }, "host key mismatch"},
		{"another key", func(m resource.PropertyMap) { m["privateKey"] = text(newPrivateKey(t)) }, "unable to authenticate"},
		{"nobody listens", func(m resource.PropertyMap) { m["port"] = resource.NewNumberProperty(1) }, "connection refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, server := start(t), newSSHServer(t)
			connection := server.connection()
			connection["dialErrorLimit"] = resource.NewNumberProperty(1)
			c.set(connection)
			began := time.Now()
			_, err := p.create(commandURN, resource.PropertyMap{"connection": resource.NewObjectProperty(connection), "create": text("true")})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// For a pinned RSA key the plugin offers no algorithm but ssh-rsa, which OpenSSH refuses
// since 8.8; the program refuses such keys, and that is why.
func TestRSAHostKey(t *testing.T) {
	p, server := start(t), newRSAServer(t)
	connection := server.connection()
	connection["dialErrorLimit"] = resource.NewNumberProperty(1)
	_, err := p.create(commandURN, resource.PropertyMap{"connection": resource.NewObjectProperty(connection), "create": text("true")})
	if err == nil || !strings.Contains(err.Error(), "no common algorithm for host key") {
		t.Errorf("the error is %v", err)
	}
}

func TestVersion(t *testing.T) {
	info, err := start(t).client.GetPluginInfo(context.Background(), &emptypb.Empty{})
	if err != nil || info.Version != version {
		t.Errorf("the version is %v (%v), want %s", info, err, version)
	}
}
