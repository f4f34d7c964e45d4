// Package invariants switches costly self-checks on: build with -tags invariants, or run under the race detector.
package invariants
