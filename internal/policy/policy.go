// Package policy holds the Content-Security-Policy of Vitrine. The site, the server, the
// browser tests (test/host/host.mjs) and the README take it from policy.txt, or are
// compared with it.
package policy

import (
	_ "embed"
	"strings"
)

//go:embed policy.txt
var text string

// Strict is the tightest policy under which the library works. It allows models of
// the page's own host.
var Strict = strings.TrimSpace(text)

// ForPage is the policy that a page of the site states in a meta element: Strict, without
// base addresses and forms. With anyHost, models of all hosts may be fetched.
func ForPage(anyHost bool) string {
	page := Strict
	if anyHost {
		page = strings.Replace(page, "connect-src 'self'", "connect-src *", 1)
	}
	return page + "; base-uri 'none'; form-action 'none'"
}
