package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestJDBC compiles and runs a Java program against a server.
func TestJDBC(t *testing.T) {
	const jar = "/usr/share/java/postgresql.jar"
	if _, err := os.Stat(jar); err != nil {
		t.Fatal("the JDBC driver is not installed: scripts/test.sh installs it")
	}
	s := open(t, true)
	dir := t.TempDir()
	if out, err := exec.Command("javac", "-d", dir, "-cp", jar, "jdbc/Check.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	out, err := exec.Command("java", "-cp", dir+":"+jar, "Check", fmt.Sprintf("jdbc:postgresql://127.0.0.1:%d/postgres?sslmode=disable", s.Port())).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "jdbc ok") {
		t.Errorf("%v\n%s", err, out)
	}
}
