// Package version has the project's version.
package version

// Version is the next release's, or, at the tag of its name, that release's.
const Version = "0.1.0"
