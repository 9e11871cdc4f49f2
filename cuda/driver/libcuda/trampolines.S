//go:build linux && amd64 && cgo && !cpu

// One trampoline for each symbol of symbols.h. Slots lie in the order of the list,
// which is also the order of the names in load.c. All is hidden: were these names
// in the program's dynamic symbol table, libcuda.so.1 would bind its own calls to
// them instead of to itself.

#define X(name)                     \
	.globl name                    ;\
	.hidden name                   ;\
	.type name, @function          ;\
name:	endbr64                        ;\
	jmp *libcuda_slot_##name(%rip) ;\
	.size name, . - name           ;\
	.pushsection .data             ;\
libcuda_slot_##name:                   ;\
	.quad libcuda_unfilled         ;\
	.popsection                    ;

	.data
	.balign 8
	.globl libcuda_slots
	.hidden libcuda_slots
libcuda_slots:

	.text
#include "symbols.h"

	.section .note.GNU-stack, "", @progbits
