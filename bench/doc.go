// Package bench measures this machine: how fast each backend reads X for one loss and
// gradient beside a plain read of the same memory, and how long fits take.
//
//	Run            what `logreg-gpu bench` shows
//	peers/         the comparison with other programs: make bench-peers, bench-check
//	ingest/        how files become matrices, beside other programs: make bench-ingest
//	gpu/           what a machine with a GPU should run: bench/gpu-check.sh
//	results/       what they found, by machine and date
//
// Times are wall-clock times of a machine that may be doing other things too: they
// inform, and no test depends on them.
package bench
