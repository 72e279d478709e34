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
	"unicode"
)

// levels are the packages of engine/, lower ones first. A package imports only packages of
// lower levels.
var levels = [][]string{
	{"fault", "internal/half", "internal/pickle", "internal/shapes", "internal/golden", "score"},
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

// TestPublicFaceIsOneFile: every exported type of package engine stands in api.go, every call
// in the file of its name, and the few exported functions where this test says.
func TestPublicFaceIsOneFile(t *testing.T) {
	functions := map[string]string{"Load": "load.go", "LoadShare": "share.go", "Inspect": "inspect.go", "Pack": "pack.go", "PackedConfig": "pack.go", "FromImage": "image.go", "FromValues": "image.go", "EmbeddingCosine": "q8_accuracy.go"}
	others := map[string]string{"Info": "model.go", "Close": "model.go", "Logits": "rank.go", "WatchImages": "watch.go", "WatchTexts": "watch.go"}
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
				want := functions[d.Name.Name]
				if isMethodOfModel(d) {
					if want = others[d.Name.Name]; want == "" {
						want = snakeCase(d.Name.Name) + ".go"
					}
				} else if d.Recv != nil {
					continue
				}
				if d.Name.IsExported() && want != file {
					t.Errorf("%s stands in %s, want %q", d.Name, file, want)
				}
			}
		}
	})
}

func isMethodOfModel(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return false
	}
	pointer, ok := d.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := pointer.X.(*ast.Ident)
	return ok && name.Name == "Model"
}

// snakeCase writes EmbedImages as embed_images.
func snakeCase(name string) string {
	var out strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
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
