// Where a program of C++ begins: see start.c.
extern "C" int run(int argument);

extern "C" void _start() {
  run(42);
  for (;;) __asm__ volatile("pause");
}
