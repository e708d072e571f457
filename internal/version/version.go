// Package version is where the project's version stands.
package version

// Version is that of the next release, or of the one that the tag of its name marks.
const Version = "0.1.0"
