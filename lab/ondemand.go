package lab

import (
	"context"
	"slices"

	"webapp-balanced/lab/tools"
)

// BuildForTests builds what tests need besides [Lab.Tools]. A test that builds a tool itself makes the others wait, and
// a compiler beside them slows down the lab's machines.
func (l *Lab) BuildForTests(ctx context.Context) error {
	_, err := l.build(ctx, slices.Concat(tools.MetalLB, tools.Traefik, tools.VersityGW, tools.Languages))
	return err
}

// Languages returns the language hosts, except Go's, with which the component package is tested. Only
// tests need them.
func (l *Lab) Languages(ctx context.Context) ([]string, error) {
	set, err := l.build(ctx, tools.Languages)
	if err != nil {
		return nil, err
	}
	var programs []string
	for _, tool := range tools.Languages {
		programs = append(programs, set.Program(tool.Name))
	}
	return programs, nil
}

// S3Server returns a program that serves a directory by S3. Tests start it for a state in S3.
func (l *Lab) S3Server(ctx context.Context) (string, error) {
	set, err := l.build(ctx, tools.VersityGW)
	if err != nil {
		return "", err
	}
	return set.Program("versitygw"), nil
}

// Compared returns the tools that the program is compared to. They are built on demand.
func (l *Lab) Compared(ctx context.Context) (tools.Set, error) { return l.build(ctx, tools.Compared) }
