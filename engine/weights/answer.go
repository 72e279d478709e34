package weights

import (
	"errors"
	"fmt"
	"io/fs"

	"vitrine/engine/fault"
)

// AnswerError is the error of a host's answer to the request of a file at an address: status
// is not 200, and text says it in words. It wraps fs.ErrNotExist for 404 and 410, and also for
// 401 and 403: some hosts answer so for files that they lack, and a file that is not needed
// counts as absent then. Denied tells the two apart.
func AnswerError(address string, status int, text string) error {
	switch status {
	case 404, 410:
		return fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	case 401, 403:
		return denied{fault.New(fault.Network, address, "the host answers %s; check the address, and whether the model is public", text)}
	case 408, 429, 500, 502, 503, 504:
		return fault.New(fault.Network, address, "the host answers %s; try again later", text)
	}
	return fault.New(fault.Network, address, "the host answers %s; check the address", text)
}

// denied is the error of a file that the host refuses to give.
type denied struct{ error }

func (denied) Is(target error) bool { return target == fs.ErrNotExist }

func (d denied) Unwrap() error { return d.error }

// Denied tells whether a host has refused to give a file (401, 403). A reader that needs the
// file reports this error instead of one about an absent file.
func Denied(err error) bool {
	var d denied
	return errors.As(err, &d)
}
