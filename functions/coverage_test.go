package functions

import (
	"os"
	"strings"
	"testing"
)

// builtinsFloor is how many of the built-ins in testdata/builtins.txt are there. It only rises.
const builtinsFloor = 1088

func TestBuiltinsThere(t *testing.T) {
	text, err := os.ReadFile("testdata/builtins.txt")
	if err != nil {
		t.Fatal(err)
	}
	reg := Builtins()
	var missing []string
	there, all := 0, 0
	for _, name := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(name, "#") {
			continue
		}
		all++
		if reg.Lookup(name) != nil {
			there++
		} else {
			missing = append(missing, name)
		}
	}
	t.Logf("%d of %d built-ins are there; not there: %s", there, all, strings.Join(missing, " "))
	if there < builtinsFloor {
		t.Errorf("%d built-ins are there, there were %d", there, builtinsFloor)
	}
}

func TestNamesOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, family := range families() {
		for _, e := range family {
			if seen[e.Name] {
				t.Errorf("%s is listed twice", e.Name)
			}
			seen[e.Name] = true
			n := 0
			for _, set := range []bool{e.Scalar != nil, e.Set != nil, e.Agg != nil, e.Window != nil} {
				if set {
					n++
				}
			}
			if n != 1 || e.Kernel != nil && e.Scalar == nil {
				t.Errorf("%s is not of one kind", e.Name)
			}
		}
	}
}
