/* See common/user-access.S. */
#include "common/user-access.S"
