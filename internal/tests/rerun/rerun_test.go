package rerun

import "testing"

func TestNumbers(t *testing.T) {
	t.Setenv("GOMPHO_SEED", "")
	t.Setenv("ROUNDS", "")
	if a, b := Seed(t), Seed(t); a == b {
		t.Errorf("the seed %d was drawn twice", a)
	}
	if n, _ := Rounds(t, "ROUNDS", 7); n != 7 {
		t.Errorf("%d rounds", n)
	}
	t.Setenv("GOMPHO_SEED", "18446744073709551615")
	if n, first := Rounds(t, "ROUNDS", 7); n != 1 || first != 1<<64-1 || Seed(t) != first {
		t.Errorf("%d rounds from %d", n, first)
	}
	t.Setenv("ROUNDS", "12")
	if n, first := Rounds(t, "ROUNDS", 7); n != 12 || first != 1<<64-1 {
		t.Errorf("%d rounds from %d", n, first)
	}
}
