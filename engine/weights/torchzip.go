package weights

import (
	"encoding/binary"
	"errors"
	"strings"

	"vitrine/engine/internal/pickle"
)

// The layout since torch 1.6 is a zip archive without compression (PKWARE's APPNOTE.TXT;
// caffe2/serialize/inline_container.cc): NAME/data.pkl first, then NAME/data/KEY for each
// storage and a few small members in any order, then the directory. torch writes the sizes of
// members after them and in the directory. So while the file streams, the size of a
// storage is the one in the pickle; all others are held against it.

// What begins the parts of a zip archive.
const (
	zipMember      = "PK\x03\x04"
	zipDescriptor  = "PK\x07\x08"
	zipEntry       = "PK\x01\x02"
	zip64End       = "PK\x06\x06"
	zip64Locator   = "PK\x06\x07"
	zipEnd         = "PK\x05\x06"
	zip64Extra     = 1         // the id of the extra field with sizes of 8 bytes
	maxSmallMember = 100       // bytes of a member beside the pickle and the storages
	inZip64        = 1<<32 - 1 // in place of a size that the extra field has
)

var errTorchScript = errors.New("is a TorchScript archive, a program with its weights inside, which is not run; save the model's state dict, or as safetensors")

type zipLayout struct {
	folder  string // the names' first part, "archive/"
	rules   *stateDictRules
	members []member // that are whole
	open    *member  // whose bytes follow
}

// member is a file in the archive.
type member struct {
	name   string
	at     int64  // where its header begins
	size   int64  // -1 where it follows the member
	flags  uint16 // bit 0: encrypted, 3: its size follows
	method uint16 // of compression; 0 for none
	wide   bool   // sizes that follow it have 8 bytes
}

func (z *zipLayout) header(in *input, rules *stateDictRules) pickle.Value {
	in.expect(zipMember)
	m := in.member()
	name, ok := strings.CutSuffix(m.name, "data.pkl")
	if !ok {
		z.refuse(in, m)
	}
	z.folder, z.rules = name, rules
	start := in.at
	root := in.pickle(rules)
	z.end(in, m, in.at-start)
	return root
}

// refuse tells what an archive is that has another member than torch.save writes.
func (z *zipLayout) refuse(in *input, m member) {
	if strings.Contains(m.name, "/code/") || strings.HasSuffix(m.name, "constants.pkl") {
		in.fail(errTorchScript)
	}
	in.damaged("has the member %.100q where torch.save writes none, twice, or with %d bytes, which is another number than in its pickle", m.name, m.size)
}

func (z *zipLayout) next(in *input) *storage {
	if m := z.open; m != nil {
		z.open = nil
		z.end(in, *m, m.size)
	}
	for {
		mark := string(in.record(4))
		if mark == zipEntry {
			z.directory(in)
			return nil
		}
		if mark != zipMember {
			in.unexpected("the next member or the directory")
		}
		m := in.member()
		name, _ := strings.CutPrefix(m.name, z.folder)
		if key, ok := strings.CutPrefix(name, "data/"); ok {
			s := z.rules.storages[key]
			if s == nil || s.read || m.size >= 0 && m.size != s.bytes() {
				z.refuse(in, m)
			}
			if m.size < 0 {
				m.size = s.bytes()
			}
			z.open = &m
			return s
		}
		if name != "version" && name != "byteorder" && !strings.HasPrefix(name, ".") {
			z.refuse(in, m)
		}
		if content := z.small(in, m); name == "byteorder" && content != "little" {
			in.damaged("has the byte order %.20q; supported is little", content)
		}
	}
}

// member reads the header of a member after its mark.
func (in *input) member() member {
	at := in.at - 4
	m, _ := in.fields(in.record(26))
	m.at = at
	if m.method != 0 || m.flags&1 != 0 {
		in.damaged("has the member %.100q compressed or encrypted, which torch.save never does; save the state dict again", m.name)
	}
	return m
}

