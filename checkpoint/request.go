package checkpoint

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/logreg-gpu/logreg-gpu/backend"
)

// request is the hash of a question: the Data that it is put to, by how it was drawn,
// the operation, and all that goes into it.
type request [sha256.Size]byte

// ask hashes the operation and its arguments, each with its length.
func ask(of request, operation string, args ...any) (r request) {
	h := sha256.New()
	var word [8]byte
	number := func(n int) {
		binary.LittleEndian.PutUint64(word[:], uint64(n))
		h.Write(word[:])
	}
	h.Write(of[:])
	number(len(operation))
	h.Write([]byte(operation))
	for _, a := range args {
		switch a := a.(type) {
		case int:
			number(a)
		case []int:
			number(len(a))
			for _, v := range a {
				number(v)
			}
		case []float64:
			number(len(a))
			h.Write(bytesOf(a))
		case [][]float64:
			number(len(a))
			for _, v := range a {
				number(len(v))
				h.Write(bytesOf(v))
			}
		case []backend.Model:
			number(len(a))
			for _, m := range a {
				for _, v := range []int{m.Label, m.Classes, int(m.Class), m.Weight, m.Offset, m.Fold} {
					number(v)
				}
			}
		case []backend.GramBlock:
			number(len(a))
			for _, b := range a {
				number(b.Model)
				number(b.Row)
				number(b.Col)
			}
		default:
			panic("checkpoint: an argument of unknown type")
		}
	}
	h.Sum(r[:0])
	return r
}
