package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

// bench builds what is measured and runs bench/run.mjs, which describes the arguments.
func bench(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	found := &tools{}
	if err := findBrowserTools(ctx, found, os.Stderr); err != nil {
		return err
	}
	if _, err := build(".", "dist"); err != nil {
		return err
	}
	made, err := filepath.Abs(filepath.Join(".tools", "bench"))
	if err != nil {
		return err
	}
	if _, err := goTool(".", "build", "-trimpath", "-o", filepath.Join(made, "gemm.wasm"), "./bench/gemm"); err != nil {
		return err
	}
	goroot, err := goEnv(".", "GOROOT")
	if err != nil {
		return err
	}
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts")
	install.Dir, install.Stdout, install.Stderr = "bench", os.Stderr, os.Stderr
	if err := install.Run(); err != nil {
		return err
	}
	run := exec.CommandContext(ctx, "node", append([]string{filepath.Join("bench", "run.mjs")}, args...)...)
	run.Env = append(os.Environ(), "CHROMIUM="+found.chromium, "BENCH="+made, "GLUE="+filepath.Join(goroot, "lib", "wasm"))
	run.Stdout, run.Stderr = os.Stdout, os.Stderr
	return run.Run()
}
