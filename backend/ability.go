package backend

// Ability names optional interfaces of a Data, or several by their sum.
type Ability uint8

// The abilities.
const (
	CanHessVec Ability = 1 << iota
	CanGram
	CanColumnGram
	CanSample
	CanLine
)

// Selective is implemented by a Data that has the methods of all abilities but can use
// only some: those of another Data that it stands before.
type Selective interface {
	Abilities() Ability
}

// Abilities are those that d has.
func Abilities(d Data) (a Ability) {
	if s, ok := d.(Selective); ok {
		return s.Abilities()
	}
	if _, ok := d.(HessVec); ok {
		a |= CanHessVec
	}
	if _, ok := d.(Gram); ok {
		a |= CanGram
	}
	if _, ok := d.(ColumnGram); ok {
		a |= CanColumnGram
	}
	if _, ok := d.(Sampler); ok {
		a |= CanSample
	}
	if _, ok := d.(LineSearcher); ok {
		a |= CanLine
	}
	return a
}

// Can tells whether d has an ability: a type assertion, but for Data that stand before
// another.
func Can(d Data, a Ability) bool { return Abilities(d)&a == a }
