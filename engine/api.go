// Package engine runs vision transformers: it loads a model folder as Hugging
// Face lays it out and answers with embeddings, rankings, classes and attention
// maps. It knows no browser; the same code runs natively and in WASM.
//
//	model, err := engine.Load(ctx, weights.Dir("openai/clip-vit-base-patch32"), engine.Options{})
//	ranking, err := model.Rank(ctx, engine.FromImage(picture), []string{"a cat", "a dog"}, engine.RankOptions{})
//
// This file is the public face: every exported type stands here, and each call in a file
// of its name. The words mean what they mean in JavaScript (js/vitrine.d.ts), and the js
// and json names are the same.
package engine

import (
	"context"
	"sync"
	"time"
	"vitrine/engine/weights"

	"vitrine/engine/bind"
	"vitrine/engine/encoder"
	"vitrine/engine/family"
	"vitrine/engine/gpu"
	"vitrine/engine/kernel"
	"vitrine/engine/pixels"
	"vitrine/engine/tokenizer"
)

// Model is a loaded model. Its methods may be called from several goroutines; they run
// one after the other, each on all cores.
type Model struct {
	mu      sync.Mutex
	closed  bool
	arch    *family.Architecture
	info    Info
	towers  *bind.Towers
	machine encoder.Machine
	group   encoder.Group
	pause   func() error
	source  source

	gpu       *selfCheckedGPU // or nil
	refused   error           // why a demanded GPU no longer runs
	fallbacks int             // how often a GPU was given up
	waitedFor time.Duration   // how long calls waited for a GPU that was given up
	runningMu sync.Mutex
	running   running

	pixels    pixels.Config
	pixelsErr error // why there is none
	tokens    tokenizer.Tokenizer
	tokensErr error
	labels    labelCache
}

// Share is one part of every block of a model. It embeds and answers nothing by itself:
// it joins the jobs of the Model that is the first share.
type Share struct {
	towers  *bind.Towers
	machine encoder.Machine
	toDrop  []*kernel.Linear // int8 weights whose residuals are dropped after the first job, which measures q8
}

// Cost is what the choice of a number of workers needs to know of a model.
type Cost = family.Cost

// Options of Load. The zero value suits most callers.
type Options struct {
	// Set is the instruction set that runs; the fastest there is by default.
	Set *kernel.Set
	// GPU opens a graphics processor; nil: the CPU computes. Where there is none, or it is
	// lost, wrong or slower, Load and later calls go back to the CPU; with DemandGPU they
	// fail with fault.Device instead.
	GPU       func(context.Context) (gpu.Device, error)
	DemandGPU bool
	// Fallback is called when a call has gone back to the CPU; Info says why.
	Fallback func(Info)
	// For tests: the clock by which speeds are compared, and whether small models run on a
	// GPU too.
	clock   func() time.Time
	anyWork bool
	// DType is how the blocks keep their weights: "auto" as the file does (float32 for a
	// float file, int8 for a packed one), "f32", "f16" as half floats that are unpacked
	// when they are used, or "q8" as int8 with a scale for each output, multiplied by
	// activations with a scale for each row.
	DType string
	// MeasureQ8 embeds a picture while a q8 model loads, before and after its weights are
	// rounded, and gives the cosine in Info.Q8. Until then weights take twice the memory.
	// All shares of a model are loaded with it, or none.
	MeasureQ8 bool
	// Workers is the number of shares that the blocks are split into; 0 and 1 leave them
	// whole. The Model is the first share; LoadShare makes the others, and Group connects
	// them.
	Workers int
	Group   encoder.Group
	// Split, which may be nil, decides Workers and Group once config.json and the header
	// of the weights have been read, unless a GPU computes. Workers is then the number
	// that is wanted, and is only checked.
	Split func(Cost) (workers int, group encoder.Group, err error)
	// Integrity is "sha256-" and the base64 hash of the file of weights, or empty.
	Integrity string
	// Progress is called with the bytes of weights read so far, and with all there are (−1
	// where the host doesn't say).
	Progress func(loaded, total int64)
	// Pause is called between blocks, and between chunks of a file. In a browser it lets
	// the event loop deliver messages. Its error ends the call.
	Pause func() error
}

