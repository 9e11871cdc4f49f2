package ptx

import (
	"fmt"
	"math"
	"math/bits"
)

// warpState tells whether a warp can be scheduled.
type warpState uint8

const (
	ready warpState = iota
	waiting
	yielded // ready, but wants another warp to run first
	done
)

// warp is 32 threads that share an instruction stream, and their registers.
type warp struct {
	k     *kernel
	l     *launch
	block *block
	id    int
	state warpState

	r    []lanes
	def  []uint32 // by register: lanes that hold a defined value
	p    []uint32 // predicates: one bit a lane
	pdef []uint32
	cc   uint32 // carry flag of add.cc and friends

	all    uint32 // lanes that exist (the last warp of a block may be short)
	live   uint32 // those that have not exited
	active uint32 // those on the current path
	pc     int
	at     int // the instruction being executed
	others []path
	nextPC int // smallest pc of the other runnable paths

	local region // [lane][kernel.localSize]
	know  knowledge
	async asyncCopies
}

// path is a group of lanes that diverged and waits to run at pc. A parked one
// waits there for other lanes to join it in a warp-wide operation.
type path struct {
	pc     int
	mask   uint32
	parked bool
}

// fault stops the launch.
func (w *warp) fault(kind Kind, lane int, format string, args ...any) {
	panic(w.newFault(kind, lane, fmt.Sprintf(format, args...)))
}

func (w *warp) newFault(kind Kind, lane int, detail string) *Fault {
	in := &w.k.code[w.at]
	return &Fault{Kind: kind, Kernel: w.k.name, Line: int(in.line), Text: in.text,
		Block: w.block.index, Thread: w.thread(lane), Detail: detail}
}

// thread is the thread index of a lane.
func (w *warp) thread(lane int) [3]uint32 {
	t, b := uint32(w.id*32+lane), w.l.shape.Block
	return [3]uint32{t % b[0], t / b[0] % b[1], t / b[0] / b[1]}
}

// run executes up to n instructions and returns how many it did. It ends early when
// the warp waits, yields or is done.
func (w *warp) run(n int) int {
	code := w.k.code
	checks := w.l.checks
	for i := 0; i < n; i++ {
		if w.pc >= w.nextPC {
			w.reconverge()
		}
		in := &code[w.pc]
		m := w.active
		w.at = w.pc
		w.pc++
		if in.guard >= 0 {
			if checks && m&^w.pdef[in.guard] != 0 {
				w.fault(Uninitialised, bits.TrailingZeros32(m&^w.pdef[in.guard]), "the guard predicate was never set")
			}
			if in.not {
				m &^= w.p[in.guard]
			} else {
				m &= w.p[in.guard]
			}
			if m == 0 {
				continue
			}
		}
		if checks {
			for _, s := range in.reads {
				if m&^w.def[s] != 0 {
					w.undefined(m &^ w.def[s])
				}
			}
			for _, s := range in.preads {
				if m&^w.pdef[s] != 0 {
					w.undefined(m &^ w.pdef[s])
				}
			}
		}
		w.l.stats.laneInstructions += uint64(bits.OnesCount32(m))
		m = in.run(w, in, m)
		for _, s := range in.writes {
			w.def[s] |= m
		}
		for _, s := range in.pwrites {
			w.pdef[s] |= m
		}
		if w.state != ready {
			return i + 1
		}
	}
	return n
}

func (w *warp) undefined(m uint32) {
	w.fault(Uninitialised, bits.TrailingZeros32(m), "a source register was never set")
}

// Divergence. The lanes of a warp are split into paths, and the one with the
// smallest pc runs. Compilers lay code out so that the joining point of a branch
// has the larger address, so the lagging path catches up and both merge: no
// post-dominator analysis is needed. Functions stand before their callers, so a
// path inside a call is always the smallest and returns before the caller goes on.

// split sends the lanes taken to target and the rest of the path to next.
func (w *warp) split(taken uint32, target int) {
	rest := w.active &^ taken
	if rest == 0 {
		w.pc = target
		return
	}
	w.active = rest
	w.others = append(w.others, path{pc: target, mask: taken})
	w.reconverge()
}

// reconverge lets the path with the smallest pc run, merged with those at the same pc.
func (w *warp) reconverge() {
	if w.active != 0 {
		w.others = append(w.others, path{pc: w.pc, mask: w.active})
	}
	best := -1
	for i, p := range w.others {
		if !p.parked && (best < 0 || p.pc < w.others[best].pc) {
			best = i
		}
	}
	if best < 0 { // all are parked: let them try again, their partners may have exited
		best = 0
		for i := range w.others {
			w.others[i].parked = false
			if w.others[i].pc < w.others[best].pc {
				best = i
			}
		}
	}
	w.resume(best)
}

// resume makes path i the current one, with all runnable paths at its pc.
func (w *warp) resume(i int) {
	w.pc, w.active = w.others[i].pc, 0
	keep := w.others[:0]
	w.nextPC = math.MaxInt
	for _, p := range w.others {
		if p.pc == w.pc && !p.parked {
			w.active |= p.mask
			continue
		}
		if !p.parked {
			w.nextPC = min(w.nextPC, p.pc)
		}
		keep = append(keep, p)
	}
	w.others = keep
}

// shuffle runs some other path than the smallest for a while: threads of a warp
// have no order among themselves, and a lane may spin until another one releases it.
func (w *warp) shuffle(choice int) {
	w.others = append(w.others, path{pc: w.pc, mask: w.active})
	w.active = 0
	n := 0
	for _, p := range w.others {
		if !p.parked {
			n++
		}
	}
	choice %= n
	for i, p := range w.others {
		if p.parked {
			continue
		}
		if choice == 0 {
			w.resume(i)
			w.nextPC = math.MaxInt
			return
		}
		choice--
	}
}

// converge is called by an operation that needs all lanes of need at once, with
// those that have come, m. It returns the lanes to go on with, or 0 when the path
// is parked until the others come.
func (w *warp) converge(in *inst, m, need uint32, kind Kind) uint32 {
	if need&^m == 0 {
		return m
	}
	for i := len(w.others) - 1; i >= 0; i-- {
		if p := w.others[i]; p.pc == w.at && p.parked {
			m |= p.mask
			w.active |= p.mask
			w.others = append(w.others[:i], w.others[i+1:]...)
		}
	}
	if need&^m == 0 {
		return m
	}
	runnable := w.active&^m != 0
	for _, p := range w.others {
		runnable = runnable || !p.parked
	}
	if !runnable {
		missing := need &^ m
		lane := bits.TrailingZeros32(m)
		where := "have exited"
		for _, p := range w.others {
			if p.mask&missing != 0 {
				where = fmt.Sprintf("wait at line %d (%s)", w.k.code[p.pc].line, w.k.code[p.pc].text)
			}
		}
		w.fault(kind, lane, "lanes %#08x of the warp came here, but lanes %#08x %s", m, missing, where)
	}
	rest := w.active &^ m // a guard left them out: they go on
	w.others = append(w.others, path{pc: w.at, mask: m, parked: true})
	w.active = rest
	if rest == 0 {
		w.reconverge()
	}
	return 0
}

// exit ends the lanes m.
func (w *warp) exit(m uint32) {
	w.live &^= m
	w.active &^= m
	if w.active != 0 {
		return
	}
	if w.live == 0 {
		w.state = done
		return
	}
	w.reconverge()
}
