// Package lint holds the tests that keep the code's structure: the layer table.
package lint