// Image is the input of an image call: a picture, or pixelValues. FromImage and FromValues
// make it.
type Image struct {
	picture *pixels.Image
	values  *pixels.Input
}

// The options of calls follow. Their tags describe them for JavaScript and the command
// line, and checkOptions checks strings and numbers by them (what a pointer holds depends on
// the model, and is checked by the call): js is the option's name; default is the value of an
// option that is left out (zero or nil), where it doesn't depend on the model; oneof lists
// the values of a string; min is the least value of a number; single allows one string in
// place of a list.

// ImageOptions are common to all image calls.
type ImageOptions struct {
	// Size is [height, width] in pixels; the model's own by default.
	Size [2]int `js:"size" min:"1"`
	// MaxPatches bounds the grid of NaFlex models; the model's own by default.
	MaxPatches int `js:"maxPatches" min:"1"`
	// Experiment is nil for the model as it was trained.
	Experiment *Experiment `js:"experiment"`
}

// Experiment withholds something from the tower, for lessons.
type Experiment struct {
	// Order puts the patch of position Order[i] at position i, every patch once; nil
	// leaves the patches where they are.
	Order []int `js:"order" min:"0"`
	// Positions false leaves out the tokens' positions.
	Positions *bool `js:"positions" default:"true"`
	// Causal lets a token attend to itself and those before it only.
	Causal bool `js:"causal"`
}

// Ms are the times of an image call, in milliseconds. Whoever decodes the picture fills in
// Decode.
type Ms struct {
	Decode     float64 `json:"decode"`
	Preprocess float64 `json:"preprocess"`
	Encode     float64 `json:"encode"`
	Device     float64 `json:"device"` // the part of Encode that waits for the GPU
}

// EmbedImageOptions of EmbedImage.
type EmbedImageOptions struct {
	ImageOptions
	// Normalize scales the embedding to length 1.
	Normalize *bool `js:"normalize" default:"true"`
}

// EmbedImagesOptions of EmbedImages.
type EmbedImagesOptions struct {
	EmbedImageOptions
	// Progress, which may be nil, is told after some of the pictures.
	Progress func(done, total int) `js:"onProgress"`
}

// TextOptions of texts.
type TextOptions struct {
	// Normalize scales embeddings to length 1.
	Normalize *bool `js:"normalize" default:"true"`
	// Templates are strings with {} for the text: a text's embedding is then the mean
	// over all templates, normalized before and after as CLIP's notebook does. None by
	// default: texts are taken as they are.
	Templates []string `js:"template" single:"true"`
}

// TextsOptions of EmbedTexts.
type TextsOptions struct {
	TextOptions
	// Progress, which may be nil, is told after some of the texts.
	Progress func(done, total int) `js:"onProgress"`
}

// Embedding of a picture.
type Embedding struct {
	Embedding []float32 `json:"embedding"` // [E]
	Ms        Ms        `json:"ms"`
}

// ImageEmbeddings of some pictures.
type ImageEmbeddings struct {
	Embeddings [][]float32 `json:"embeddings"` // [pictures][E]
	Ms         Ms          `json:"ms"`         // of all together
}

// TextEmbeddings of some texts.
type TextEmbeddings struct {
	Embeddings [][]float32 `json:"embeddings"` // [texts][E]
	Truncated  []bool      `json:"truncated"`  // the text was longer than the model reads
}

// RankOptions of Rank.
type RankOptions struct {
	ImageOptions
	Templates []string `js:"template" single:"true"` // see TextOptions
}

// Ranked is one label with its scores.
type Ranked struct {
	Label      string  `json:"label"`
	Index      int     `json:"index"`      // in the labels of the call
	Similarity float64 `json:"similarity"` // cosine of the two embeddings
	Logit      float64 `json:"logit"`      // as upstream scales it
	Score      float64 `json:"score"`      // softmax over the labels, or sigmoid
}

