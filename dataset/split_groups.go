package dataset

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// FoldsGrouped puts the rows into k folds without splitting a group, so that the folds have
// about as many rows, and about as many of each class, as groups allow: group after group,
// the hardest to place first, goes where it evens out most. groups and labels number the
// groups and classes of the rows. No fold is empty. The same arguments give the same folds;
// seed decides between groups of the same classes.
//
// What is evened out is the sum over classes of squares of their shares in each fold, as in
// scikit-learn's StratifiedGroupKFold, and of all rows as of one class more, as in GroupKFold.
func FoldsGrouped(groups, labels []int32, k int, seed uint64) ([]int32, error) {
	if err := checkFolds(len(groups), k); err != nil {
		return nil, err
	}
	all, total := gatherGroups(groups, labels)
	if len(all) < k {
		return nil, fmt.Errorf("%d folds of %d groups, which are not to be split; use fewer folds", k, len(all))
	}
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(a, b int) { all[a], all[b] = all[b], all[a] })
	slices.SortStableFunc(all, func(a, b *rowGroup) int { return cmp.Compare(b.weight(total), a.weight(total)) })
	inFold := make([]map[int32]int, k)
	for f := range inFold {
		inFold[f] = map[int32]int{}
	}
	for _, g := range all {
		least := 0.0
		for f := range k {
			more := 0.0 // that the squares of the fold's shares grow, but for what they do in any
			for _, c := range g.classes {
				share := 1 / float64(total[c.class])
				more += float64(share*float64(inFold[f][c.class])) * float64(share*float64(c.rows))
			}
			if f == 0 || more < least {
				least, g.fold = more, int32(f)
			}
		}
		for _, c := range g.classes {
			inFold[g.fold][c.class] += c.rows
		}
	}
	of := make(map[int32]int32, len(all))
	for _, g := range all {
		of[g.group] = g.fold
	}
	folds := make([]int32, len(groups))
	for i, g := range groups {
		folds[i] = of[g]
	}
	return folds, nil
}

// rowGroup is the rows of a group.
type rowGroup struct {
	group   int32
	classes []classCount // that it has, and allRows
	fold    int32
}

type classCount struct {
	class int32
	rows  int
}

// allRows is a class of all rows.
const allRows = -1

// weight is how hard the group is to place: the squares of its shares of each class.
func (g *rowGroup) weight(total map[int32]int) (w float64) {
	for _, c := range g.classes {
		share := float64(c.rows) / float64(total[c.class])
		w += float64(share * share)
	}
	return w
}

// gatherGroups counts the rows of each group by class, the groups in rising order, and
// those of each class in all.
func gatherGroups(groups, labels []int32) (all []*rowGroup, total map[int32]int) {
	type cell struct{ group, class int32 }
	count := map[cell]int{}
	for i, g := range groups {
		count[cell{g, labels[i]}]++
	}
	cells := slices.SortedFunc(maps.Keys(count), func(a, b cell) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.class, b.class))
	})
	total = map[int32]int{allRows: len(groups)}
	for i, c := range cells {
		if i == 0 || c.group != cells[i-1].group {
			all = append(all, &rowGroup{group: c.group, classes: []classCount{{allRows, 0}}})
		}
		g, n := all[len(all)-1], count[c]
		g.classes[0].rows += n
		g.classes = append(g.classes, classCount{c.class, n})
		total[c.class] += n
	}
	return all, total
}
