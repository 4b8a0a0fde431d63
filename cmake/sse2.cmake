# SPDX-License-Identifier: MIT
# For the oldest x86-64 processor: no instruction that came after SSE2. The program is that of any
# build without `-m` flags, and runs in QEMU's user-mode emulation, which refuses later ones.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
# The Opteron of 2003, whose successor had SSE3 as well.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-x86_64 -cpu Opteron_G1,-pni)
