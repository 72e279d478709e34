package policy

import (
	"os"
	"strings"
	"testing"
)

func TestReadmeHasThePolicy(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "`"+Strict+"`") {
		t.Errorf("README.md does not contain `%s`", Strict)
	}
}

func TestPolicyOfAPage(t *testing.T) {
	for anyHost, connect := range map[bool]string{true: "connect-src *", false: "connect-src 'self'"} {
		page := ForPage(anyHost)
		for _, directive := range []string{connect, "script-src 'self' 'wasm-unsafe-eval'", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'"} {
			if !strings.Contains("; "+page+";", "; "+directive+";") {
				t.Errorf("%q is not in %q", directive, page)
			}
		}
	}
}
