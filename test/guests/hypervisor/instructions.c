/* The VMX instructions with their outcome in CF and ZF. SDM Vol. 3C 31.2-31.3. */
#include "hypervisor/vmx.h"

#define VMX_OUTCOME(text, ...) \
  ({ \
    bool carry, zero; \
    asm volatile(text : "=@ccc"(carry), "=@ccz"(zero) : __VA_ARGS__ : "memory"); \
    carry ? FAILED_INVALID : zero ? FAILED_VALID : SUCCEEDED; \
  })
enum outcome vmxon(uint64_t region) { return VMX_OUTCOME("vmxon %2", "m"(region)); }
enum outcome vmclear(uint64_t region) { return VMX_OUTCOME("vmclear %2", "m"(region)); }
enum outcome vmptrld(uint64_t region) { return VMX_OUTCOME("vmptrld %2", "m"(region)); }
enum outcome vmxoff(void) { return VMX_OUTCOME("vmxoff", "i"(0)); }
enum outcome vmwrite_try(uint64_t field, uint64_t value) {
  return VMX_OUTCOME("vmwrite %2, %3", "r"(value), "r"(field));
}
enum outcome vmread_try(uint64_t field, uint64_t *value) {
  bool carry, zero;
  asm volatile("vmread %3, %0" : "=r"(*value), "=@ccc"(carry), "=@ccz"(zero) : "r"(field) : "memory");
  return carry ? FAILED_INVALID : zero ? FAILED_VALID : SUCCEEDED;
}
enum outcome invept(uint64_t type, uint64_t pointer) {
  uint64_t descriptor[2] = {pointer, 0};
  return VMX_OUTCOME("invept %2, %3", "m"(descriptor), "r"(type));
}
enum outcome invvpid(uint64_t type, uint64_t vpid) {
  uint64_t descriptor[2] = {vpid, 0};
  return VMX_OUTCOME("invvpid %2, %3", "m"(descriptor), "r"(type));
}
uint64_t vmread(uint64_t field) {
  uint64_t value = 0;
  vmread_try(field, &value);
  return value;
}
void vmwrite(uint64_t field, uint64_t value) { vmwrite_try(field, value); }
