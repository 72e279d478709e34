// Package fault has the error type that the engine returns to its callers: a stable
// code for programs, and a message for people that names the file or argument, what
// was found, what is supported and what to do.
package fault

import (
	"errors"
	"fmt"
)

// Code is the stable name of a kind of error. The same strings are the `code` of a
// VitrineError in JavaScript; their meaning never changes.
type Code string

// The codes. Each is documented in js/vitrine.d.ts for users.
const (
	Option      Code = "option"      // an argument or option: unknown, of the wrong type, out of range
	Picture     Code = "picture"     // a picture is empty, broken or of a shape that the model does not support
	Config      Code = "config"      // config.json, preprocessor_config.json or processor_config.json contradicts itself or is not JSON
	Weights     Code = "weights"     // a file of weights is broken or incomplete, has a wrong shape or values that are not finite, or its pickle names what no state dict needs
	Tokenizer   Code = "tokenizer"   // a tokenizer file is broken or incomplete
	Unsupported Code = "unsupported" // a valid file needs something that Vitrine does not support
	Task        Code = "task"        // the model has no tower or head for the call
	NotFound    Code = "not-found"   // a file is absent
	Network     Code = "network"     // the host cannot be reached, or its answer is not the file
	Integrity   Code = "integrity"   // the hash of a file is not the expected one
	Version     Code = "version"     // vitrine.js and vitrine.wasm are of different builds
	Memory      Code = "memory"      // the browser gives no more memory
	Device      Code = "device"      // the demanded device is absent or lost, or its results are wrong
	Closed      Code = "closed"      // a call after close()
	Internal    Code = "internal"    // a bug in Vitrine
)

// Error is an error with a code.
type Error struct {
	Code  Code
	Where string // the file (and key) or the argument; the message begins with it
	What  string // the rest of the message
	cause error
}

// New returns an Error. The format is that of fmt.Errorf; %w keeps a cause.
func New(code Code, where, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Where: where, What: err.Error(), cause: errors.Unwrap(err)}
}

// Error returns the message: "where: what", or what if Where is empty.
func (e *Error) Error() string {
	if e.Where == "" {
		return e.What
	}
	return e.Where + ": " + e.What
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf returns the code of the first Error in err's chain, else Internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