// Ranking of labels, the best first.
type Ranking struct {
	Ranking []Ranked `json:"ranking"`
	Method  string   `json:"method"` // "softmax" (CLIP) or "sigmoid" (SigLIP)
	Ms      Ms       `json:"ms"`
}

// ClassifyOptions of Classify.
type ClassifyOptions struct {
	ImageOptions
	TopK int `js:"topK" min:"1" default:"5"` // how many classes to give
}

// Class is one class with its scores.
type Class struct {
	Label string  `json:"label"` // of id2label, else LABEL_n
	Index int     `json:"index"`
	Logit float64 `json:"logit"` // as the classifier gives it
	Score float64 `json:"score"` // as Method says
}

// Classes of a picture, the best first.
type Classes struct {
	Classes []Class `json:"classes"`
	// Method is "softmax" over all classes, or "sigmoid" of each class by itself, where
	// config.json says multi_label_classification or there is one class.
	Method string `json:"method"`
	Ms     Ms     `json:"ms"`
}

// AttentionOptions of Attention. Layers and heads count from 0.
type AttentionOptions struct {
	ImageOptions
	Layer  *int   `js:"layer" min:"0"` // the last by default
	Head   *int   `js:"head" min:"0"`  // the mean over all heads by default
	Method string `js:"method" oneof:"raw,rollout,pool" default:"raw"`
	Full   bool   `js:"full"` // all tokens × all tokens, instead of one row over the patches
}

// AttentionMap says where the model looked. It is not about a label.
type AttentionMap struct {
	// Data is [rows·columns]: the class token's attention to each patch, as it is
	// (it sums to less than 1, the rest went to prefix tokens). Where there is no
	// class token, the mean over all queries. With Full, [tokens, tokens].
	Data   []float32 `json:"data"`
	Shape  []int     `json:"shape"`
	Grid   [2]int    `json:"grid"` // rows, columns of patches
	Layer  int       `json:"layer"`
	Head   *int      `json:"head"` // nil: mean
	Method string    `json:"method"`
}

// AttentionStack is every map of one picture at once.
type AttentionStack struct {
	Data   []float32 `json:"data"` // [layers, heads, rows·columns]
	Layers int       `json:"layers"`
	Heads  int       `json:"heads"`
	Grid   [2]int    `json:"grid"`
}

// FeaturesOptions of Features and Colors.
type FeaturesOptions struct {
	ImageOptions
	Layer *int `js:"layer" min:"0"` // the output of this block; last_hidden_state by default
}

// Features are the patches of a picture as the tower sees them. Class and
// register tokens are left out.
type Features struct {
	Data  []float32 `json:"data"`
	Shape [2]int    `json:"shape"` // tokens, width
	Grid  [2]int    `json:"grid"`  // rows, columns
	Ms    Ms        `json:"ms"`
}

// VisualTokensOptions of VisualTokens. What is left out is what config.json says.
type VisualTokensOptions struct {
	ImageOptions
	Layers   []int  `js:"layers"`                        // of hidden_states: 0 enters the first block, −1 leaves the last; several are concatenated
	Strategy string `js:"strategy" oneof:"default,full"` // "default" leaves out the first token, "full" keeps it
}

// VisualTokens are what a language model gets to see of a picture.
type VisualTokens struct {
	Data  []float32 `json:"data"`
	Shape [2]int    `json:"shape"` // slots, width of the language model
	Ms    Ms        `json:"ms"`
}

// RelevanceOptions of Relevance.
type RelevanceOptions struct {
	ImageOptions
	Method    string   `js:"method" oneof:"dense,contribution" default:"dense"`
	Against   []string `js:"against"`                // what Contrast subtracts; see LabelMap for the default
	Templates []string `js:"template" single:"true"` // see TextOptions
}

// Relevance says which patches speak for which label.
type Relevance struct {
	Method string     `json:"method"`
	Maps   []LabelMap `json:"maps"` // in the order of the labels
}

