//go:build !js

package engine_test

import (
	"context"
	"testing"

	"vitrine/engine/gpu"
)

// anyGPU is Options.GPU with the scalar device: natively there is no WebGPU.
func anyGPU(*testing.T) func(context.Context) (gpu.Device, error) { return scalarGPU(gpu.NewScalar()) }
