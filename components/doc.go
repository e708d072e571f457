// Package components holds the three component resources of which the stack
// is composed. Read [NfsShare] first, then [BalancedApp], which mounts it, then
// [Exposure], which makes the application reachable.
//
// Arguments are plain values: they are validated, all problems at once, and
// given their defaults before anything is registered with the engine. Only
// what is known late is a pulumi.Input.
package components
