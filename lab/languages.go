package lab

import "webapp-balanced/lab/tools"

// Languages returns the language hosts, except Go's, with which the component package is tested. They are
// built on demand: nothing else needs them.
func (l *Lab) Languages() ([]string, error) {
	set, err := l.build(tools.Languages)
	if err != nil {
		return nil, err
	}
	var programs []string
	for _, tool := range tools.Languages {
		programs = append(programs, set.Program(tool.Name))
	}
	return programs, nil
}

// Compared returns the tools that the program is compared to. They are built on demand.
func (l *Lab) Compared() (tools.Set, error) { return l.build(tools.Compared) }
