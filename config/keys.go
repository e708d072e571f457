package config

import (
	"slices"
	"strings"

	"webapp-balanced/components/check"
)

// The component types, as [Names] takes them.
const (
	Share    = "NfsShare"
	App      = "BalancedApp"
	Exposure = "Exposure"
)

// Names returns the config keys of a component's properties, and the commands that set them.
func Names(component string) check.Names {
	name := func(property string) string { return key(component, property) }
	return check.Names{Name: name, How: func(property, value string) string {
		name := name(property)
		switch {
		case strings.HasPrefix(property, "connection.private"):
			name = "--secret " + name
		case strings.Contains(name, "."):
			name = "--path " + name
		}
		return strings.TrimSpace(": pulumi config set " + name + " " + value)
	}, Value: func(property, value string) string {
		switch {
		case component == Exposure && property == "type":
			return strings.ToLower(value)
		case component == Exposure && property == "ingress" && value == "true":
			return "auto or true"
		}
		return value
	}}
}

// key returns the config key of a component's property. Most have the same name.
func key(component, property string) string {
	switch component + " " + property {
	case "BalancedApp mount.server", "BalancedApp mount.path":
		return "nfs." + strings.TrimPrefix(property, "mount.")
	case "Exposure type":
		return "exposure"
	case "Exposure controllerService":
		return "ingressControllerService"
	case "NfsShare connection.privateKey":
		return "nfsPrivateKey"
	case "NfsShare connection.privateKeyPassword":
		return "nfsPrivateKeyPassword"
	}
	first, _, _ := strings.Cut(property, ".")
	switch {
	case component == Share:
		return "nfs." + strings.TrimPrefix(property, "connection.")
	case component == App && slices.Contains(appKeys, first):
		return "app." + property
	}
	return property
}

// Problems replaces the property names in a component's problems by config keys.
func Problems(component string, problems check.Problems) check.Problems {
	return Names(component).Problems(problems)
}

// Error is every problem of a configuration.
type Error struct{ Problems check.Problems }

func (e Error) Error() string { return e.Problems.Describe("in the stack's configuration") }

// Err returns the problems as an error, nil when there are none.
func Err(problems check.Problems) error {
	if len(problems) == 0 {
		return nil
	}
	return Error{problems}
}
