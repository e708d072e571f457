package owner

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/internal/cluster"
)

// newStack is the engine of a stack without a state: a Stash keeps its value.
type newStack struct{}

func (newStack) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return args.Name, resource.PropertyMap{"output": args.Inputs["input"]}, nil
}

func (newStack) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return resource.PropertyMap{"outputs": resource.NewObjectProperty(nil)}, nil
}

// Components of one run know each other's objects, although the state that was read has none of them yet.
func TestNewComponents(t *testing.T) {
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		first, err := NewIdentity(ctx, "first")
		if err != nil {
			return err
		}
		second, err := NewIdentity(ctx, "second")
		if err != nil {
			return err
		}
		for _, i := range []Identity{first, second} {
			for _, owner := range []Identity{first, second} {
				if !i.InStack(cluster.Object{Owner: owner.Owner()}) {
					t.Errorf("an object of %s is foreign to %s", owner.ID, i.ID)
				}
			}
			if i.InStack(cluster.Object{Owner: "shop/dev 0123456789abcdef"}) || i.InStack(cluster.Object{}) {
				t.Error("any object belongs to the stack")
			}
		}
		if first.Owns(cluster.Object{Owner: second.Owner()}) {
			t.Error("a component owns the objects of another one")
		}
		return nil
	}, pulumi.WithMocks("shop", "dev", newStack{}))
	if err != nil {
		t.Fatal(err)
	}
}
