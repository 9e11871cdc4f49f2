// Package pieces shares work on long vectors among threads, in pieces whose size depends on
// nothing: sums have the same bits for any number of threads.
package pieces

import "sync"

// Size is the number of coordinates of a piece, but for the last.
const Size = 4096

// fewest is the number of pieces that a goroutine is begun for: some 20 us of work.
const fewest = 6

// Each calls do for all pieces of n coordinates on up to threads goroutines, each of which
// takes pieces that follow each other: the same as the last time, so that they lie in its
// processor's cache.
func Each(n, threads int, do func(lo, hi int)) {
	share(n, threads, func(piece int) { do(bounds(n, piece)) })
}

// Sum adds up do over all pieces of n coordinates, in their order.
func Sum(n, threads int, do func(lo, hi int) float64) (sum float64) {
	if n <= Size {
		return do(0, n)
	}
	parts := make([]float64, count(n))
	share(n, threads, func(piece int) { parts[piece] = do(bounds(n, piece)) })
	for _, v := range parts {
		sum += v
	}
	return sum
}

// Max is the largest of do over all pieces of n coordinates; 0 where n is.
func Max(n, threads int, do func(lo, hi int) float64) (most float64) {
	parts := make([]float64, count(n))
	share(n, threads, func(piece int) { parts[piece] = do(bounds(n, piece)) })
	for i, v := range parts {
		if i == 0 {
			most = v
		}
		most = max(most, v)
	}
	return most
}

func count(n int) int { return (n + Size - 1) / Size }

func bounds(n, piece int) (lo, hi int) { return piece * Size, min(n, (piece+1)*Size) }

func share(n, threads int, do func(piece int)) {
	all := count(n)
	threads = max(1, min(threads, all/fewest))
	run := func(thread int) {
		for piece := all * thread / threads; piece < all*(thread+1)/threads; piece++ {
			do(piece)
		}
	}
	var done sync.WaitGroup
	for thread := 1; thread < threads; thread++ {
		done.Go(func() { run(thread) })
	}
	run(0)
	done.Wait()
}
