# Toolchain: 64-bit Arm Linux from any host; programs run under QEMU's user mode.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

set(QSIM_AARCH64_SYSROOT /usr/aarch64-linux-gnu CACHE PATH "Libraries of the target system")
set(QSIM_QEMU_CPU "" CACHE STRING
    "CPU model for QEMU; empty: the QEMU_CPU environment variable of each run, then QEMU's default")
find_program(QSIM_QEMU NAMES qemu-aarch64-static qemu-aarch64)
if(QSIM_QEMU)
  set(CMAKE_CROSSCOMPILING_EMULATOR "${QSIM_QEMU};-L;${QSIM_AARCH64_SYSROOT}")
  if(QSIM_QEMU_CPU)
    list(APPEND CMAKE_CROSSCOMPILING_EMULATOR -cpu "${QSIM_QEMU_CPU}")
  endif()
endif()

set(CMAKE_FIND_ROOT_PATH "${QSIM_AARCH64_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES QSIM_AARCH64_SYSROOT QSIM_QEMU_CPU)
