package bind

import (
	"slices"
	"strings"

	"vitrine/engine/family"
)

// Unused lists the tensors, among names, that belong to a loaded tower by their names, but
// that nothing reads. Upstream drops such tensors, too, with a warning.
func (b *Binding) Unused(a *family.Architecture, names []string) []string {
	var prefixes []string
	if v := a.Vision; v != nil {
		prefixes = append(prefixes, b.findPrefix(v.Prefixes, v.Names.Patch+".weight"))
	}
	if t := a.Text; t != nil {
		prefixes = append(prefixes, b.findPrefix(t.Prefixes, t.Names.Tokens))
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		has := func(part string) bool { return strings.HasPrefix(name, part) || strings.HasSuffix(name, part) }
		return b.destinations[name] != nil || slices.ContainsFunc(a.Unread, has) ||
			!slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
}
