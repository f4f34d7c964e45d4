// Command gompho runs and controls a gompho server.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := rootCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "gompho:", err)
		os.Exit(1)
	}
}
