// C++ without a library: namespaces, classes with bases and static members, templates, references, enum classes.
namespace shapes {

enum class Kind : unsigned char { Circle = 3, Square };

struct Base {
  int id = 7;
  static int count;
};
int Base::count = 2;

template <typename T, int N>
struct Buffer {
  T items[N];
  T sum() const {
    T total = 0;
    for (int index = 0; index < N; index++) total += items[index];
    return total;
  }
};

namespace {
struct Hidden {
  bool flag;
  wchar_t letter;
};
}  // namespace

class Shape : public Base {
 public:
  Shape(Kind kind, long area) : kind_(kind), area_(area) {}
  __attribute__((noinline)) long scaled(int factor) {
    long result = area_ * factor + id;
    buffer_.items[1] = static_cast<short>(result);
    return result + buffer_.sum();
  }

 private:
  struct Inner {
    char tag;
  };
  Kind kind_;
  long area_;
  Buffer<short, 3> buffer_ = {};
  Inner inner_ = {'x'};
};

__attribute__((noinline)) long total(Shape& first, const Shape&& second, Hidden hidden) {
  Shape* pointer = &first;
  long sum = pointer->scaled(2) + (hidden.flag ? 1 : 0);
  sum += const_cast<Shape&>(second).scaled(3);
  return sum;
}

}  // namespace shapes

volatile long sink;

extern "C" int run(int argument) {
  shapes::Shape shape(shapes::Kind::Square, argument);
  sink = shapes::total(shape, shapes::Shape(shapes::Kind::Circle, 5), {true, L'z'});
  return static_cast<int>(sink);
}
