package weights

import (
	"bytes"
	"strings"
)

// PageBytes is how many bytes of a file IsPageOfAbsent wants to see.
const PageBytes = 512

// IsPageOfAbsent tells whether a host has answered with a page because it lacks the file.
// Hosts of single-page applications answer with their page and the status 200 where there is
// no file. An optional file is absent then; for the others, the reader's error says what was
// found. start is the beginning of the content.
func IsPageOfAbsent(name string, start []byte) bool {
	return name != "config.json" && !strings.HasSuffix(name, ".safetensors") && isPage(start)
}

// isPage tells whether a file begins as HTML or XML does.
func isPage(start []byte) bool {
	start = bytes.ToLower(bytes.TrimLeft(start, "\ufeff \t\r\n"))
	for _, mark := range []string{"<!doctype", "<html", "<head", "<!--", "<?xml"} {
		if bytes.HasPrefix(start, []byte(mark)) {
			return true
		}
	}
	return false
}