// LabelMap is the map of one label.
//
// Data are cosines of each patch with the label ("dense"), or parts of the
// cosine that rank shows ("contribution": Σ Data + Rest = Similarity). Contrast is
// Data minus the mean of the same maps of Against: by default the other labels;
// where there is one label, a text about nothing ("a photo of a"), or for a
// classifier the mean of all classes.
type LabelMap struct {
	Label      string    `json:"label"`
	Data       []float32 `json:"data"` // [rows·columns]
	Contrast   []float32 `json:"contrast"`
	Grid       [2]int    `json:"grid"`
	Similarity float64   `json:"similarity"` // cosine of the pooled picture and the label
	Rest       *float64  `json:"rest"`       // what no patch gave: prefix tokens, biases, MLPs; nil in dense maps
}

// Colors are the first three principal components of a picture's patch
// features, for looking at.
type Colors struct {
	Data      []float32  `json:"data"` // [rows·columns, 3], each component stretched to 0…1
	Grid      [2]int     `json:"grid"`
	Explained [3]float64 `json:"explained"` // each component's share of the variance
	Ms        Ms         `json:"ms"`
}

// Losses of a batch of n pairs, for lessons on how such models are trained.
type Losses struct {
	Clip   float64     `json:"clip"`   // CLIP's symmetric cross entropy
	Siglip float64     `json:"siglip"` // SigLIP's: the sum over each row of Pairs, mean over rows
	Pairs  [][]float64 `json:"pairs"`  // SigLIP's loss of every pair [texts][images]
	Mean   float64     `json:"mean"`   // of Pairs
}

// Stage is one step of a picture's way through the model.
type Stage struct {
	Stage string  `json:"stage"`
	Shape []int   `json:"shape"`
	Ms    float64 `json:"ms"` // since the stage before
}

// Tokens of a text, special tokens included.
type Tokens struct {
	IDs       []int32  `json:"ids"`
	Pieces    []string `json:"pieces"`
	Truncated bool     `json:"truncated"`
}

// Info describes a loaded model and what runs it.
type Info struct {
	Architecture string     `json:"architecture"` // of config.json, "CLIPModel"
	ModelType    string     `json:"modelType"`    // "clip"
	Tasks        []string   `json:"tasks"`        // what can be called: embedImage, embedText, rank, classify, attention, tokenize …
	Device       string     `json:"device"`       // "webgpu", "simd" or "scalar"
	Workers      int        `json:"workers"`
	DType        string     `json:"dtype"`
	Q8           *Q8Info    `json:"q8"`         // nil for another DType
	Kernels      string     `json:"kernels"`    // name of the kernel set
	Parameters   int64      `json:"parameters"` // of the towers that were loaded
	Bytes        int64      `json:"bytes"`      // of the weight files
	Fallback     string     `json:"fallback"`   // why a slower device runs, or empty
	GPU          GPUInfo    `json:"gpu"`
	Shapes       Shapes     `json:"shapes"`
	Preprocess   Preprocess `json:"preprocess"`
	Classes      int        `json:"classes"`  // 0 without a classifier
	Warnings     []string   `json:"warnings"` // what is odd in the model's files, a sentence each
}

// Q8Info says how int8 does on a model.
type Q8Info struct {
	// Rows is what rows of activations become: "int8" or "int16", as the processor
	// multiplies them fast, or "float32" on a GPU.
	Rows string `json:"rows"`
	// Cosine is that of a picture's embedding (of its tokens, where there is none) to the
	// same in float32, measured while loading; nil where it was not: the file has int8
	// only, or a GPU computes.
	Cosine *float64 `json:"cosine"`
}

// GPUInfo describes the graphics processor that runs, or ran until Fallback.
type GPUInfo struct {
	Name      string  `json:"name"`      // "" where there was none
	Pipelines int     `json:"pipelines"` // compiled for this model
	CompileMs float64 `json:"compileMs"` // for all of them
}

// InspectOptions of Inspect.
type InspectOptions struct {
	// Size is [height, width] in pixels of the pictures for which tokens, slots and
	// multiply-adds are counted; the model's own by default.
	Size [2]int `js:"size" min:"1"`
}

