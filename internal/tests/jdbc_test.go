package tests

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

const jdbcJar = "/usr/share/java/postgresql.jar"

// java compiles the programs of directory jdbc and returns a function that runs one of them in Berlin's time zone.
func java(t *testing.T) func(args ...string) (string, error) {
	t.Helper()
	if _, err := os.Stat(jdbcJar); err != nil {
		t.Fatal("the JDBC driver is not installed: scripts/test.sh installs it")
	}
	dir := t.TempDir()
	if out, err := exec.Command("javac", "-d", dir, "-cp", jdbcJar, "jdbc/Check.java", "jdbc/Metadata.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return func(args ...string) (string, error) {
		out, err := exec.Command("java", append([]string{"-Duser.timezone=Europe/Berlin", "-cp", dir + ":" + jdbcJar}, args...)...).CombinedOutput()
		return string(out), err
	}
}

func (g target) jdbcURL(db, options string) string {
	return fmt.Sprintf("jdbc:postgresql://127.0.0.1:%d/%s?sslmode=disable%s", g.port, db, options)
}

// TestJDBC runs a Java program with the driver in several of its modes.
func TestJDBC(t *testing.T) {
	run := java(t)
	g := targetOf(open(t, true))
	for _, options := range []string{"", "&prepareThreshold=1&reWriteBatchedInserts=true", "&preferQueryMode=extendedCacheEverything&binaryTransfer=false"} {
		if out, err := run("Check", g.jdbcURL("postgres", options), g.user); err != nil || !strings.Contains(out, "jdbc ok") {
			t.Errorf("%s: %v\n%s", options, err, out)
		}
	}
}

var ownTypes = regexp.MustCompile(`(?m)^_?(gompho_|pg_buffercache|pg_stat_statements).*\n`)

// TestJDBCMetadata compares what the driver's DatabaseMetaData says with what it says of PostgreSQL 15 (testdata/jdbc/metadata.txt,
// which -rewrite takes from GOMPHO_REFERENCE).
func TestJDBCMetadata(t *testing.T) {
	run := java(t)
	const golden = "testdata/jdbc/metadata.txt"
	metadata := func(g target) string {
		g.makeDumped(t)
		out, err := run("Metadata", g.jdbcURL("dumpdb", ""), g.user)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		// The views of our own have types that PostgreSQL does not.
		return ownTypes.ReplaceAllString(out, "")
	}
	if f := flag.Lookup("rewrite"); f != nil && f.Value.String() == "true" {
		if ref, ok := reference(t); ok {
			if err := os.WriteFile(golden, []byte(metadata(ref)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	sameText(t, "metadata", metadata(targetOf(open(t, true))), string(want))
}
