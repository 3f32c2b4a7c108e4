/* The tour: one small kernel that does each thing once, meant to be stepped through. Start at kmain in main.c. */
#ifndef TOUR_H
#define TOUR_H
#include "common/guest.h"
#include "common/trap.h"

#define TIMER_VECTOR 0x40
#define SYSTEM_CALL_PRINT 1
#define SYSTEM_CALL_TICKS 2
#define SYSTEM_CALL_EXIT 3
#define HISTORY_SIZE 8

/* How many timer interrupts came, what each interrupted, and a value that nothing should change. */
extern volatile uint64_t ticks;
extern uint64_t history[HISTORY_SIZE];
extern uint64_t guard;
#define GUARD_VALUE 0x600dc0de600dc0deull

void describe_processor(void);
void describe_memory(uint32_t info);
void protect_kernel(void);
void start_timer(void);
void stop_timer(void);
void timer_interrupt(struct frame *frame);
void enable_system_calls(void);
uint64_t system_call(uint64_t number, uint64_t argument);
bool hypercall(uint64_t number, uint64_t *answer);
_Noreturn void power_off(void);

/* Assembly, in syscall.S. */
void syscall_entry(void);
uint64_t run_user(void (*entry)(void), uint64_t stack_top);
_Noreturn void leave_user(uint64_t exit_code);
uint64_t vmcall(uint64_t number);

/* Ring 3, in user.c. */
void user_main(void);
extern uint8_t user_stack[4096];
extern uint64_t fibonacci_calls;
#endif
