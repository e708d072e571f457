package main

import (
	"context"
	"testing"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/stackstate"
)

type noEngine struct{}

func (noEngine) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, nil
}

func (noEngine) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// The components of one run share what they read of the stack's state; those of the next run do not.
func TestComponentsShareTheState(t *testing.T) {
	var state *stackstate.State
	construct := newRefusals().counting(func(ctx context.Context, _ p.ConstructRequest) (p.ConstructResponse, error) {
		of, err := pulumi.NewContext(ctx, pulumi.RunInfo{Project: "shop", Stack: "dev", Mocks: noEngine{}})
		if err == nil {
			state = stackstate.Of(of)
		}
		return p.ConstructResponse{}, err
	})
	in := func(monitor string) *stackstate.State {
		if _, err := construct(t.Context(), p.ConstructRequest{MonitorEndpoint: monitor}); err != nil {
			t.Fatal(err)
		}
		return state
	}
	first, second, next := in("127.0.0.1:1"), in("127.0.0.1:1"), in("127.0.0.1:2")
	if first != second || second == next {
		t.Errorf("the same run: %t, the next one: %t", first == second, second == next)
	}
}
