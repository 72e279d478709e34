package tokenizer

import "sync"

// ahead begins to read files at once, where one after the other would wait for the
// network as often. What it gives reads these, and all others.
func ahead(read func(name string) ([]byte, error), names ...string) func(name string) ([]byte, error) {
	begun := map[string]func() ([]byte, error){}
	for _, name := range names {
		begun[name] = sync.OnceValues(func() ([]byte, error) { return read(name) })
		go begun[name]()
	}
	return func(name string) ([]byte, error) {
		if file := begun[name]; file != nil {
			return file()
		}
		return read(name)
	}
}
