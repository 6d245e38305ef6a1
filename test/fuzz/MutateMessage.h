//===- MutateMessage.h - changes of a protobuf message that keep it one ---===//

#ifndef HALFTONE_TEST_FUZZ_MUTATEMESSAGE_H
#define HALFTONE_TEST_FUZZ_MUTATEMESSAGE_H

#include <cstddef>
#include <cstdint>

namespace halftone::fuzz {

/// Changes one field, somewhere in the message or the messages inside it: takes it
/// away, doubles it, swaps it with its neighbour, gives a number another value, or
/// lets `mutateBytes` change its bytes. Lengths around it are made right again.
/// What is no message is left to `mutateBytes` whole.
size_t mutateMessage(uint8_t *data, size_t size, size_t maxSize, unsigned seed,
                     size_t (*mutateBytes)(uint8_t *, size_t, size_t));

} // namespace halftone::fuzz

#endif
