//go:build invariants || race

package invariants

// Enabled tells whether costly self-checks run.
const Enabled = true
