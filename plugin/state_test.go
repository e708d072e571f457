package main

import (
	"context"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/stackstate"
)

// engine counts how often the state is read.
type engine struct{ reads int }

func (*engine) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, nil
}

func (e *engine) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	e.reads++
	return resource.PropertyMap{"outputs": resource.NewObjectProperty(resource.PropertyMap{})}, nil
}

// The components of one run share what they read of the stack's state; those of the next run do not.
func TestComponentsShareTheState(t *testing.T) {
	e := &engine{}
	construct := newRefusals().counting(func(ctx context.Context, _ p.ConstructRequest) (p.ConstructResponse, error) {
		of, err := pulumi.NewContext(ctx, pulumi.RunInfo{Project: "shop", Stack: "dev", Mocks: e})
		if err == nil {
			_, err = stackstate.Resources(of)
		}
		return p.ConstructResponse{}, err
	})
	for _, c := range []struct {
		monitor string
		want    int
	}{{"127.0.0.1:1", 1}, {"127.0.0.1:1", 1}, {"127.0.0.1:2", 2}} {
		if _, err := construct(t.Context(), p.ConstructRequest{MonitorEndpoint: c.monitor}); err != nil {
			t.Fatal(err)
		}
		if e.reads != c.want {
			t.Errorf("run %s: %d reads, want %d", c.monitor, e.reads, c.want)
		}
	}
}
