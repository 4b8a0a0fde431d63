// SPDX-License-Identifier: MIT
#include <multitudes/multitudes.hpp>

#include <atomic>

int main() {
  std::atomic<int> chunks{0};
  multitudes::thread_pool pool(2);
  pool.run(8, [&](std::size_t) { ++chunks; });
  return chunks == 8 ? 0 : 1;
}