// Inspection is what is known of a model before its weights are read.
type Inspection struct {
	Loads    bool     `json:"loads"`    // Load would succeed, as far as can be told without the weights
	Error    *Failure `json:"error"`    // why not; nil where Loads
	Warnings []string `json:"warnings"` // what is odd in the files, a sentence each

	Architecture string      `json:"architecture"` // this and the fields up to Preprocess are as in Info
	ModelType    string      `json:"modelType"`
	Tasks        []string    `json:"tasks"`
	Parameters   int64       `json:"parameters"`
	Classes      int         `json:"classes"`
	Shapes       Shapes      `json:"shapes"`
	Preprocess   Preprocess  `json:"preprocess"`
	MultiplyAdds float64     `json:"multiplyAdds"` // of a picture
	Memory       MemoryBytes `json:"memory"`       // of the weights

	Towers  Towers        `json:"towers"`
	DTypes  []DTypeCount  `json:"dtypes"` // of the tensors in the weight files
	Bytes   int64         `json:"bytes"`  // of the files that Load reads; −1 where the host doesn't say
	Files   []FileSummary `json:"files"`
	Licence string        `json:"licence"` // as README.md or the file LICENSE says, or empty
}

// Failure is an error with its code (package fault).
type Failure struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// MemoryBytes is how many bytes of memory the weights take, by the dtype of Options.
type MemoryBytes struct {
	F32 int64 `json:"f32"`
	F16 int64 `json:"f16"`
	Q8  int64 `json:"q8"`
}

// Towers are the sizes of a model's parts. Of a tower that is absent, they are 0.
type Towers struct {
	Vision TowerSize `json:"vision"`
	Text   TowerSize `json:"text"`
	Unused TowerSize `json:"unused"` // of tensors that the model doesn't use
}

// TowerSize is the size of a tower in the weight files.
type TowerSize struct {
	Parameters int64 `json:"parameters"`
	Bytes      int64 `json:"bytes"`
}

// DTypeCount counts the tensors of one type.
type DTypeCount struct {
	DType   string `json:"dtype"` // as safetensors writes it
	Tensors int    `json:"tensors"`
	Values  int64  `json:"values"`
}

// FileSummary is one file of a model's folder.
type FileSummary struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"` // −1 where the host doesn't say
	Read  bool   `json:"read"`  // by Load
}

// Shapes are the sizes a page needs.
type Shapes struct {
	Image      [2]int `json:"image"` // height, width; 0, 0 for NaFlex
	Patch      int    `json:"patch"`
	Grid       [2]int `json:"grid"` // rows, columns at Image
	Tokens     int    `json:"tokens"`
	Prefix     int    `json:"prefix"` // class and register tokens
	Width      int    `json:"width"`
	Layers     int    `json:"layers"`
	Heads      int    `json:"heads"`
	Embedding  int    `json:"embedding"`
	MaxPatches int    `json:"maxPatches"` // NaFlex, else 0
	Slots      int    `json:"slots"`      // of a language model that a picture of Grid costs; 0 without a projector
	TextLength int    `json:"textLength"` // tokens a text; 0 without a text tower
	TextLayers int    `json:"textLayers"`
	Vocabulary int    `json:"vocabulary"`
}

// Preprocess says which part of a picture the model sees, for a page that shows it: the
// picture is resized, then a window is cut from its centre.
type Preprocess struct {
	Resize string `json:"resize"` // "shortest-edge", "squash", "cover", "contain", "naflex", or "none"
	Edge   int    `json:"edge"`   // shortest-edge: the shorter side becomes this long
	Size   [2]int `json:"size"`   // squash: to this height and width
	Crop   [2]int `json:"crop"`   // height, width of the window; 0, 0: all of it
}

// PackedModel is what Pack makes of a model: the contents and names of two files.
type PackedModel struct {
	ConfigFile  string
	Config      []byte
	WeightsFile string
	Tensors     []weights.Named
}
