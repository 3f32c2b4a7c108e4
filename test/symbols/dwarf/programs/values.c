// A program without a library, for comparing what two debuggers say of it at every step: types of all kinds, inlined
// functions, values in registers, in pieces, and values that the compiler drops.
typedef unsigned char u8;
typedef unsigned long long u64;
typedef int (*operation)(int, int);

enum color { RED, GREEN = 5, BLUE = -2 };
enum big { SMALL, HUGE = 0x80000000u };

struct pair {
  int left;
  long right;
};

struct flags {
  unsigned ready : 1;
  signed level : 3;
  unsigned : 4;
  u64 wide : 40;
  u8 after;
};

union number {
  u64 whole;
  u8 bytes[8];
  struct {
    unsigned low, high;
  };
};

struct node {
  struct node *next;
  const struct pair *volatile pair;
  union number number;
  struct flags flags;
  enum color color;
  operation run;
  short grid[2][3];
  struct {
    char tag;
    union {
      int inner;
      float real;
    };
  };
  struct unknown *elsewhere;
  char text[];
};

static struct pair pairs[3] = {{1, 2}, {-3, 4}, {5, -6}};
static struct node nodes[2];
double ratio = 1.5;
enum big big = HUGE;
volatile int sink;
const char *volatile message = "text";

__attribute__((noinline)) static void keep(int value) { sink += value; }

static inline __attribute__((always_inline)) int scaled(int value, int by) {
  int product = value * by;
  keep(product);
  {
    int rest = product % 7;
    product += rest;
  }
  return product;
}

__attribute__((noinline)) static int add(int a, int b) {
  static int calls;
  calls += 1;
  keep(calls);
  return scaled(a, 3) + scaled(b, 5);
}

__attribute__((noinline)) static long by_value(struct pair pair, u8 small, short negative) {
  long sum = pair.left + pair.right;
  keep((int)sum);
  sum += small - negative;
  return sum;
}

__attribute__((noinline)) static int dropped(int used, int unused, const char *name) {
  int first = used * 2;
  keep(first);
  int second = name[0] + first;
  keep(second);
  return second;
}

__attribute__((noinline)) static u64 fold(const u8 *bytes, int length) {
  u64 sum = 0;
  for (int index = 0; index < length; index++) {
    int shifted = bytes[index] << (index & 7);
    sum = sum * 31 + (unsigned)shifted;
  }
  return sum;
}

__attribute__((noinline)) static int variable_length(int count) {
  int numbers[count];
  int total = 0;
  for (int index = 0; index < count; index++) numbers[index] = index * count;
  for (int index = 0; index < count; index++) total += numbers[index];
  keep(numbers[count - 1]);
  return total;
}

__attribute__((noinline)) static int deep(int depth, struct node *node) {
  if (depth == 0) return node->run(2, 3);
  int below = deep(depth - 1, node->next);
  return below + depth;
}

__attribute__((noinline)) static int lost(int used, int kept) {
  keep(used);
  keep(kept);
  return kept;
}

__attribute__((noinline)) static int through_pointer(operation called, int value) {
  int first = called(value, 7);
  return first - called(first, value);
}

operation volatile chosen = lost;

int run(int argument) {
  struct node *first = &nodes[0];
  struct flags flags = {.ready = 1, .level = -2, .wide = 0x123456789a, .after = 7};
  nodes[0] = (struct node){.next = &nodes[1], .pair = &pairs[1], .color = BLUE, .run = add, .flags = flags};
  nodes[1] = (struct node){.next = first, .pair = &pairs[2], .color = GREEN, .run = add};
  nodes[0].grid[1][2] = -7;
  nodes[0].inner = argument;
  union number number = {.whole = 0x1122334455667788ull};
  int result = deep(2, first);
  result += (int)by_value(pairs[1], 200, -5);
  result += dropped(result, 1, message);
  result += (int)fold(number.bytes, 4);
  result += variable_length(result % 3 + 3);
  result += through_pointer(chosen, result);
  for (int round = 0; round < 2; round++) result += scaled(round, result);
  return result;
}
