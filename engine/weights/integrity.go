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

// ParseSHA256 reads the form that HTML's integrity attribute has,
// "sha256-" and the hash in base64 (W3C Subresource Integrity).
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

// VerifySHA256 passes on what r gives and, at the end of r, gives an error of the
// code Integrity instead of io.EOF where the hash of all of it is not want.
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
			err = fault.New(fault.Integrity, v.file, "its hash is %s, want %s: this is another file, or a damaged one", formatSHA256(sum), formatSHA256(v.want[:]))
		}
	}
	return n, err
}

// Verified is a folder whose files are held against their hashes as they are
// read: the sums, by file name. A file without a sum is passed on as it is.
func Verified(f Folder, sums map[string][sha256.Size]byte) Folder {
	return verified{f, sums}
}

type verified struct {
	Folder
	sums map[string][sha256.Size]byte
}

func (v verified) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	body, size, err := v.Folder.Open(ctx, name)
	want, known := v.sums[name]
	if err != nil || !known {
		return body, size, err
	}
	return verifiedBody{VerifySHA256(name, body, want), body}, size, nil
}

// verifiedBody is recognised by Checkpoint, which reads a file to its end where
// that tells whether it is the expected one.
type verifiedBody struct {
	io.Reader
	io.Closer
}
