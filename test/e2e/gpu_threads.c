/* Runs GPU kernels on a CPU, thread after thread: they have no barriers. What a kernel
   asks its GPU for are these functions; gpu.py names them where the intrinsics were. */
#include <stdint.h>

static struct {
  int32_t x, y;
} thread;
static int32_t block, num_blocks;

int32_t gpu_thread_x(void) { return thread.x; }
int32_t gpu_thread_y(void) { return thread.y; }
int32_t gpu_block(void) { return block; }
int32_t gpu_num_blocks(void) { return num_blocks; }

/* dp4a.u32.s32 */
int32_t gpu_dp4a(uint32_t u, uint32_t s, int32_t sum) {
  for (int i = 0; i < 4; ++i)
    sum += (int32_t)(uint8_t)(u >> 8 * i) * (int8_t)(s >> 8 * i);
  return sum;
}

/* Pointers and indices alike take 8 bytes. */
typedef void (*kernel)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                       int64_t, int64_t);

void gpu_launch(kernel f, const int64_t *a, int32_t blocks, int32_t width, int32_t height) {
  num_blocks = blocks;
  for (block = 0; block < blocks; ++block)
    for (thread.y = 0; thread.y < height; ++thread.y)
      for (thread.x = 0; thread.x < width; ++thread.x)
        f(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11]);
}
