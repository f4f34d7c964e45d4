package postmaster

import "errors"

// Check verifies a whole cluster and reports each problem; it returns how many there are.
func Check(dir string, report func(string)) (int, error) {
	return 0, errors.New("check is not there yet")
}
