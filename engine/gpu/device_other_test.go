//go:build !js

package gpu

import (
	"testing"
)

// machine is a Machine on the scalar device: natively, the tests are of what the
// machine notes. In Node and the browser they are of the shaders.
func machine(t *testing.T) *Machine {
	t.Helper()
	m, err := New(NewScalar(), allDTypes...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
