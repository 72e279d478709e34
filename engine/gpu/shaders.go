package gpu

import (
	"embed"
	"fmt"

	"vitrine/engine/kernel"
)

//go:embed shaders/*.wgsl
var files embed.FS

// The pipelines that every machine has, in the order in which they are compiled. Two for
// each type of weights follow.
const (
	pipeNorm = iota
	pipeAttend
	pipeAttendMaps
	pipeCopy
	pipeRotate
	pipeMean
	pipeWeigh
	fixedPipes
)

// sources names the file of each pipeline.
var sources = [fixedPipes]string{
	pipeNorm: "norm", pipeAttend: "attend", pipeAttendMaps: "attend_maps", pipeCopy: "copy",
	pipeRotate: "rotate", pipeMean: "mean", pipeWeigh: "weigh",
}

// linearPipes are the numbers of the pipelines for one type of weights: linear.wgsl, which
// computes tiles, and linear_row.wgsl, for few rows.
type linearPipes struct{ tiles, row int }

// shadersFor gives all shaders, with those for weights of some types, and the pipelines of
// each type. A linear shader is a sequence of whole files (what the two shapes share,
// the activations, how weights of the type are read, the shape) and activateSource.
func shadersFor(dtypes []kernel.DType) (list []Shader, linear map[kernel.DType]linearPipes) {
	for _, name := range sources {
		list = append(list, Shader{name, source(name)})
	}
	linear = map[kernel.DType]linearPipes{}
	for _, dtype := range dtypes {
		linear[dtype] = linearPipes{len(list), len(list) + 1}
		for _, shape := range []string{"linear", "linear_row"} {
			code := source("linear_params", "activation") + activateSource() + source("weights_"+dtype.String(), shape)
			list = append(list, Shader{shape + " " + dtype.String(), code})
		}
	}
	return list, linear
}

// activateSource writes the function activate of the linear shaders: a switch over the
// codes of kernel.Activations, each of which has a function in activation.wgsl.
func activateSource() string {
	code := "\nfn activate(x: vec4<f32>, act: u32) -> vec4<f32> {\n  switch act {\n"
	for _, act := range kernel.Activations() {
		if act != kernel.Identity {
			code += fmt.Sprintf("    case %du: { return act_%s(x); }\n", byte(act), act)
		}
	}
	return code + "    default: { return x; }\n  }\n}\n"
}

// source gives the text of files of shaders/, one after the other.
func source(names ...string) string {
	var text []byte
	for _, name := range names {
		file, err := files.ReadFile("shaders/" + name + ".wgsl")
		if err != nil {
			panic(err) // the files are embedded
		}
		text = append(text, file...)
	}
	return string(text)
}
