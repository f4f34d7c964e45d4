package tests

import (
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestInspect looks at pages and maps in SQL: testdata/inspect. What the functions refuse, and how, was taken from PostgreSQL 15's extensions.
func TestInspect(t *testing.T) {
	s := open(t, false)
	c := connect(t, s)
	datadriven.RunTest(t, "testdata/inspect", func(t *testing.T, d *datadriven.TestData) string {
		return ask(c, d.Input, func(s string) string { return s })
	})
}
