package rerun

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
)

// Given returns GOMPHO_SEED; ok says that it is set.
func Given(t testing.TB) (seed uint64, ok bool) {
	t.Helper()
	v := os.Getenv("GOMPHO_SEED")
	if v == "" {
		return 0, false
	}
	seed, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		t.Fatalf("GOMPHO_SEED: %v", err)
	}
	return seed, true
}

// Seed returns GOMPHO_SEED or draws a seed, and prints it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed, ok := Given(t)
	if !ok {
		seed = rand.Uint64()
	}
	t.Logf("GOMPHO_SEED=%d", seed)
	return seed
}

// Count returns the number in the environment variable name, or otherwise when it is not set.
func Count(t testing.TB, name string, otherwise int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// Rounds returns the number of rounds from the environment variable name, or otherwise, and the seed of the first one; it prints both. With GOMPHO_SEED and no
// number it is the one round of that seed.
func Rounds(t testing.TB, name string, otherwise int) (n int, first uint64) {
	t.Helper()
	first, ok := Given(t)
	if ok {
		otherwise = 1
	} else {
		first = rand.Uint64()
	}
	n = Count(t, name, otherwise)
	t.Logf("%d rounds (%s), the first with GOMPHO_SEED=%d", n, name, first)
	return n, first
}

// Told logs what a suite has done, so that it is shown when the tests pass, too: package summary prints these lines.
func Told(t testing.TB, format string, args ...any) {
	t.Helper()
	t.Logf("result: "+format, args...)
}
