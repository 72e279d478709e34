package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// minNode is the oldest release of Node, major and minor, that the tests run on: ESLint
// needs it.
var minNode = [2]int{20, 19}

// tools are the programs that the tests need beside Go.
type tools struct {
	wasmExec string // runs a test that was compiled to WASM, with the SIMD kernels
	chromium string
}

// findTools looks for Node, npm, Chromium and a C compiler before the long stages
// begin, and installs the last two where it can. The bench needs no C compiler.
func findTools(ctx context.Context, found *tools, out io.Writer) error {
	if err := findBrowserTools(ctx, found, out); err != nil {
		return err
	}
	return findCompiler(ctx, out)
}

// findBrowserTools looks for Node, npm and Chromium.
func findBrowserTools(ctx context.Context, found *tools, out io.Writer) error {
	var err error
	if found.wasmExec, err = filepath.Abs("build/go_js_exec"); err != nil {
		return err
	}
	if err := checkNode(ctx); err != nil {
		return err
	}
	if _, err := exec.LookPath("npm"); err != nil {
		return fmt.Errorf("npm is not installed; it comes with Node (https://nodejs.org), or as Debian's package npm")
	}
	if name := os.Getenv("CHROMIUM"); name != "" {
		if found.chromium, err = exec.LookPath(name); err != nil {
			return fmt.Errorf("CHROMIUM names %s, which is no program; name Chromium's, or unset it", name)
		}
		return nil
	}
	if found.chromium = findChromium(); found.chromium != "" {
		return nil
	}
	if err := install(ctx, out, "chromium"); err != nil {
		return fmt.Errorf("cannot find Chromium, and %w; install it (Debian: apt-get install chromium), or name its program in CHROMIUM", err)
	}
	if found.chromium = findChromium(); found.chromium == "" {
		return fmt.Errorf("apt-get installed Chromium, but no chromium is in PATH; name its program in CHROMIUM")
	}
	return nil
}

func checkNode(ctx context.Context) error {
	need := fmt.Sprintf("%d.%d or newer, from https://nodejs.org", minNode[0], minNode[1])
	printed, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return fmt.Errorf("cannot find Node; install %s", need)
	}
	version := strings.TrimSpace(string(printed)) // v20.20.2
	numbers := strings.Split(strings.TrimPrefix(version, "v"), ".")
	major, err := strconv.Atoi(numbers[0])
	if err != nil || len(numbers) < 2 {
		return fmt.Errorf("node --version printed %q, which is no version; install Node %s", version, need)
	}
	if minor, err := strconv.Atoi(numbers[1]); err != nil || major < minNode[0] || major == minNode[0] && minor < minNode[1] {
		return fmt.Errorf("found Node %s, which is too old; install %s", version, need)
	}
	return nil
}

// findChromium gives the program that is in PATH, or nothing.
func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// findCompiler looks for the C compiler that go test -race links with.
func findCompiler(ctx context.Context, out io.Writer) error {
	printed, err := exec.CommandContext(ctx, "go", "env", "CC").Output()
	if err != nil {
		return fmt.Errorf("go env CC: %w", err)
	}
	command := strings.Fields(string(printed)) // CC may have flags
	if len(command) == 0 {
		return fmt.Errorf("go env CC is empty; name a C compiler in CC, or unset it")
	}
	if _, err := exec.LookPath(command[0]); err == nil {
		return nil
	}
	if err := install(ctx, out, "gcc", "libc6-dev"); err != nil {
		return fmt.Errorf("cannot find the C compiler %s, which go test -race needs, and %w; install one (Debian: apt-get install gcc libc6-dev), or name yours in CC", command[0], err)
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		return fmt.Errorf("apt-get installed gcc, but CC names %s, which is not in PATH; name a C compiler in CC, or unset it", command[0])
	}
	return nil
}

// install installs Debian's packages.
func install(ctx context.Context, out io.Writer, packages ...string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("there is no apt-get to install it with")
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("only root can install it")
	}
	env := append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if err := start(ctx, out, env, "apt-get", "update"); err != nil {
		return err
	}
	return start(ctx, out, env, "apt-get", append([]string{"install", "--yes", "--no-install-recommends"}, packages...)...)
}
