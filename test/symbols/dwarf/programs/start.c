// Where the program begins: it calls `run` and waits to be killed.
int run(int argument);

void _start(void) {
  run(42);
  for (;;) __asm__ volatile("pause");
}
