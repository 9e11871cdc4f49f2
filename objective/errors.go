package objective

import "fmt"

// OptionError is an option that makes no sense.
type OptionError struct {
	Option string
	Reason string
}

func (e *OptionError) Error() string { return e.Option + " " + e.Reason }

// OneClassError is a label column in which all rows of positive weight are of one
// class, so that there is nothing to tell apart.
type OneClassError struct {
	Class int32
	Rows  int    // of positive weight
	Name  string // the class's, where it is known
}

func (e *OneClassError) Error() string {
	class := "one class"
	if e.Name != "" {
		class = "class " + e.Name
	}
	return "every row of positive weight is of " + class + "; at least two classes are needed"
}

// WeightError is a weight that cannot be used, or weights that are all zero.
type WeightError struct {
	Row    int // -1: all of them
	Value  float64
	Reason string
}

func (e *WeightError) Error() string {
	if e.Row < 0 {
		return e.Reason
	}
	return fmt.Sprintf("the weight of row %d is %v; %s", e.Row, e.Value, e.Reason)
}
