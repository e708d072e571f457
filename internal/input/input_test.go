package input

import (
	"errors"
	"slices"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"webapp-balanced/components/check"
)

type noEngine struct{}

func (noEngine) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return args.Name, args.Inputs, nil
}

func (noEngine) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// The reader returns the same value for every kind of input, and records the kind.
func TestReader(t *testing.T) {
	failed := errors.New("the resource failed")
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		stash, err := pulumi.NewStash(ctx, "other", &pulumi.StashArgs{Input: pulumi.String("x")})
		if err != nil {
			return err
		}
		r := NewReader(ctx)
		texts := []string{
			Of[string](r, "plain", pulumi.String("a")),
			Of[string](r, "pointer", pulumi.StringPtr("b")),
			Of[string](r, "secret", pulumi.ToSecret(pulumi.String("c")).(pulumi.StringOutput)),
			Of[string](r, "unknown", pulumi.UnsafeUnknownOutput(nil).ApplyT(func(any) string { return "" }).(pulumi.StringOutput)),
			Of[string](r, "other", stash.URN().ApplyT(func(pulumi.URN) string { return "d" }).(pulumi.StringOutput)),
			Of[string](r, "none", nil),
		}
		if want := []string{"a", "b", "c", "", "d", ""}; !slices.Equal(texts, want) {
			t.Errorf("read are %q, want %q", texts, want)
		}
		if got := Maybe[int](r, "number", nil); got != nil {
			t.Errorf("a number that is not said is %d", *got)
		}
		env := Texts(r, "env", map[string]pulumi.StringInput{"A": pulumi.String("1"), "B": pulumi.ToSecret(pulumi.String("2")).(pulumi.StringOutput)})
		o, err := r.Done()
		if err != nil {
			return err
		}
		if env["A"] != "1" || env["B"] != "2" || o.Secret("env.A") || !o.Secret("env.B") || !o.Secret("env") {
			t.Errorf("the environment is %v, of %+v", env, o)
		}
		if !o.Secret("secret") || o.Secret("plain") || !o.Unknown("unknown") || o.Unknown("plain", "none") || !o.Follows("other") || o.Follows("plain") || len(o.After) != 1 {
			t.Errorf("the origins are %+v", o)
		}
		told := o.Checked(check.Problems{{Property: "unknown", Value: "x"}, {Property: "secret", Value: "c"}, {Property: "plain", Value: "a"}})
		if len(told) != 2 || told[0].Value != "" || told[1].Value != "a" {
			t.Errorf("told are %v", told)
		}

		r = NewReader(ctx)
		Of[string](r, "broken", pulumi.String("").ToStringOutput().ApplyT(func(string) (string, error) { return "", failed }).(pulumi.StringOutput))
		if _, err := r.Done(); !errors.Is(err, failed) {
			t.Errorf("the error is %v", err)
		}
		return nil
	}, pulumi.WithMocks("p", "s", noEngine{}), func(info *pulumi.RunInfo) { info.DryRun = true })
	if err != nil && !errors.Is(err, failed) {
		t.Fatal(err)
	}
}

// A problem of a secret does not repeat any part of it.
func TestProblemsOfSecrets(t *testing.T) {
	problem := check.Problem{Property: "host", Value: "the sesame host", Reason: `is not a DNS name: "sesame host" has a blank`, Hint: `use a "name"`}
	told := Secret("host").Checked(check.Problems{problem})
	if want := (check.Problem{Property: "host", Reason: "is not a DNS name: [secret] has a blank", Hint: `use a "name"`}); len(told) != 1 || told[0] != want {
		t.Errorf("told is %+v, want %+v", told, want)
	}
	if told := (Origins{}).Checked(check.Problems{problem}); len(told) != 1 || told[0] != problem {
		t.Errorf("told of what is not secret is %+v", told)
	}
}