// fields reads what a header of a member and its entry in the directory have alike: the
// name and the extra fields after it, and the sizes. wide gives, of the 64-bit numbers in
// the extra fields, the next one in place of a number that it replaces.
func (in *input) fields(h []byte) (m member, wide func(uint32) int64) {
	m.flags, m.method = le16(h[2:]), le16(h[4:])
	m.name = string(in.record(int(le16(h[22:]))))
	extra := in.record(int(le16(h[24:])))
	var long []byte
	for len(extra) >= 4 {
		n := min(int(le16(extra[2:])), len(extra)-4)
		if le16(extra) == zip64Extra {
			long, m.wide = extra[4:4+n], true
		}
		extra = extra[4+n:]
	}
	wide = func(short uint32) int64 {
		if short != inZip64 || len(long) < 8 {
			return int64(short)
		}
		n := le64(long)
		long = long[8:]
		return int64(n)
	}
	size, packed := wide(le32(h[18:])), wide(le32(h[14:]))
	m.size = size
	if m.flags&8 != 0 && len(h) == 26 {
		m.size = -1
	} else if size != packed || size < 0 {
		in.damaged("has the member %.100q with two sizes, %d and %d", m.name, size, packed)
	}
	return m, wide
}

// end reads what follows a member of size bytes, and notes the member.
func (z *zipLayout) end(in *input, m member, size int64) {
	found := uint64(m.size)
	if m.flags&8 != 0 {
		in.expect(zipDescriptor)
		in.record(4) // a checksum
		if m.wide {
			found = le64(in.record(16)[8:])
		} else {
			found = uint64(le32(in.record(8)[4:]))
		}
	}
	if found != uint64(size) {
		in.damaged("has the member %.100q of %d bytes, where it says %d", m.name, size, found)
	}
	m.size = size
	z.members = append(z.members, m)
}

// small reads a member that is neither the pickle nor a storage. Where its size follows
// it, it ends before what describes it.
func (z *zipLayout) small(in *input, m member) string {
	var content []byte
	for int64(len(content)) != m.size && len(content) < maxSmallMember {
		if m.size < 0 && string(in.peek(4)) == zipDescriptor {
			break
		}
		content = append(content, in.record(1)[0])
	}
	z.end(in, m, int64(len(content)))
	return string(content)
}

// directory reads the rest of the file after the mark of the directory's first entry, and
// compares it with the members and the storages.
func (z *zipLayout) directory(in *input) {
	for _, s := range z.rules.order {
		if !s.read {
			in.damaged("lacks the storage %.100q, which its pickle names", s.key)
		}
	}
	begin := in.at - 4
	for i, m := range z.members {
		if i > 0 {
			in.expect(zipEntry)
		}
		h := in.record(42)[2:]
		entry, wide := in.fields(h)
		in.record(int(le16(h[26:]))) // a comment
		if at := wide(le32(h[36:])); entry.name != m.name || entry.size != m.size || at != m.at || entry.method != 0 {
			in.damaged("its directory has %.100q with %d bytes at %d, where %.100q with %d bytes at %d was read", entry.name, entry.size, at, m.name, m.size, m.at)
		}
	}
	// The directory ends with the number of members, its size and its place: in 8 bytes
	// each, where these do not fit the 2 and 4 bytes of the last record, and always in
	// files of torch.
	end := in.at
	want := [3]uint64{uint64(len(z.members)), uint64(end - begin), uint64(begin)}
	var found [3]uint64
	mark := string(in.record(4))
	long := mark == zip64End
	if long {
		r := in.record(52)
		for i := range found {
			found[i] = le64(r[28+8*i:])
		}
		in.expect(zip64Locator)
		in.record(16)
		mark = string(in.record(4))
	}
	r := in.record(18)
	if !long {
		found = [3]uint64{uint64(le16(r[6:])), uint64(le32(r[8:])), uint64(le32(r[12:]))}
	}
	if mark != zipEnd || found != want {
		in.damaged("its directory describes %v, the number, size and place of its members, where %v were read", found, want)
	}
	in.record(int(le16(r[16:]))) // a comment
}

// expect reads the mark that begins a part of the archive.
func (in *input) expect(mark string) {
	if string(in.record(4)) != mark {
		in.unexpected("its next part")
	}
}

func (in *input) unexpected(want string) {
	in.damaged("the zip archive has not %s at byte %d", want, in.at)
}

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
