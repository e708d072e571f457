package stackstate

import (
	"errors"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// engine counts how often the state is read.
type engine struct{ reads int }

func (e *engine) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", resource.PropertyMap{}, nil
}

func (e *engine) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	e.reads++
	share := resource.PropertyMap{"outputs": resource.NewObjectProperty(resource.PropertyMap{"path": resource.NewStringProperty("/srv/nfs")})}
	return resource.PropertyMap{"outputs": resource.NewObjectProperty(resource.PropertyMap{"urn::files": resource.NewObjectProperty(share)})}, nil
}

// newContext returns the context of a component in a run.
func newContext(t *testing.T, run string, e pulumi.MockResourceMonitor) *pulumi.Context {
	t.Helper()
	ctx, err := pulumi.NewContext(WithRun(t.Context(), run), pulumi.RunInfo{Project: "shop", Stack: "dev", Mocks: e})
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// Components of one run read the state once, although each has a context of its own; another run reads it again.
func TestResources(t *testing.T) {
	e := &engine{}
	for _, c := range []struct {
		run  string
		want int
	}{{"127.0.0.1:1", 1}, {"127.0.0.1:1", 1}, {"127.0.0.1:2", 2}} {
		resources, err := Resources(newContext(t, c.run, e))
		if err != nil || resources["urn::files"]["path"] != "/srv/nfs" || e.reads != c.want {
			t.Errorf("run %s: %v, %v after %d reads, want %d", c.run, resources, err, e.reads, c.want)
		}
	}
}

// ended is the engine as a component's context sees it that is complete: it fails.
type ended struct{ engine }

func (*ended) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, errors.New("attempted illegal RPC after program completion")
}

// Each component reads with its own context, and an error is not kept.
func TestEndedContext(t *testing.T) {
	e := &engine{}
	if _, err := Resources(newContext(t, "127.0.0.1:3", &ended{})); err == nil {
		t.Error("a complete component can read")
	}
	if _, err := Resources(newContext(t, "127.0.0.1:3", e)); err != nil {
		t.Error(err)
	}
}
