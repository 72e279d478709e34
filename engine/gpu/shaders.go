package gpu

import "embed"

//go:embed shaders/*.wgsl
var files embed.FS

// The pipelines, in the order in which they are compiled.
const (
	pipeLinear = iota
	pipeLinearRow
	pipeNorm
	pipeAttend
	pipeAttendMaps
	pipeCopy
	pipeRotate
	pipeMean
	pipeWeigh
	pipes
)

// sources lists the files that make each pipeline: whole files, one after the
// other, and the last has main.
var sources = [pipes][]string{
	pipeLinear:     {"linear_params", "activation", "weights_f32", "linear"},
	pipeLinearRow:  {"linear_params", "activation", "weights_f32", "linear_row"},
	pipeNorm:       {"norm"},
	pipeAttend:     {"attend"},
	pipeAttendMaps: {"attend_maps"},
	pipeCopy:       {"copy"},
	pipeRotate:     {"rotate"},
	pipeMean:       {"mean"},
	pipeWeigh:      {"weigh"},
}

// shaders gives all of them.
func shaders() []Shader {
	list := make([]Shader, pipes)
	for i, parts := range sources {
		list[i].Name = parts[len(parts)-1]
		for _, part := range parts {
			list[i].Code += source(part) + "\n"
		}
	}
	return list
}

// source is one file.
func source(name string) string {
	text, err := files.ReadFile("shaders/" + name + ".wgsl")
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}
