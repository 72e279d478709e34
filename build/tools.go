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

// minNode is the oldest major release of Node that the tests run on.
const minNode = 20

// tools are the programs that the tests need beside Go.
type tools struct {
	wasmExec string // runs a test that was compiled to WASM, with the SIMD kernels
	chromium string
}

// findTools looks for Node, npm and Chromium before the long stages begin, and
// installs Chromium where it can.
func findTools(ctx context.Context, found *tools, out io.Writer) error {
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
	if err := installChromium(ctx, out); err != nil {
		return fmt.Errorf("Chromium is not installed, and %w; install it (Debian: apt-get install chromium), or name its program in CHROMIUM", err)
	}
	if found.chromium = findChromium(); found.chromium == "" {
		return fmt.Errorf("apt-get installed Chromium, but no chromium is in PATH; name its program in CHROMIUM")
	}
	return nil
}

func checkNode(ctx context.Context) error {
	printed, err := exec.CommandContext(ctx, "node", "--version").Output()
	if err != nil {
		return fmt.Errorf("Node is not installed; get version %d or newer from https://nodejs.org", minNode)
	}
	version := strings.TrimSpace(string(printed)) // v20.20.2
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < minNode {
		return fmt.Errorf("Node is %s; version %d or newer is needed, from https://nodejs.org", version, minNode)
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

func installChromium(ctx context.Context, out io.Writer) error {
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
	return start(ctx, out, env, "apt-get", "install", "--yes", "--no-install-recommends", "chromium")
}
