package tests

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestPsqlScripts runs psql over testdata/psql. The expected outputs are those of PostgreSQL 15: with GOMPHO_REFERENCE set, -rewrite
// takes them from there. What is known to differ is written down in a file with "differs" in its name, which is rewritten from gompho.
func TestPsqlScripts(t *testing.T) {
	rewrite := flag.Lookup("rewrite") != nil && flag.Lookup("rewrite").Value.String() == "true"
	datadriven.Walk(t, "testdata/psql", func(t *testing.T, path string) {
		var g target
		ref, ok := reference(t)
		if strings.Contains(path, "differs") || !rewrite || !ok {
			g = targetOf(open(t, true))
		} else {
			g = ref
		}
		g.database(t, "shell")
		dir := t.TempDir()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "psql":
				return psqlOutput(t, g, d, dir)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

// psqlOutput gives the input to psql and returns its output, less what differs from run to run.
func psqlOutput(t *testing.T, g target, d *datadriven.TestData, dir string) string {
	args := []string{"-X", "-d", "shell"}
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "each": // one run for each line, for commands that are only asked for
			var b strings.Builder
			for _, line := range strings.Split(d.Input, "\n") {
				out, _ := g.try(t, "", "psql", append(args, "-A", "-c", line)...)
				fmt.Fprintf(&b, "> %s\n%s", line, out)
			}
			return settle(b.String(), g, dir)
		case "args":
			args = append(args, a.Vals...)
		}
	}
	out, err := g.try(t, strings.ReplaceAll(d.Input, "$DIR", dir), "psql", args...)
	if err != nil {
		out += err.Error() + "\n"
	}
	return settle(out, g, dir)
}

var (
	sizes  = regexp.MustCompile(`\b\d+ (bytes|kB|MB)\b`)
	toasts = regexp.MustCompile(`\bpg_toast_\d+\b`)
	times  = regexp.MustCompile(`Time: [0-9.]+ ms( \([0-9:.]+\))?`)
	places = regexp.MustCompile(`(?m)^LOCATION: .*\n`) // where in its source PostgreSQL raised the error
	blanks = regexp.MustCompile(`(?m) +$`)
)

// settle replaces what is not the same on every server.
func settle(out string, g target, dir string) string {
	out = strings.ReplaceAll(out, dir, "$DIR")
	out = strings.ReplaceAll(out, fmt.Sprint(g.port), "PORT")
	out = sizes.ReplaceAllString(out, "SIZE")
	out = toasts.ReplaceAllString(out, "pg_toast_OID")
	out = times.ReplaceAllString(out, "Time: T")
	out = places.ReplaceAllString(out, "")
	return blanks.ReplaceAllString(out, "")
}
