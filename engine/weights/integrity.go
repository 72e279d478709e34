package weights

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"io"
	"strings"

	"vitrine/engine/fault"
)

// ParseSHA256 reads a hash as HTML's integrity attribute has it: "sha256-" and the
// hash in base64 (W3C Subresource Integrity). Errors have fault.Option.
func ParseSHA256(text string) (sum [sha256.Size]byte, err error) {
	encoded, ok := strings.CutPrefix(text, "sha256-")
	raw, decodeErr := base64.StdEncoding.DecodeString(encoded)
	if !ok || decodeErr != nil || len(raw) != sha256.Size {
		return sum, fault.New(fault.Option, "integrity", "found %.100q, want \"sha256-\" and 44 characters of base64", text)
	}
	return [sha256.Size]byte(raw), nil
}

func formatSHA256(sum []byte) string {
	return "sha256-" + base64.StdEncoding.EncodeToString(sum)
}

// VerifySHA256 returns a reader of the bytes of r. At the end of r, if the hash of all
// bytes is not want, it returns an error with fault.Integrity instead of io.EOF.
func VerifySHA256(file string, r io.Reader, want [sha256.Size]byte) io.Reader {
	return &verifier{file: file, r: r, want: want, hash: sha256.New()}
}

type verifier struct {
	file string
	r    io.Reader
	want [sha256.Size]byte
	hash hash.Hash
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.hash.Write(p[:n])
	if err == io.EOF {
		if sum := v.hash.Sum(nil); [sha256.Size]byte(sum) != v.want {
			err = fault.New(fault.Integrity, v.file, "its hash is %s, want %s; the file is damaged or of another version: download it again, or correct the integrity", formatSHA256(sum), formatSHA256(v.want[:]))
		}
	}
	return n, err
}

// Verified returns a folder that compares files with their hashes as they are read;
// sums are the hashes by file name. A file without a hash is not checked.
func Verified(f Folder, sums map[string][sha256.Size]byte) Folder {
	return verified{f, sums}
}

type verified struct {
	Folder
	sums map[string][sha256.Size]byte
}

func (v verified) Unwrap() Folder { return v.Folder }

func (v verified) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	body, size, err := v.Folder.Open(ctx, name)
	want, known := v.sums[name]
	if err != nil || !known {
		return body, size, err
	}
	return verifiedBody{VerifySHA256(name, body, want), body}, size, nil
}

// verifiedBody marks a body with a hash: after an error, Checkpoint reads it to its
// end to learn whether the hash is wrong.
type verifiedBody struct {
	io.Reader
	io.Closer
}
