package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// levels are the packages of engine/, lower ones first. A package imports only packages of
// lower levels.
var levels = [][]string{
	{"fault", "internal/half", "internal/shapes", "internal/golden", "score"},
	{"internal/jsonfile", "kernel"},
	{"encoder", "kernel/gen", "maps", "pixels", "tokenizer", "weights"},
	{"gpu", "family", "pixels/picture", "tokenizer/nfcgen"},
	{"bind", "internal/golden/trim"},
	{"."},
}

// TestImportsRunDownward: a package of engine/ names only packages below it, none of the
// repository outside engine/, and no browser but in files named *_js.go.
func TestImportsRunDownward(t *testing.T) {
	level := map[string]int{}
	for i, packages := range levels {
		for _, name := range packages {
			level[name] = i
		}
	}
	eachGoFile(t, func(file string, syntax *ast.File) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		folder := path.Dir(filepath.ToSlash(file))
		own, known := level[folder]
		if !known {
			t.Errorf("engine/%s has no level in this test", folder)
		}
		for _, spec := range syntax.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if name == "syscall/js" && !strings.HasSuffix(file, "_js.go") {
				t.Errorf("engine/%s imports syscall/js; only files named *_js.go know a browser", file)
			}
			inside, ours := strings.CutPrefix(name, "vitrine/")
			if !ours {
				continue
			}
			below, ours := strings.CutPrefix(inside, "engine/")
			if other, known := level[below]; !ours || !known || other >= own {
				t.Errorf("engine/%s imports %s, which is not below it", file, name)
			}
		}
	})
}

// TestPublicFaceIsOneFile: every exported type and function of package engine that is no
// method stands in api.go, but for the functions that are a file's own subject.
func TestPublicFaceIsOneFile(t *testing.T) {
	functions := map[string]string{"Load": "load.go", "LoadShare": "share.go", "Pack": "pack.go", "PackedConfig": "pack.go", "FromImage": "image.go", "FromValues": "image.go", "EmbeddingCosine": "q8_accuracy.go"}
	eachGoFile(t, func(file string, syntax *ast.File) {
		if path.Dir(filepath.ToSlash(file)) != "." || strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, declaration := range syntax.Decls {
			switch d := declaration.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if s, ok := spec.(*ast.TypeSpec); ok && s.Name.IsExported() && file != "api.go" {
						t.Errorf("the type %s stands in %s; the public face is api.go", s.Name, file)
					}
				}
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() && functions[d.Name.Name] != file {
					t.Errorf("the function %s stands in %s, want %q", d.Name, file, functions[d.Name.Name])
				}
			}
		}
	})
}

// TestFamiliesAreKnownInOnePackage: no package but family looks at model_type or class
// names.
func TestFamiliesAreKnownInOnePackage(t *testing.T) {
	eachGoFile(t, func(file string, syntax *ast.File) {
		if folder := path.Dir(filepath.ToSlash(file)); folder == "family" || strings.HasPrefix(folder, "internal/golden") || strings.HasSuffix(file, "_test.go") {
			return
		}
		ast.Inspect(syntax, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			value, err := strconv.Unquote(literal.Value)
			if err == nil && (slices.Contains([]string{"model_type", "architectures", "vit", "clip", "siglip", "siglip2", "dinov2", "dinov2_with_registers", "dinov3_vit", "llava"}, value) || strings.HasSuffix(value, "ForImageClassification")) {
				t.Errorf("engine/%s names %q; what depends on a family stands in package family", file, value)
			}
			return true
		})
	})
}

func eachGoFile(t *testing.T, visit func(file string, syntax *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(file) != ".go" {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err == nil {
			visit(file, syntax)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
