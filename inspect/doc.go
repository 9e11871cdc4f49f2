// Package inspect looks at a table before anything is fitted to it: what its columns
// hold, how the classes are balanced, and what is likely to go wrong.
//
//	dataset.Table  ->  column.go    facts of each column
//	                   warnings.go  what they warn of
//	                   leak.go      columns that give the class away
//
// It trains nothing, changes nothing, and takes one column at a time, so that a table of
// any width costs a few passes over its cells.
package inspect
