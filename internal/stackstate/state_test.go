package stackstate

import (
	"context"
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

// Components of one run read the state once, although each has a context of its own; another run reads it again.
func TestOf(t *testing.T) {
	e := &engine{}
	for _, c := range []struct {
		run  string
		want int
	}{{"127.0.0.1:1", 1}, {"127.0.0.1:1", 1}, {"127.0.0.1:2", 2}} {
		ctx, err := pulumi.NewContext(WithRun(context.Background(), c.run), pulumi.RunInfo{Project: "shop", Stack: "dev", Mocks: e})
		if err != nil {
			t.Fatal(err)
		}
		resources, err := Of(ctx).Resources()
		if err != nil || resources["urn::files"]["path"] != "/srv/nfs" || e.reads != c.want {
			t.Errorf("run %s: %v, %v after %d reads, want %d", c.run, resources, err, e.reads, c.want)
		}
	}
}
