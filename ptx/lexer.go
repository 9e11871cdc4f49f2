package ptx

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// tokenKind tells the kinds of token of PTX text apart.
type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokIdent            // add, %r1, $L__BB0_2, name
	tokDot              // .f32, .L1::no_allocate: text without the dot
	tokInt              // 42, 0x2A, 052, 0b101010, 42U
	tokFloat            // 0f3F800000, 0d..., 1.5
	tokString           // "..."
	tokPunct            // one of , ; : { } [ ] ( ) < > @ ! | + - = * / ~
)

// token is one word of PTX text. A float constant keeps its bits in value: as
// float64 bits, or as float32 bits when single is set (0fXXXXXXXX).
type token struct {
	kind   tokenKind
	single bool
	line   int
	text   string
	value  uint64
}

func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "end of file"
	case tokDot:
		return "." + t.text
	}
	return t.text
}

// lex cuts PTX text into tokens; the last one is tokEOF.
func lex(src string) ([]token, error) {
	toks := make([]token, 0, len(src)/4)
	line := 1
	for i := 0; i < len(src); {
		c := src[i]
		switch {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r' || c == 0:
			i++
		case strings.HasPrefix(src[i:], "//"):
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case strings.HasPrefix(src[i:], "/*"):
			end := strings.Index(src[i:], "*/")
			if end < 0 {
				return nil, &ParseError{line, "comment without an end"}
			}
			line += strings.Count(src[i:i+end], "\n")
			i += end + 2
		case c == '"':
			end := strings.IndexByte(src[i+1:], '"')
			if end < 0 {
				return nil, &ParseError{line, "string without an end"}
			}
			toks = append(toks, token{kind: tokString, line: line, text: src[i+1 : i+1+end]})
			i += end + 2
		case c == '.':
			n := i + 1
			for n < len(src) && (wordByte(src[n]) || strings.HasPrefix(src[n:], "::") && n+2 < len(src) && wordByte(src[n+2])) {
				if src[n] == ':' {
					n++
				}
				n++
			}
			if n == i+1 {
				return nil, &ParseError{line, "a dot without a name"}
			}
			toks = append(toks, token{kind: tokDot, line: line, text: src[i+1 : n]})
			i = n
		case c >= '0' && c <= '9':
			t, n, err := lexNumber(src[i:])
			if err != nil {
				return nil, &ParseError{line, err.Error()}
			}
			t.line = line
			toks = append(toks, t)
			i += n
		case wordByte(c) || c == '%':
			n := i + 1
			for n < len(src) && wordByte(src[n]) {
				n++
			}
			toks = append(toks, token{kind: tokIdent, line: line, text: src[i:n]})
			i = n
		case strings.IndexByte(",;:{}[]()<>@!|+-=*/~", c) >= 0:
			toks = append(toks, token{kind: tokPunct, line: line, text: src[i : i+1]})
			i++
		default:
			return nil, &ParseError{line, fmt.Sprintf("unexpected character %q", c)}
		}
	}
	return append(toks, token{kind: tokEOF, line: line}), nil
}

// wordByte tells whether c may stand inside an identifier.
func wordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$'
}

// lexNumber reads the constant that s begins with and tells its length.
func lexNumber(s string) (token, int, error) {
	if len(s) > 2 && s[0] == '0' {
		switch s[1] {
		case 'f', 'F':
			if len(s) < 10 {
				break
			}
			v, err := strconv.ParseUint(s[2:10], 16, 32)
			if err != nil {
				return token{}, 0, fmt.Errorf("bad float constant %q", s[:10])
			}
			return token{kind: tokFloat, text: s[:10], value: v, single: true}, 10, nil
		case 'd', 'D':
			if len(s) < 18 {
				break
			}
			v, err := strconv.ParseUint(s[2:18], 16, 64)
			if err != nil {
				return token{}, 0, fmt.Errorf("bad float constant %q", s[:18])
			}
			return token{kind: tokFloat, text: s[:18], value: v}, 18, nil
		}
	}
	n := 0
	for n < len(s) && wordByte(s[n]) {
		n++
	}
	hex := len(s) > 1 && (s[1] == 'x' || s[1] == 'X')
	if !hex && (n+1 < len(s) && s[n] == '.' && s[n+1] >= '0' && s[n+1] <= '9' || strings.ContainsAny(s[:n], "eE")) {
		for n < len(s) && (wordByte(s[n]) || s[n] == '.' || (s[n] == '-' || s[n] == '+') && (s[n-1] == 'e' || s[n-1] == 'E')) {
			n++
		}
		v, err := strconv.ParseFloat(s[:n], 64)
		if err != nil {
			return token{}, 0, fmt.Errorf("bad number %q", s[:n])
		}
		return token{kind: tokFloat, text: s[:n], value: math.Float64bits(v)}, n, nil
	}
	v, err := strconv.ParseUint(strings.TrimRight(s[:n], "uU"), 0, 64)
	if err != nil {
		return token{}, 0, fmt.Errorf("bad number %q", s[:n])
	}
	return token{kind: tokInt, text: s[:n], value: v}, n, nil
}

// ParseError is text that is not PTX, or PTX that the emulator does not know.
type ParseError struct {
	Line int
	Msg  string
}

func (e *ParseError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Msg) }
