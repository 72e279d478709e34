// Package fault has the one error type that leaves the engine: a stable code
// for programs, and a sentence for people that names the file or argument,
// what was found, what is supported and what to do.
package fault

import (
	"errors"
	"fmt"
)

// Code is the stable name of a kind of failure. The same strings are the
// `code` of a VitrineError in JavaScript; they never change their meaning.
type Code string

// The codes. Each is documented in js/vitrine.d.ts for users.
const (
	Option      Code = "option"      // an argument or option: unknown, of the wrong type, out of range
	Picture     Code = "picture"     // a picture that is empty, corrupt or of a shape the model can't take
	Config      Code = "config"      // config.json or preprocessor_config.json contradicts itself or is no JSON
	Weights     Code = "weights"     // a safetensors file: broken, incomplete, of another shape, not finite
	Tokenizer   Code = "tokenizer"   // tokenizer files: broken or incomplete
	Unsupported Code = "unsupported" // a sound file that asks for what Vitrine does not have
	Task        Code = "task"        // the model has no such tower or head
	NotFound    Code = "not-found"   // a file that isn't there
	Network     Code = "network"     // the host can't be reached or answered something else
	Integrity   Code = "integrity"   // a file whose hash is not the expected one
	Version     Code = "version"     // vitrine.js and vitrine.wasm are of different builds
	Memory      Code = "memory"      // the browser gives no more memory
	Device      Code = "device"      // the demanded device is absent, lost or wrong
	Closed      Code = "closed"      // a call after close()
	Internal    Code = "internal"    // a mistake of ours
)

// Error is a failure with its code. Where names the file (and key) or the
// argument; it stands first in the sentence.
type Error struct {
	Code  Code
	Where string
	What  string
	cause error
}

// New makes an Error. The format follows fmt.Errorf; %w keeps a cause.
func New(code Code, where, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Where: where, What: err.Error(), cause: errors.Unwrap(err)}
}

// Error is the whole sentence: "where: what".
func (e *Error) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Unwrap gives the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf gives the code of the first Error in err's chain, else Internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
