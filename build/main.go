// Command build makes dist/. With the argument test, it runs all tests; with bench, it
// measures Vitrine beside its peers. build.sh calls it in the root of the repository.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 1 && args[0] == "test" {
		return test(os.Stdout)
	}
	if len(args) > 0 && args[0] == "bench" {
		return bench(args[1:])
	}
	if len(args) > 0 {
		return fmt.Errorf("the arguments %q are not known; give none, test or bench", args)
	}
	version, err := build(".", "dist")
	if err != nil {
		return err
	}
	files, err := measure("dist")
	if err != nil {
		return err
	}
	fmt.Printf("dist/ is Vitrine %s\n\n", version)
	return printSizes(os.Stdout, files)
}
