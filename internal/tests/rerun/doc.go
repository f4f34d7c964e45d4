// Package rerun reads the numbers by which a random test is run again or made longer from the environment, for all test packages.
//
// Layer: tests.
//
// Rules:
//  1. GOMPHO_SEED is the seed of whatever is random. Without it each run draws its own.
//  2. Every random test prints its seed and the number of its rounds before it begins (Seed and Rounds do that), so that a failure in a log is enough to
//     run it again.
//  3. A variable that is set but is not a number fails the test: a run for hours with a misspelt number would test next to nothing.
package rerun
