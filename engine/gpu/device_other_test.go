//go:build !js

package gpu

import (
	"testing"
)

// machine gives a Machine on the scalar device: natively, the tests check what the machine
// records. In Node and the browser they check the shaders too.
func machine(t *testing.T) *Machine {
	t.Helper()
	m, err := New(NewScalar(), allDTypes...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
