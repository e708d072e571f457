package lab

import "webapp-balanced/lab/tools"

// S3Server returns a program that serves S3 out of a directory, which the tests start for a state
// that is kept there.
func (l *Lab) S3Server() (string, error) {
	set, err := l.build(tools.VersityGW)
	if err != nil {
		return "", err
	}
	return set.Program("versitygw"), nil
}
