package lab

import "webapp-balanced/lab/tools"

// Languages returns the programs that are the hosts of the languages in which the component package
// is tested, besides Go. They are built when they are asked for: nothing else needs them.
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

// Compared returns the tools that the program is compared to. They are built when they are asked for.
func (l *Lab) Compared() (tools.Set, error) { return l.build(tools.Compared) }
