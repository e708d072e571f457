package lab

import "webapp-balanced/lab/tools"

// S3Server returns a program that serves a directory by S3. Tests start it for a state in S3.
func (l *Lab) S3Server() (string, error) {
	set, err := l.build(tools.VersityGW)
	if err != nil {
		return "", err
	}
	return set.Program("versitygw"), nil
}
