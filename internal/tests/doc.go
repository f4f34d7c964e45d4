// Package tests holds tests that put several packages together.
package tests
