package tokenizer

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"vitrine/engine/fault"
)

// recorder is a folder that notes which files are requested.
type recorder struct {
	files     map[string]string
	mutex     sync.Mutex
	requested []string
}

func (r *recorder) read(_ context.Context, name string) ([]byte, error) {
	r.mutex.Lock()
	r.requested = append(r.requested, name)
	r.mutex.Unlock()
	return files(r.files)(name)
}

// TestFormatsInOrder takes the preferred tokenizer files out of a folder one by
// one: Load uses the next format, and requests no file of the formats after it.
func TestFormatsInOrder(t *testing.T) {
	settings := []string{"special_tokens_map.json", "tokenizer_config.json"}
	for _, c := range []struct {
		family    Family
		files     map[string]string
		pieces    string // of the text, by the format that wins
		requested []string
	}{
		{CLIP, map[string]string{"spiece.model": smallSpiece, "tokenizer.json": smallBPE, "vocab.json": otherVocab, "merges.txt": otherMerges},
			"<|startoftext|> ab</w> <|endoftext|>", []string{"tokenizer.json"}},
		{CLIP, map[string]string{"spiece.model": smallSpiece, "vocab.json": otherVocab, "merges.txt": otherMerges},
			"<|startoftext|> a b</w> <|endoftext|>", []string{"merges.txt", "tokenizer.json", "vocab.json"}},
		{SigLIP, map[string]string{"spiece.model": smallSpiece + spieceRule, "tokenizer.json": smallUnigram, "vocab.json": smallVocab, "merges.txt": smallMerges},
			"▁a b </s>", []string{"spiece.model"}},
		{SigLIP, map[string]string{"tokenizer.json": smallGemma, "vocab.json": smallVocab, "merges.txt": smallMerges},
			"a <unk> <eos>", []string{"spiece.model", "tokenizer.json"}},
		{CLIP, nil, "", []string{"merges.txt", "tokenizer.json", "vocab.json"}},
		{SigLIP, nil, "", []string{"spiece.model", "tokenizer.json"}},
		{SigLIP2, nil, "", []string{"spiece.model", "tokenizer.json"}},
	} {
		folder := &recorder{files: c.files}
		tok, err := Load(t.Context(), folder.read, Options{Family: c.family})
		name := strings.Join(slices.Sorted(maps.Keys(c.files)), " ")
		slices.Sort(folder.requested)
		if want := slices.Sorted(slices.Values(append(c.requested, settings...))); !slices.Equal(folder.requested, want) {
			t.Errorf("family %d of %q: requested %q, want %q", c.family, name, folder.requested, want)
		}
		if c.files == nil {
			if fault.CodeOf(err) != fault.NotFound {
				t.Errorf("family %d of nothing: %v", c.family, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("family %d of %q: %v", c.family, name, err)
			continue
		}
		if got := strings.Join(tok.Encode("ab").Pieces, " "); got != c.pieces {
			t.Errorf("family %d of %q: pieces %q, want %q", c.family, name, got, c.pieces)
		}
	}
}

// A second vocabulary, in which "a" and "b" do not merge.
const (
	otherVocab  = `{"a":0,"b</w>":1,"c</w>":2,"ac</w>":3,"<|startoftext|>":4,"<|endoftext|>":5}`
	otherMerges = "a c</w>\n"
)

// TestLoadEndsItsReads: after an error, Load does not wait for files that it no
// longer needs, and no read goes on when it returns.
func TestLoadEndsItsReads(t *testing.T) {
	begun, ended := make(chan struct{}), make(chan struct{})
	_, err := Load(t.Context(), func(ctx context.Context, name string) ([]byte, error) {
		if name != "tokenizer.json" {
			<-begun
			return []byte("["), nil
		}
		close(begun)
		<-ctx.Done() // a host that never answers
		for range 100 {
			runtime.Gosched() // closing a connection takes its time
		}
		close(ended)
		return nil, context.Cause(ctx)
	}, Options{Family: CLIP})
	if fault.CodeOf(err) != fault.Tokenizer || !strings.HasPrefix(err.Error(), "special_tokens_map.json: ") {
		t.Errorf("%v, want the fault of special_tokens_map.json", err)
	}
	select {
	case <-ended:
	default:
		t.Error("a read goes on after Load")
	}
}

// TestLoadAborted: the reason of an abort is the error.
func TestLoadAborted(t *testing.T) {
	reason := errors.New("the visitor went away")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := Load(ctx, func(ctx context.Context, name string) ([]byte, error) {
		if name == "tokenizer.json" {
			cancel(reason)
		}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}, Options{Family: CLIP})
	if err != reason {
		t.Errorf("%v, want %v", err, reason)
	}
}
